// The row of kept pictures below an operation, and one card of such a picture.

import * as api from "../core/api.js";
import { button, el, guarded, row, say, words } from "./dom.js";

const copy = (text, what, { id }) => button(text, guarded(async () => {
	await navigator.clipboard.writeText(await api.again(id, what));
	say(`${text} is copied; run it in the unpacked archive.`);
}));

export function resultButtons(result, gone, ...more) {
	return row(
		...more,
		copy("Command", "command", result),
		copy("Python", "python", result),
		el("a", { href: result.archive, className: "button", download: "" }, "Archive"),
		result.svg && el("a", { href: result.svg, className: "button", download: "" }, "SVG"),
		button("Delete", guarded(async () => {
			await api.remove(result.id);
			await gone();
		})));
}

/** What a kept picture is, in words. */
export function about(result) {
	const { system, operation } = result.request;
	const seed = result.seeds?.[0] ?? "";
	return `${system}, ${words(operation)}${seed === "" ? "" : `, seed ${seed}`}`;
}

/** A picture or a clip of a result, as an element. */
export function media(result, number = 0) {
	const text = `Synthetic ${result.clips.length ? "clip" : "picture"}: ${about(result)}`;
	if (result.clips.length) return el("video", { src: result.clips[number], controls: true, loop: true, "aria-label": text });
	return el("img", { src: result.images[number], alt: text, loading: "lazy" });
}

export class KeptRow {
	constructor() {
		this.compare = () => {};
		this.list = el("ul", { id: "kept" });
		this.empty = el("p", { id: "empty" }, "Pictures that you keep stand here, each with the command that draws it again.");
		this.element = el("section", { className: "history", "aria-label": "Kept pictures" }, el("h2", {}, "Kept"), this.list, this.empty);
	}

	async show() {
		const found = await api.results();
		this.empty.hidden = found.length > 0;
		this.list.replaceChildren(...found.map((result) => el("li", {},
			media(result),
			resultButtons(result, () => this.show(), result.images.length > 0 && button("Compare", () => this.compare(result), { title: "Over what is drawn, with a slider" })))));
	}
}
