// All kept results: with their settings, two beside each other, deleted, downloaded.

import * as api from "../core/api.js";
import { button, check, el, fromPage, guarded, open, parting, words } from "./dom.js";
import { about, media, resultButtons } from "./kept.js";

/** What was asked for, without files. */
function settings({ request, titles }) {
	const told = (value) => (typeof value === "object" ? Object.entries(value).filter(([, share]) => share).map(([name, share]) => (share === 1 ? words(name) : `${words(name)} ${share}`)).join(", ") : String(value));
	return Object.entries(request.values)
		.filter(([, value]) => ![value].flat().some(api.isId))
		.map(([name, value]) => [titles[name] ?? words(name), told(value) || "none"]);
}

export function galleryPage() {
	const element = el("section", { className: "plain" }, fromPage("text-gallery"));
	const [, , pair, empty, list, more] = element.children;
	const chosen = new Map();
	let last;

	const compare = () => {
		pair.hidden = chosen.size !== 2;
		if (pair.hidden) return;
		const two = [...chosen.values()];
		const [lower, upper] = two.map((one, at) => Object.assign(media(one), { className: at ? "square over" : "square" }));
		const over = two.every((one) => one.images.length) ? [el("figure", { className: "both" }, el("div", { className: "stage" }, lower, upper), parting(upper))] : [];
		pair.replaceChildren(...over, ...two.map((result) => el("figure", {}, media(result),
			el("figcaption", {}, about(result), el("dl", {}, ...settings(result).flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]))))));
	};

	const opens = ({ request: { system, operation, values, weights } }) =>
		button("Open", () => open(system, operation, values, weights), { title: "Open it in its editor" });

	const card = (result) => {
		const mark = el("input", { type: "checkbox", on: { change: () => {
			if (mark.checked) chosen.set(result.id, result);
			else chosen.delete(result.id);
			if (chosen.size > 2) {
				const [first] = chosen.keys();
				chosen.delete(first);
				list.querySelector(`[data-id="${first}"] input`).checked = false;
			}
			compare();
		} } });
		const buttons = resultButtons(result, async () => {
			chosen.delete(result.id);
			item.remove();
			compare();
			empty.hidden = list.children.length > 0;
		}, opens(result));
		const rest = result.images.slice(1, 9).map((href, number) => el("a", { href, download: "", title: "Download picture" }, media(result, number + 1)));
		const item = el("li", { data: { id: result.id } }, media(result), rest.length > 0 && el("div", { className: "rest" }, ...rest),
			el("p", {}, result.name || about(result)),
			el("p", { className: "settings" }, settings(result).map(([name, value]) => `${name}: ${value}`).join("; ")),
			check(mark, "compare"), buttons);
		return item;
	};

	const load = async () => {
		const found = await api.results(last);
		last = found.at(-1)?.id;
		list.append(...found.map(card));
		more.hidden = found.length < 24;
		empty.hidden = list.children.length > 0;
	};
	more.onclick = guarded(load);
	return { element, start: load };
}
