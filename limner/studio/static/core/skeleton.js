// Key points of a body that are dragged: limbs keep their lengths, points are hidden, all is undone. No DOM.

import { History } from "./history.js";

/** A pose: points in pixels of a picture of a size, null where they are not seen. */
export class Skeleton extends History {
	/**
	 * @param {object} schema  as the API gives it: points (names), flip_pairs, groups with lines of numbers
	 * @param {object} pose  {points: {name: [x, y] | null}, width, height}
	 */
	constructor(schema, pose) {
		super();
		this.names = schema.points;
		this.pairs = schema.flip_pairs ?? [];
		this.limbs = (schema.groups ?? []).flatMap(({ lines }) => lines.flatMap((line) => line.slice(1).map((end, at) => [line[at], end])));
		this.parents = this.#tree();
		this.setPose(pose);
	}

	/** Take another pose; its history begins anew. */
	setPose({ points, width, height }) {
		Object.assign(this, { width, height });
		this.points = this.names.map((name) => points[name] ?? null);
		this.last = [...this.points];
		this.done = [];
		this.undone = [];
	}

	/** The pose as a file holds it. */
	toPose() {
		const rounded = (point) => point && point.map((value) => Math.round(value * 100) / 100);
		const { width, height } = this;
		return { points: Object.fromEntries(this.names.map((name, at) => [name, rounded(this.points[at])])), width, height };
	}

	/** From each point to the one nearer to the neck, along limbs; -1 for the first. */
	#tree() {
		const parents = this.names.map(() => -1);
		const root = Math.max(0, this.names.indexOf("neck"));
		const seen = new Set([root]);
		const open = [root];
		while (open.length) {
			const here = open.shift();
			for (const limb of this.limbs) {
				const next = limb[0] === here ? limb[1] : limb[1] === here ? limb[0] : -1;
				if (next < 0 || seen.has(next)) continue;
				seen.add(next);
				parents[next] = here;
				open.push(next);
			}
		}
		return parents;
	}

	/** The points that hang on one. */
	below(number) {
		const found = [];
		this.parents.forEach((parent, one) => parent === number && found.push(one, ...this.below(one)));
		return found;
	}

	/** Begin a step, which is undone at once. */
	begin() {
		this.before = this.points.map((point) => point && [...point]);
	}

	/** End the step; whether anything changed. */
	end() {
		return JSON.stringify(this.before) !== JSON.stringify(this.points) && this.note(this.before);
	}

	travel(points) {
		const before = this.points;
		this.points = points;
		return before;
	}

	/** Move a point; what hangs on it comes along. With `isLocked` its limb turns but keeps its length. */
	move(number, x, y, isLocked) {
		const old = this.points[number];
		if (!old) return;
		let target = [x, y];
		const parent = this.points[this.parents[number]];
		if (isLocked && parent) {
			const length = Math.hypot(old[0] - parent[0], old[1] - parent[1]);
			const [right, down] = [x - parent[0], y - parent[1]];
			const far = Math.hypot(right, down);
			if (far > 1e-9) target = [parent[0] + (right / far) * length, parent[1] + (down / far) * length];
		}
		const moved = isLocked ? [number, ...this.below(number)] : [number];
		for (const one of moved) {
			if (this.points[one]) this.points[one] = [this.points[one][0] + target[0] - old[0], this.points[one][1] + target[1] - old[1]];
		}
	}

	/** Hide a point, or show it where it was, else in the middle. */
	flip(number) {
		if (this.points[number]) {
			this.last[number] = this.points[number];
			this.points[number] = null;
		} else this.points[number] = this.last[number] ?? [this.width / 2, this.height / 2];
	}

	/** Turn the pose about its upright middle; left and right change places. */
	mirror() {
		const flipped = this.points.map((point) => point && [this.width - 1 - point[0], point[1]]);
		for (const pair of this.pairs) {
			const [one, other] = pair.map((name) => this.names.indexOf(name));
			[flipped[one], flipped[other]] = [flipped[other], flipped[one]];
		}
		this.points = flipped;
	}

	/** The number of the seen point nearest to a place, within a distance; -1: none. */
	nearest(x, y, within) {
		let [found, best] = [-1, within];
		this.points.forEach((point, number) => {
			const far = point ? Math.hypot(point[0] - x, point[1] - y) : Infinity;
			if (far <= best) [found, best] = [number, far];
		});
		return found;
	}
}

/** A pose file as this page uses it: by name; OpenPose's own form, and lists of points, are read too. */
export function readPose(file, schema, width, height) {
	if (file?.points && !Array.isArray(file.points)) return { width, height, ...file };
	const flat = file?.people?.[0]?.pose_keypoints_2d;
	const rows = flat ? Array.from({ length: flat.length / 3 }, (_, at) => flat.slice(3 * at, 3 * at + 3)) : file;
	if (!Array.isArray(rows)) return null;
	const ordered = rows.length === 25 ? [...rows.slice(0, 8), ...rows.slice(9, 19)] : rows; // BODY_25 has a middle of the hips
	if (ordered.length !== schema.points.length) return null;
	const isSeen = (row) => row && row[0] >= 0 && (row[2] ?? 1) > 0;
	return { width, height, points: Object.fromEntries(schema.points.map((name, at) => [name, isSeen(ordered[at]) ? ordered[at].slice(0, 2) : null])) };
}
