// Painting the strokes of a stroke file one by one, as the exact brush does. No DOM.

import { around, discSpans } from "./geometry.js";

const SNAPSHOT = 40; // strokes between two remembered canvases

/** A painting that can be shown after any number of its strokes. */
export class Painting {
	/** @param {object} file  a stroke file  @param {number} side  of the plane in pixels */
	constructor(file, side = 256) {
		this.side = side;
		this.strokes = file.strokes;
		this.frame = file.frame ?? [0, 0, 1, 1];
		this.size = file.size;
		const ground = [1, 3, 5].map((at) => parseInt(file.canvas.slice(at, at + 2), 16) / 255);
		this.canvas = new Float32Array(3 * side * side);
		for (let place = 0; place < this.canvas.length; place++) this.canvas[place] = ground[place % 3];
		this.count = 0;
		this.snapshots = [this.canvas.slice()];
	}

	/** Show the painting after so many strokes. */
	goTo(count) {
		const wanted = Math.max(0, Math.min(this.strokes.length, count));
		if (wanted < this.count) {
			const at = Math.floor(wanted / SNAPSHOT);
			this.canvas.set(this.snapshots[at]);
			this.count = at * SNAPSHOT;
		}
		while (this.count < wanted) {
			this.#paint(this.strokes[this.count++]);
			if (this.count % SNAPSHOT === 0) this.snapshots[this.count / SNAPSHOT] ??= this.canvas.slice();
		}
	}

	#paint({ p0, p1, p2, r0, r2, a0, a2, rgb, clip }) {
		const { side, canvas } = this;
		const alpha = new Float32Array(side * side).fill(-1); // later discs replace earlier ones
		const discs = Math.max(100, side / 2);
		let box = null;
		const [x0, y0, x1, y1] = [clip[0], clip[1], clip[0] + clip[2], clip[1] + clip[3]].map((value) => Math.round(value * side));
		for (let number = 0; number < discs; number++) {
			const t = number / discs;
			const [first, second, third] = [(1 - t) ** 2, 2 * t * (1 - t), t ** 2];
			const x = (first * p0[0] + second * p1[0] + third * p2[0]) * side;
			const y = (first * p0[1] + second * p1[1] + third * p2[1]) * side;
			const radius = 0.5 + (r0 + (r2 - r0) * t) * side;
			const value = a0 + (a2 - a0) * t;
			for (const [row, from, to] of discSpans(x, y, radius, { x0, y0, x1, y1 })) {
				alpha.fill(value, row * side + from, row * side + to);
				box = around(box, { x0: from, y0: row, x1: to, y1: row + 1 });
			}
		}
		for (let row = box?.y0; row < box?.y1; row++) {
			for (let place = row * side + box.x0; place < row * side + box.x1; place++) {
				const share = alpha[place];
				if (share < 0) continue;
				for (let channel = 0; channel < 3; channel++) {
					canvas[3 * place + channel] += share * (rgb[channel] - canvas[3 * place + channel]);
				}
			}
		}
	}

	/** The plane, four bytes a pixel. */
	pixels() {
		const found = new Uint8ClampedArray(4 * this.side * this.side).fill(255);
		for (let place = 0; place < this.side * this.side; place++) {
			for (let channel = 0; channel < 3; channel++) found[4 * place + channel] = 255 * this.canvas[3 * place + channel];
		}
		return found;
	}
}
