// Shapes on a grid of pixels: what lies in a polygon, what belongs together, what is nearest. No DOM.

/** The pixels whose middle lies in a closed polygon, as [row, first column, column after the last]. */
export function* polygonSpans(points, side) {
	const rows = points.map(([, y]) => y);
	const first = Math.max(0, Math.floor(Math.min(...rows)));
	const last = Math.min(side - 1, Math.ceil(Math.max(...rows)));
	for (let row = first; row <= last; row++) {
		const crossings = [];
		points.forEach(([x0, y0], number) => {
			const [x1, y1] = points[(number + 1) % points.length];
			const y = row + 0.5;
			if (y0 <= y !== y1 <= y) crossings.push(x0 + ((y - y0) / (y1 - y0)) * (x1 - x0));
		});
		crossings.sort((a, b) => a - b);
		for (let at = 0; at + 1 < crossings.length; at += 2) {
			const from = Math.max(0, Math.ceil(crossings[at] - 0.5));
			const to = Math.min(side, Math.ceil(crossings[at + 1] - 0.5));
			if (to > from) yield [row, from, to];
		}
	}
}

/** The pixels of a rectangle whose middle lies in a disc, as [row, first column, column after the last]. */
export function* discSpans(x, y, radius, { x0, y0, x1, y1 }) {
	for (let row = Math.max(y0, Math.floor(y - radius)); row <= Math.min(y1 - 1, Math.ceil(y + radius)); row++) {
		const half = Math.sqrt(Math.max(0, radius ** 2 - (row + 0.5 - y) ** 2));
		const from = Math.max(x0, Math.ceil(x - half - 0.5));
		const to = Math.min(x1, Math.floor(x + half - 0.5) + 1);
		if (half > 0 && to > from) yield [row, from, to];
	}
}

/** The four neighbours of a pixel that are on the grid. */
export function neighbours(place, side, size) {
	const column = place % side;
	const found = [];
	if (column > 0) found.push(place - 1);
	if (column < side - 1) found.push(place + 1);
	if (place >= side) found.push(place - side);
	if (place < size - side) found.push(place + side);
	return found;
}

/** The pixels of one value that hang together with a start, as places. */
export function connected(ids, side, start) {
	const value = ids[start];
	const seen = new Uint8Array(ids.length);
	const open = [start];
	const found = [];
	seen[start] = 1;
	while (open.length) {
		const place = open.pop();
		found.push(place);
		for (const next of neighbours(place, side, ids.length)) {
			if (!seen[next] && ids[next] === value) {
				seen[next] = 1;
				open.push(next);
			}
		}
	}
	return found;
}

/** A copy of ids in which a region has the values of what is nearest to it outside; 0 if all is region. */
export function closed(ids, side, region) {
	const found = ids.slice();
	const isOpen = new Uint8Array(ids.length);
	for (const place of region) {
		isOpen[place] = 1;
		found[place] = 0;
	}
	let border = [];
	for (const place of region) {
		const outside = neighbours(place, side, ids.length).find((next) => !isOpen[next]);
		if (outside !== undefined) border.push([place, ids[outside]]);
	}
	while (border.length) {
		const next = [];
		for (const [place, value] of border) {
			if (!isOpen[place]) continue;
			isOpen[place] = 0;
			found[place] = value;
			for (const one of neighbours(place, side, ids.length)) if (isOpen[one]) next.push([one, value]);
		}
		border = next;
	}
	return found;
}

/** The smallest rectangle around two, each {x0, y0, x1, y1} with the ends after the last; either may be null. */
export function around(one, other) {
	if (!one || !other) return one ?? other;
	return {
		x0: Math.min(one.x0, other.x0),
		y0: Math.min(one.y0, other.y0),
		x1: Math.max(one.x1, other.x1),
		y1: Math.max(one.y1, other.y1),
	};
}

/** The values of a rectangle, row by row. */
export function cut(ids, side, { x0, y0, x1, y1 }) {
	const found = new Uint8Array((x1 - x0) * (y1 - y0));
	for (let row = y0; row < y1; row++) found.set(ids.subarray(row * side + x0, row * side + x1), (row - y0) * (x1 - x0));
	return found;
}

export function paste(ids, side, { x0, y0, x1, y1 }, values) {
	const width = x1 - x0;
	for (let row = y0; row < y1; row++) {
		ids.set(values.subarray((row - y0) * width, (row - y0 + 1) * width), row * side + x0);
	}
}
