// A label map that can be painted on: ids of classes, undo and redo. No DOM.

import { around, closed, connected, cut, discSpans, paste, polygonSpans } from "./geometry.js";
import { History } from "./history.js";

/** The rectangle of a whole square. */
export const whole = (side) => ({ x0: 0, y0: 0, x1: side, y1: side });

/** Label ids of a square map, with what was done to them. */
export class LabelMap extends History {
	#changed = null; // rectangle of what this step painted
	#dirty = null; // rectangle of what was not shown yet
	#before = null;

	/** @param {number} side in pixels  @param {Uint8Array} [ids] row by row */
	constructor(side, ids) {
		super();
		this.side = side;
		this.ids = ids ? Uint8Array.from(ids) : new Uint8Array(side * side);
		this.locked = new Set();
		this.mirror = null;
		this.#touch(whole(side));
	}

	/** Paint both halves about an axis (a column) from now on; pairs of ids change places. */
	mirrorAt(axis, pairs = []) {
		const swap = Uint8Array.from({ length: 256 }, (_, id) => id);
		for (const [one, other] of pairs) [swap[one], swap[other]] = [other, one];
		this.mirror = axis === null ? null : { axis, swap };
	}

	#touch(box) {
		this.#changed = around(this.#changed, box);
		this.#dirty = around(this.#dirty, box);
	}

	/** The rectangle that changed since the last call; null: none. */
	takeDirty() {
		const found = this.#dirty;
		this.#dirty = null;
		return found;
	}

	/** Begin a step; all that is painted until `end` is undone at once. */
	begin() {
		this.#before = this.ids.slice();
		this.#changed = null;
	}

	/** End the step; whether anything changed. */
	end() {
		const [before, box] = [this.#before, this.#changed];
		this.#before = null;
		if (!before || !box) return false;
		const [old, now] = [cut(before, this.side, box), cut(this.ids, this.side, box)];
		if (old.every((id, place) => id === now[place])) return false;
		return this.note({ box, old, now });
	}

	/** Give the step up: the map is as it was when it began. */
	drop() {
		if (this.#before) this.#put(this.#before);
		this.#before = null;
	}

	travel(step, isBack) {
		paste(this.ids, this.side, step.box, isBack ? step.old : step.now);
		this.#touch(step.box);
		return step;
	}

	#put(ids) {
		this.ids.set(ids);
		this.#touch(whole(this.side));
	}

	/** Replace the whole map, as one step. */
	replace(ids) {
		this.begin();
		this.#put(ids);
		return this.end();
	}

	#pixel(row, column, id) {
		const place = row * this.side + column;
		if (!this.locked.has(this.ids[place])) this.ids[place] = id;
	}

	#row(row, from, to, id) {
		for (let column = from; column < to; column++) this.#pixel(row, column, id);
		this.#touch({ x0: from, y0: row, x1: to, y1: row + 1 });
		if (!this.mirror) return;
		const { axis, swap } = this.mirror;
		const [first, after] = [Math.max(0, Math.round(2 * axis) - to), Math.min(this.side, Math.round(2 * axis) - from)];
		for (let column = first; column < after; column++) this.#pixel(row, column, swap[id]);
		if (after > first) this.#touch({ x0: first, y0: row, x1: after, y1: row + 1 });
	}

	/** Paint discs of a radius along a line. */
	line(x0, y0, x1, y1, radius, id) {
		const steps = Math.max(1, Math.ceil(Math.hypot(x1 - x0, y1 - y0) / Math.max(0.5, radius / 2)));
		for (let step = 0; step <= steps; step++) {
			this.#disc(x0 + ((x1 - x0) * step) / steps, y0 + ((y1 - y0) * step) / steps, radius, id);
		}
	}

	#disc(x, y, radius, id) {
		for (const [row, from, to] of discSpans(x, y, radius, whole(this.side))) this.#row(row, from, to, id);
	}

	polygon(points, id) {
		for (const [row, from, to] of polygonSpans(points, this.side)) this.#row(row, from, to, id);
	}

	#places(places, id) {
		for (const place of places) {
			const column = place % this.side;
			this.#row((place - column) / this.side, column, column + 1, id);
		}
	}

	/** Fill the connected region at a place, or with `everywhere` all pixels of its class. */
	fill(x, y, id, everywhere = false) {
		const start = Math.floor(y) * this.side + Math.floor(x);
		const old = this.ids[start];
		if (old === id || this.locked.has(old)) return;
		if (!everywhere) this.#places(connected(this.ids, this.side, start), id);
		else this.#places([...this.ids.keys()].filter((place) => this.ids[place] === old), id);
	}

	/** Take the connected region at a place off the map, to be put elsewhere by `put`; null where it is locked. */
	lift(x, y) {
		const start = Math.floor(y) * this.side + Math.floor(x);
		const id = this.ids[start];
		if (this.locked.has(id)) return null;
		const region = connected(this.ids, this.side, start);
		return { id, region, rest: closed(this.ids, this.side, region) };
	}

	/** Show a lifted region so many pixels to the right of and below its place; what leaves the map is cut off. */
	put({ id, region, rest }, right, down) {
		this.#put(rest);
		for (const place of region) {
			const column = (place % this.side) + right;
			const row = Math.floor(place / this.side) + down;
			if (column >= 0 && column < this.side && row >= 0 && row < this.side) this.#pixel(row, column, id);
		}
	}

	at(x, y) {
		return this.ids[Math.floor(y) * this.side + Math.floor(x)];
	}
}

/** Ids brought to another side by the nearest pixel, as the pipelines do. */
export function resized(ids, side, wanted) {
	const found = new Uint8Array(wanted * wanted);
	for (let row = 0; row < wanted; row++) {
		const from = Math.floor(((row + 0.5) * side) / wanted) * side;
		for (let column = 0; column < wanted; column++) {
			found[row * wanted + column] = ids[from + Math.floor(((column + 0.5) * side) / wanted)];
		}
	}
	return found;
}

/** Ids of a picture by the nearest colours of a palette, brought to a part of a square by the nearest pixel. */
export function readColours(pixels, width, height, palette, side, { x0, y0, x1, y1 } = whole(side)) {
	const known = new Map();
	const nearest = (colour) => {
		const apart = palette.map((one) => one.reduce((sum, value, at) => sum + (value - ((colour >> (16 - 8 * at)) & 255)) ** 2, 0));
		known.set(colour, apart.indexOf(Math.min(...apart)));
		return known.get(colour);
	};
	const ids = new Uint8Array(side * side);
	for (let row = y0; row < y1; row++) {
		for (let column = x0; column < x1; column++) {
			const from = Math.floor(((row - y0 + 0.5) * height) / (y1 - y0)) * width + Math.floor(((column - x0 + 0.5) * width) / (x1 - x0));
			const colour = (pixels[4 * from] << 16) | (pixels[4 * from + 1] << 8) | pixels[4 * from + 2];
			ids[row * side + column] = known.get(colour) ?? nearest(colour);
		}
	}
	return ids;
}

const LEAN = [[1, 0], [0, 1], [1, 1], [1, -1], [2, 1], [1, 2], [2, -1]];

/** Colours of a rectangle of ids, four bytes a pixel; with `patterns` stripes tell classes apart as well. */
export function colours(ids, side, { x0, y0, x1, y1 }, palette, patterns = false) {
	const pixels = new Uint8ClampedArray(4 * (x1 - x0) * (y1 - y0));
	const width = Math.max(2, Math.round(side / 64));
	let at = 0;
	for (let row = y0; row < y1; row++) {
		for (let column = x0; column < x1; column++, at += 4) {
			const id = ids[row * side + column];
			const [r, g, b] = palette[id] ?? [255, 0, 255];
			const [right, down] = LEAN[id % LEAN.length];
			const isStripe = patterns && id > 0 && ((column * right + row * down + 8 * side) / width) % (2 + (id % 3)) < 1;
			const light = isStripe ? (r + g + b > 380 ? -90 : 90) : 0;
			pixels[at] = r + light;
			pixels[at + 1] = g + light;
			pixels[at + 2] = b + light;
			pixels[at + 3] = 255;
		}
	}
	return pixels;
}
