// Which part of a square is seen, and how large: zoom and pan. Places are shares of the side. No DOM.

const MAX = 32;

/** The part of a square that a picture fills when all of it is seen, in shares of the side. */
export function fitted(width, height) {
	const most = Math.max(width, height);
	return { x: (1 - width / most) / 2, y: (1 - height / most) / 2, width: width / most, height: height / most };
}

/** A window on the unit square. */
export class View {
	scale = 1;
	x = 0;
	y = 0;

	/** The place on the square that a place of the window shows. */
	inside(x, y) {
		return [this.x + x / this.scale, this.y + y / this.scale];
	}

	/** The place of the window that shows a place on the square. */
	outside(x, y) {
		return [(x - this.x) * this.scale, (y - this.y) * this.scale];
	}

	/** Make it larger about a place of the window, which goes on to show the same. */
	zoom(factor, x = 0.5, y = 0.5) {
		const [seenX, seenY] = this.inside(x, y);
		this.scale = Math.min(MAX, Math.max(1, this.scale * factor));
		this.x = seenX - x / this.scale;
		this.y = seenY - y / this.scale;
		this.#hold();
	}

	/** Drag what is seen by shares of the window. */
	pan(right, down) {
		this.x -= right / this.scale;
		this.y -= down / this.scale;
		this.#hold();
	}

	reset() {
		this.scale = 1;
		this.x = this.y = 0;
	}

	#hold() {
		const most = 1 - 1 / this.scale;
		this.x = Math.min(most, Math.max(0, this.x));
		this.y = Math.min(most, Math.max(0, this.y));
	}
}
