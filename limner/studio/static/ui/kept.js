// The row of kept pictures below an operation, and one card of such a picture.

import * as api from "../core/api.js";
import { button, el, guarded, say, words } from "./dom.js";

async function copy(text, what) {
	await navigator.clipboard.writeText(text);
	say(`The ${what} is copied; run it in the unpacked archive.`);
}

export function resultButtons(result, gone) {
	return el("div", { className: "row" },
		button("Command", guarded(async () => copy(await api.command(result.id), "command"))),
		button("Python", guarded(async () => copy(await api.python(result.id), "program"))),
		el("a", { href: result.archive, className: "button", download: "" }, "Archive"),
		button("Delete", guarded(async () => {
			await api.remove(result.id);
			await gone();
		})));
}

/** What a kept picture is, in words. */
export function about(result) {
	const { system, operation } = result.request;
	return `${system}, ${words(operation)}${result.seeds?.[0] === undefined || result.seeds[0] === null ? "" : `, seed ${result.seeds[0]}`}`;
}

/** A picture or a clip of a result, as an element. */
export function media(result, number = 0) {
	const text = `Synthetic ${result.clips.length ? "clip" : "picture"}: ${about(result)}`;
	if (result.clips.length) return el("video", { src: result.clips[number], controls: true, loop: true, "aria-label": text });
	return el("img", { src: result.images[number], alt: text, loading: "lazy" });
}

export class KeptRow {
	constructor() {
		this.list = el("ul", { id: "kept" });
		this.empty = el("p", { id: "empty" }, "Pictures that you keep stand here, each with the command that draws it again.");
		this.element = el("section", { className: "history", "aria-label": "Kept pictures" }, el("h2", {}, "Kept"), this.list, this.empty);
	}

	async show() {
		const found = await api.results();
		this.empty.hidden = found.length > 0;
		this.list.replaceChildren(...found.map((result) => el("li", {},
			media(result),
			resultButtons(result, () => this.show()))));
	}
}
