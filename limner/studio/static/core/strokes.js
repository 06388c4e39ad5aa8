// Painting the strokes of a stroke file one by one, as the exact brush does. No DOM.

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
		let [left, top, right, bottom] = [side, side, 0, 0];
		const limits = [clip[0], clip[1], clip[0] + clip[2], clip[1] + clip[3]].map((value) => Math.round(value * side));
		for (let number = 0; number < discs; number++) {
			const t = number / discs;
			const [first, second, third] = [(1 - t) ** 2, 2 * t * (1 - t), t ** 2];
			const x = (first * p0[0] + second * p1[0] + third * p2[0]) * side;
			const y = (first * p0[1] + second * p1[1] + third * p2[1]) * side;
			const radius = 0.5 + (r0 + (r2 - r0) * t) * side;
			const value = a0 + (a2 - a0) * t;
			for (let row = Math.max(limits[1], Math.floor(y - radius)); row <= Math.min(limits[3] - 1, Math.ceil(y + radius)); row++) {
				const half = Math.sqrt(Math.max(0, radius ** 2 - (row + 0.5 - y) ** 2));
				const [from, to] = [Math.max(limits[0], Math.ceil(x - half - 0.5)), Math.min(limits[2], Math.floor(x + half - 0.5) + 1)];
				if (to <= from) continue;
				alpha.fill(value, row * side + from, row * side + to);
				[left, top] = [Math.min(left, from), Math.min(top, row)];
				[right, bottom] = [Math.max(right, to), Math.max(bottom, row + 1)];
			}
		}
		for (let row = top; row < bottom; row++) {
			for (let place = row * side + left; place < row * side + right; place++) {
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
