// The pages beside the operations: people, reports, about.

import * as api from "../core/api.js";
import { startOf } from "../core/form.js";
import { blocks, plain } from "../core/markdown.js";
import { button, el, guarded, remember, say, words } from "./dom.js";

/** A text as elements; nothing of it becomes a mark of the page. */
export function shown(text) {
	const make = {
		heading: ({ level, text: title }) => el(`h${Math.min(6, level + 1)}`, {}, plain(title)),
		code: ({ text: code }) => el("pre", { tabIndex: 0 }, code),
		list: ({ items }) => el("ul", {}, ...items.map((item) => el("li", {}, plain(item)))),
		text: ({ text: line }) => el("p", {}, plain(line)),
		table: ({ rows: [head, ...rest] }) => el("div", { className: "table", tabIndex: 0, role: "region", "aria-label": `Table of ${rest.length} rows: ${head.map(plain).join(", ")}` },
			el("table", {}, el("thead", {}, el("tr", {}, ...head.map((cell) => el("th", { scope: "col" }, plain(cell))))),
				el("tbody", {}, ...rest.map((row) => el("tr", {}, ...row.map((cell) => el("td", {}, plain(cell)))))))),
	};
	return blocks(text).map((block) => make[block.kind](block));
}

export function peoplePage({ systems, go }) {
	const list = el("ul", { className: "cards", id: "people" });
	const kind = el("select", { id: "kind" }, new Option("Faces", "face"), new Option("Bodies", "body"));
	let seed = 0;
	let begun = null;
	const begins = async () => {
		const able = systems.filter((system) => system.weights.length);
		const whole = await Promise.all(able.map((system) => api.system(system.name)));
		return whole.map((system) => ({ system: system.name, operation: system.operations[0] }));
	};
	const uses = (person) => begun.map((one) => ({ ...one, fields: startOf(one.operation, person.kind) }))
		.filter((one, at, all) => one.fields && all.findIndex((other) => other.fields && other.operation.title === one.operation.title) === at);
	const card = (person, label) => el("li", {},
		el("img", { src: api.assetUrl(person.photo.id), alt: label }),
		el("p", {}, label),
		el("div", { className: "row" },
			...uses(person).map(({ system, operation, fields }) => button(operation.title, () => {
				const filled = Object.fromEntries(Object.entries(fields).map(([name, part]) => [name, person[part]?.id]));
				remember(system, operation.name, filled);
				go(system, operation.name);
			}, { title: `${operation.title}, with ${system}` })),
			el("a", { className: "button", href: api.assetUrl(person.photo.id), download: `${person.name}` }, "Photo"),
			el("a", { className: "button", href: api.assetUrl(person.label_map.id), download: `map-${person.name}` }, "Map")));
	const describe = (person) => person.captions[0] ?? words(person.name);
	const more = guarded(async () => {
		begun ??= await begins();
		for (let number = 0; number < 8; number++) {
			const person = await api.person(kind.value, seed++);
			list.append(card(person, describe(person)));
		}
		say("");
	});
	kind.addEventListener("change", () => {
		list.replaceChildren();
		seed = 0;
		more();
	});
	const element = el("section", { className: "plain" }, el("h2", {}, "People"),
		el("p", {}, "People that code drew; nobody sat for them. Begin with one, or save the photo and its label map."),
		el("div", { className: "row" }, el("label", {}, "Show ", kind)), list, button("More people", more, { id: "more" }));
	return { element, start: more };
}

/** Evaluation reports of the folder that `--reports` names, and the cards of the weights. */
export function reportsPage({ systems }, rest) {
	const text = el("article", { className: "report", id: "report" });
	const links = el("ul", { className: "links" });
	const cards = systems.flatMap((system) => system.weights.map((weights) => ({ name: `card of ${weights.name}`, text: async () => weights.card || "These weights have no card." })));
	const start = async () => {
		const files = (await api.reports()).map(({ name }) => ({ name: name.replaceAll("~", "/"), text: async () => (await api.report(name)).text }));
		const all = [...files, ...cards];
		links.replaceChildren(...all.map((one) => el("li", {}, el("a", { href: `#/reports/${encodeURIComponent(one.name)}` }, one.name))));
		const chosen = all.find((one) => one.name === rest[0]) ?? all[0];
		for (const link of links.querySelectorAll("a")) if (link.textContent === chosen?.name) link.setAttribute("aria-current", "page");
		if (chosen) {
			const found = await chosen.text();
			const isJson = chosen.name.endsWith(".json");
			text.replaceChildren(...(isJson ? [el("pre", { tabIndex: 0 }, found)] : shown(found)));
		} else text.replaceChildren(el("p", { className: "nothing" }, "No reports are here; limner studio --reports FOLDER shows those of a folder."));
		say("");
	};
	const element = el("section", { className: "plain two" }, el("nav", { "aria-label": "Reports" }, el("h2", {}, "Reports"), links), text);
	return { element, start };
}

/** Version, limits, where things lie; everything can be deleted here. */
export function aboutPage() {
	const facts = el("dl", { id: "facts" });
	const start = async () => {
		const { limner, device, workspace, forgets, limits } = await api.about();
		const rows = { version: limner, device, "photos and results": forgets ? `${workspace} They are deleted when it ends.` : workspace, ...limits };
		facts.replaceChildren(...Object.entries(rows).flatMap(([name, value]) => [el("dt", {}, words(name)), el("dd", {}, String(value))]));
		say("");
	};
	const forget = button("Delete everything of this session", guarded(async () => {
		if (!confirm("Delete all photos, maps and results of this session? This cannot be undone.")) return;
		await api.forget();
		localStorage.clear();
		location.reload();
	}), { id: "forget" });
	const element = el("section", { className: "plain" }, el("h2", {}, "About"), facts, el("p", {}, forget));
	return { element, start };
}
