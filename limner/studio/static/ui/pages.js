// The pages beside the operations: people, reports, about.

import * as api from "../core/api.js";
import { button, download, el, fromPage, guarded, isSure, link, open, row, words } from "./dom.js";

/** A part of a report as an element; nothing of it becomes a mark of the page. */
const shown = {
	heading: ({ level, text }) => el(`h${Math.min(6, level + 1)}`, {}, text),
	code: ({ text }) => el("pre", { tabIndex: 0 }, text),
	list: ({ items }) => el("ul", {}, ...items.map((item) => el("li", {}, item))),
	text: ({ text }) => el("p", {}, text),
	table: ({ rows: [head, ...rest] }) => el("div", { className: "table", tabIndex: 0, role: "region", "aria-label": `Table of ${rest.length} rows: ${head.join(", ")}` },
		el("table", {}, el("thead", {}, el("tr", {}, ...head.map((cell) => el("th", { scope: "col" }, cell)))),
			el("tbody", {}, ...rest.map((cells) => el("tr", {}, ...cells.map((cell) => el("td", {}, cell))))))),
};

export function peoplePage() {
	let seed = 0;
	const card = (person, label) => el("li", {},
		el("img", { src: api.assetUrl(person.photo.id), alt: label }),
		el("p", {}, label),
		row(
			...person.begins.map(({ system, operation, title, values }) => button(title, () => open(system, operation, values), { title: `${title}, with ${system}` })),
			download(api.assetUrl(person.photo.id), "Photo", person.name),
			download(api.assetUrl(person.label_map.id), "Map", `map-${person.name}`)));
	const more = guarded(async () => {
		for (let number = 0; number < 8; number++) {
			const person = await api.person(kind.value, seed++);
			list.append(card(person, person.captions[0] ?? words(person.name)));
		}
	});
	const element = el("section", { className: "plain" }, fromPage("text-people"));
	const [kind, list, another] = element.querySelectorAll("select, ul, #more");
	another.onclick = more;
	kind.onchange = () => [list.replaceChildren(), (seed = 0), more()];
	return { element, start: more };
}

/** Evaluation reports of the folder that `--reports` names, and the cards of the weights. */
export function reportsPage(rest) {
	const element = el("section", { className: "plain two" }, fromPage("text-reports"));
	const [links, text] = element.querySelectorAll("ul, article");
	const start = async () => {
		const all = await api.reports();
		const chosen = all.find((one) => one.title === rest[0]) ?? all[0];
		links.replaceChildren(...all.map((one) => el("li", {}, link(`#/reports/${encodeURIComponent(one.title)}`, one.title, one === chosen))));
		if (chosen) text.replaceChildren(...(await api.report(chosen.name)).blocks.map((block) => shown[block.kind](block)));
		else text.replaceChildren(fromPage("no-reports"));
	};
	return { element, start };
}

/** Version, limits, where things lie; everything can be deleted here. */
export function aboutPage() {
	const element = el("section", { className: "plain" }, fromPage("text-about"));
	const [facts, forget] = element.querySelectorAll("dl, button");
	const start = async () => {
		const { limner, device, workspace, forgets, limits } = await api.about();
		const rows = { version: limner, device, "photos and results": forgets ? `${workspace} They are deleted when it ends.` : workspace, ...limits };
		facts.replaceChildren(...Object.entries(rows).flatMap(([name, value]) => [el("dt", {}, words(name)), el("dd", {}, value.toLocaleString("en"))]));
	};
	forget.onclick = guarded(async () => {
		if (!isSure("all photos, maps and results of this session")) return;
		await api.forget();
		localStorage.clear();
		location.reload();
	});
	return { element, start };
}
