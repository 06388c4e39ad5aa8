// A label map that can be painted on: ids of classes, undo and redo. No DOM.

import { around, closed, connected, cut, paste, polygonSpans } from "./geometry.js";

const MAX_STEPS = 300;

/** Label ids of a square map, with what was done to them. */
export class LabelMap {
	#changed = null; // rectangle of what this step painted
	#dirty = null; // rectangle of what was not shown yet
	#before = null;

	/** @param {number} side in pixels  @param {Uint8Array} [ids] row by row */
	constructor(side, ids) {
		this.side = side;
		this.ids = ids ? Uint8Array.from(ids) : new Uint8Array(side * side);
		this.locked = new Set();
		this.mirror = null;
		this.done = [];
		this.undone = [];
		this.#touch(0, 0, side, side);
	}

	/** Paint both halves about an axis (a column) from now on; pairs of ids change places. */
	mirrorAt(axis, pairs = []) {
		const swap = Uint8Array.from({ length: 256 }, (_, id) => id);
		for (const [one, other] of pairs) [swap[one], swap[other]] = [other, one];
		this.mirror = axis === null ? null : { axis, swap };
	}

	#touch(x0, y0, x1, y1) {
		const box = { x0, y0, x1, y1 };
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
		this.done.push({ box, old, now });
		if (this.done.length > MAX_STEPS) this.done.shift();
		this.undone = [];
		return true;
	}

	/** Give the step up: the map is as it was when it began. */
	drop() {
		if (this.#before) this.#put(this.#before);
		this.#before = null;
	}

	/** Take the last step back; whether there was one. */
	undo() {
		return this.#go(this.done, this.undone, "old");
	}

	/** Do the last undone step again; whether there was one. */
	redo() {
		return this.#go(this.undone, this.done, "now");
	}

	#go(from, to, which) {
		const step = from.pop();
		if (!step) return false;
		to.push(step);
		paste(this.ids, this.side, step.box, step[which]);
		this.#touch(step.box.x0, step.box.y0, step.box.x1, step.box.y1);
		return true;
	}

	#put(ids) {
		this.ids.set(ids);
		this.#touch(0, 0, this.side, this.side);
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
		this.#touch(from, row, to, row + 1);
		if (!this.mirror) return;
		const { axis, swap } = this.mirror;
		const [first, after] = [Math.max(0, Math.round(2 * axis) - to), Math.min(this.side, Math.round(2 * axis) - from)];
		for (let column = first; column < after; column++) this.#pixel(row, column, swap[id]);
		if (after > first) this.#touch(first, row, after, row + 1);
	}

	/** Paint discs of a radius along a line. */
	line(x0, y0, x1, y1, radius, id) {
		const steps = Math.max(1, Math.ceil(Math.hypot(x1 - x0, y1 - y0) / Math.max(0.5, radius / 2)));
		for (let step = 0; step <= steps; step++) {
			this.#disc(x0 + ((x1 - x0) * step) / steps, y0 + ((y1 - y0) * step) / steps, radius, id);
		}
	}

	#disc(x, y, radius, id) {
		for (let row = Math.max(0, Math.floor(y - radius)); row <= Math.min(this.side - 1, Math.ceil(y + radius)); row++) {
			const half = Math.sqrt(Math.max(0, radius ** 2 - (row + 0.5 - y) ** 2));
			const from = Math.max(0, Math.ceil(x - half - 0.5));
			const to = Math.min(this.side, Math.floor(x + half - 0.5) + 1);
			if (half > 0 && to > from) this.#row(row, from, to, id);
		}
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

/** Ids of a picture in the colours of a palette, brought to a side by the nearest pixel. */
export function readColours(pixels, width, height, palette, side) {
	const known = new Map(palette.map(([r, g, b], id) => [(r << 16) | (g << 8) | b, id]));
	const ids = new Uint8Array(side * side);
	for (let row = 0; row < side; row++) {
		for (let column = 0; column < side; column++) {
			const from = Math.floor(((row + 0.5) * height) / side) * width + Math.floor(((column + 0.5) * width) / side);
			const colour = (pixels[4 * from] << 16) | (pixels[4 * from + 1] << 8) | pixels[4 * from + 2];
			ids[row * side + column] = known.get(colour) ?? 0;
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
