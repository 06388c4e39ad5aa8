// What was drawn: a picture, one of several with a slider, a painting that is played, a clip.

import { about } from "./kept.js";
import { button, download, el, parting, press, words } from "./dom.js";
import { Playback } from "./playback.js";

export class ResultView {
	constructor({ system, label = null, picked = () => {}, signal }) {
		this.system = system;
		this.label = label;
		this.picked = picked;
		this.index = 0;
		this.images = this.labels = [];
		this.image = el("img", { id: "result", className: "square", alt: "" });
		this.video = el("video", { className: "square", controls: true, loop: true, hidden: true });
		this.empty = el("p", { className: "nothing" });
		this.playback = new Playback(signal);
		this.other = el("img", { className: "square over", alt: "" });
		this.parted = el("div", { className: "row parted", id: "parted" }, parting(this.other), button("×", () => this.compare(null), { "aria-label": "End the comparison" }));
		this.compare(null);
		this.stage = el("div", { className: "stage" }, this.image, this.playback.canvas, this.video, this.other, this.empty);
		this.saved = download("", "Download picture");
		this.which = el("p", { className: "which" });
		this.strip = el("ul", { className: "strip", id: "strip", hidden: true });
		this.element = el("section", { className: "result", "aria-label": "Result" }, this.stage, this.parted, this.playback.bar, this.which, this.strip, this.saved);
	}

	/** Lay a kept result over the right part of what is drawn; null: nothing. */
	compare(result) {
		this.other.hidden = this.parted.hidden = !result;
		if (result) Object.assign(this.other, { src: result.images[0], alt: `For comparison: ${about(result)}` });
	}

	show(job) {
		const { images, names, clips, strokes } = job.result;
		Object.assign(this, { images, names });
		this.labels = images.map((_, number) => this.label?.(names[number]) ?? words(names[number]));
		this.empty.hidden = true;
		this.video.hidden = !clips.length;
		this.image.hidden = clips.length > 0;
		if (clips.length) this.video.src = clips[0];
		this.playback.load(strokes ?? null);
		this.strip.hidden = images.length < 2;
		this.strip.replaceChildren(...(this.strip.hidden ? [] : this.#words(names) ?? images.map((url, number) => this.#thumb(url, number))));
		this.pick(Math.min(this.index, images.length - 1));
	}

	/** Words of a sentence as buttons that show where each counts; null where the pictures are no such views. */
	#words(names) {
		const views = names.map((name) => /^(coarse|fine)-(picture|\d\d-(.+))$/.exec(name));
		if (!views.every(Boolean)) return null;
		const level = this.level ??= el("select", { "aria-label": "Level", on: { change: () => this.look() } }, new Option("coarse"), new Option("fine"));
		const find = (word) => Math.max(0, names.indexOf(`${level.value}-${word}`));
		this.look = () => this.pick(find(views[this.index][2]));
		this.labels = views.map(([, at, , word]) => (word ? `where "${word}" counts, ${at}` : "the picture"));
		const shown = views.filter(([, at]) => at === "coarse");
		return [...shown.map(([, , view, word]) => el("li", {}, button(word ?? "picture", () => this.pick(find(view)), { data: { view } }))), el("li", {}, level)];
	}

	#thumb(url, number) {
		const name = this.labels[number];
		const made = button("", () => this.pick(number), { title: name });
		made.append(el("img", { src: url, alt: name }));
		return el("li", {}, made);
	}

	pick(number) {
		this.index = number;
		if (!this.images[number]) return;
		this.image.src = this.mini.src = this.saved.href = this.images[number];
		const which = this.images.length > 1 ? this.labels[number] : "";
		this.which.textContent = which;
		this.image.alt = `Synthetic picture that ${this.system} drew${which && `: ${which}`}`;
		const view = this.level && this.names[number].replace(/^\w+-/, "");
		this.strip.querySelectorAll("button").forEach((one, at) => press(one, one.dataset.view ? one.dataset.view === view : at === number));
		this.picked(this.labels[number]);
	}

	pickLabel(label) {
		const number = this.labels.indexOf(label);
		if (number >= 0) this.pick(number);
	}
}
