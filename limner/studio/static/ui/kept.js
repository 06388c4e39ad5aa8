// The row of kept pictures below an operation, and one card of such a picture.

import * as api from "../core/api.js";
import { button, download, el, fromPage, guarded, isSure, row, say, words } from "./dom.js";

const copy = (text, { id }) => button(text, guarded(async () => {
	await navigator.clipboard.writeText(await api.again(id, text.toLowerCase()));
	say(`${text} is copied; run it in the unpacked zip.`);
}));

export function resultButtons(result, gone, ...more) {
	return row(
		result.clips.length ? download(result.clips[0], "Download clip") : download(result.images[0], "Download picture"),
		...more,
		copy("Command", result),
		copy("Python", result),
		download(result.archive, "Download all (zip)"),
		result.svg && download(result.svg, "SVG"),
		button("Delete", guarded(async () => {
			if (!isSure("this result")) return;
			await api.remove(result.id);
			await gone();
		}), { className: "apart" }));
}

/** What a kept picture is, in words. */
export function about(result) {
	const { request: { system, operation }, seeds } = result;
	return `${system}, ${words(operation)}${seeds?.length ? `, seed ${seeds[0]}` : ""}`;
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
		this.element = el("section", { className: "history", "aria-label": "Kept pictures" }, fromPage("text-kept"));
		[, this.list, this.empty] = this.element.children;
	}

	async show() {
		const found = await api.results();
		this.empty.hidden = found.length > 0;
		this.list.replaceChildren(...found.map((result) => el("li", {},
			media(result),
			resultButtons(result, () => this.show(), result.images.length > 0 && button("Compare", () => this.compare(result), { title: "Over what is drawn, with a slider" })))));
	}
}
