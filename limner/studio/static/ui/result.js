// What was drawn: a picture, one of several with a slider, a painting that is played, a clip.

import { el, words } from "./dom.js";
import { Playback } from "./playback.js";

export class ResultView {
	constructor({ system, label = null, picked = () => {}, cleanup }) {
		this.system = system;
		this.label = label;
		this.labels = [];
		this.picked = picked;
		this.index = 0;
		this.images = [];
		this.image = el("img", { id: "result", className: "square", alt: "" });
		this.video = el("video", { className: "square", controls: true, loop: true, hidden: true });
		this.empty = el("p", { className: "nothing" }, "The picture comes here.");
		this.playback = new Playback(cleanup);
		this.stage = el("div", { className: "stage" }, this.image, this.playback.canvas, this.video, this.empty);
		this.which = el("p", { className: "which" });
		this.strip = el("ul", { className: "strip", id: "strip", hidden: true });
		this.element = el("section", { className: "result", "aria-label": "Result" }, this.stage, this.playback.bar, this.which, this.strip);
	}

	show(job) {
		const { images, names, clips, strokes } = job.result;
		this.images = images;
		this.labels = images.map((_, number) => this.label?.(names[number]) ?? words(names[number]));
		this.empty.hidden = true;
		this.video.hidden = !clips.length;
		this.image.hidden = clips.length > 0;
		if (clips.length) this.video.src = clips[0];
		this.playback.load(strokes ?? null);
		this.strip.hidden = images.length < 2;
		this.strip.replaceChildren(...(images.length < 2 ? [] : images.map((url, number) => this.#thumb(url, number))));
		this.pick(Math.min(this.index, images.length - 1));
	}

	#thumb(url, number) {
		const name = this.labels[number];
		const made = el("button", { type: "button", "aria-pressed": "false", title: name, on: { click: () => this.pick(number) } },
			el("img", { src: url, alt: name }));
		return el("li", {}, made);
	}

	pick(number) {
		this.index = number;
		if (!this.images[number]) return;
		this.image.src = this.mini.src = this.images[number];
		const which = this.images.length > 1 ? this.labels[number] : "";
		this.which.textContent = which;
		this.image.alt = `Synthetic picture that ${this.system} drew${which && `: ${which}`}`;
		this.strip.querySelectorAll("button").forEach((one, at) => one.setAttribute("aria-pressed", String(at === number)));
		this.picked(this.labels[number]);
	}

	pickLabel(label) {
		const number = this.labels.indexOf(label);
		if (number >= 0) this.pick(number);
	}
}
