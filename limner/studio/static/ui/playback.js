// Playing a painting stroke by stroke.

import { Painting } from "../core/strokes.js";
import { button, el, range } from "./dom.js";

const SECONDS = 8; // that a painting takes, however many strokes it has

/** A canvas over the result with a scrubber; gone when the painting is whole. */
export class Playback {
	constructor(signal) {
		this.canvas = el("canvas", { className: "square over", role: "img", "aria-label": "The painting so far", hidden: true });
		this.slider = range({ min: 0, value: 0, id: "scrubber", "aria-label": "Strokes painted" }, () => {
			this.stop();
			this.goTo(Number(this.slider.value));
		});
		this.play = button("Play", () => (this.timer ? this.stop() : this.start()), { id: "play" });
		this.shown = el("output", {});
		this.bar = el("div", { className: "playback", hidden: true }, this.play, this.slider, this.shown);
		signal.addEventListener("abort", () => this.stop());
	}

	/** Use a stroke file; null: there is none. */
	load(file) {
		this.stop();
		this.bar.hidden = !file;
		this.canvas.hidden = true;
		if (!file) return;
		this.painting = new Painting(file);
		this.layer = new OffscreenCanvas(this.painting.side, this.painting.side);
		this.slider.max = file.strokes.length;
		this.slider.value = file.strokes.length;
		this.#say();
	}

	#say() {
		this.shown.textContent = `${this.slider.value} of ${this.slider.max} strokes`;
		this.slider.setAttribute("aria-valuetext", this.shown.textContent);
	}

	goTo(count) {
		const { painting, canvas, layer } = this;
		painting.goTo(count);
		this.slider.value = count;
		this.#say();
		canvas.hidden = count >= painting.strokes.length;
		if (canvas.hidden) return;
		const [x, y, width, height] = painting.frame.map((share) => share * painting.side);
		layer.getContext("2d").putImageData(new ImageData(painting.pixels(), painting.side), 0, 0);
		const scale = 512 / Math.max(...painting.size);
		canvas.width = painting.size[0] * scale;
		canvas.height = painting.size[1] * scale;
		canvas.getContext("2d").drawImage(layer, x, y, width, height, 0, 0, canvas.width, canvas.height);
	}

	start() {
		const total = this.painting.strokes.length;
		const from = this.slider.valueAsNumber % total;
		const begun = performance.now();
		this.play.textContent = "Stop";
		const step = (now) => {
			const count = Math.min(total, from + Math.floor(((now - begun) / 1000 / SECONDS) * total));
			this.goTo(Math.max(from, count));
			if (count >= total) this.stop();
			else this.timer = requestAnimationFrame(step);
		};
		this.timer = requestAnimationFrame(step);
	}

	stop() {
		cancelAnimationFrame(this.timer);
		this.timer = null;
		this.play.textContent = "Play";
	}
}
