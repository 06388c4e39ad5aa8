// A label map that can be painted on: ids of classes, undo and redo. No DOM.

const MAX_STEPS = 300;

/** Label ids of a square map, with what was done to them. */
export class LabelMap {
  /** @param {number} side in pixels  @param {Uint8Array} [ids] row by row */
  constructor(side, ids) {
    this.side = side;
    this.ids = ids ? Uint8Array.from(ids) : new Uint8Array(side * side);
    this.locked = new Set();
    this.undone = [];
    this.done = [];
    this.before = null;
  }

  /** Begin a step; all that is painted until `end` is undone at once. */
  begin() {
    this.before = this.ids.slice();
  }

  /** End the step; whether anything changed. */
  end() {
    const before = this.before;
    this.before = null;
    if (!before || before.every((id, place) => id === this.ids[place])) return false;
    this.done.push(before);
    if (this.done.length > MAX_STEPS) this.done.shift();
    this.undone = [];
    return true;
  }

  /** Take the last step back; whether there was one. */
  undo() {
    return this.#go(this.done, this.undone);
  }

  /** Do the last undone step again; whether there was one. */
  redo() {
    return this.#go(this.undone, this.done);
  }

  #go(from, to) {
    if (!from.length) return false;
    to.push(this.ids);
    this.ids = from.pop();
    return true;
  }

  /** Paint discs of a radius along a line. */
  line(x0, y0, x1, y1, radius, id) {
    const steps = Math.max(1, Math.ceil(Math.hypot(x1 - x0, y1 - y0) / Math.max(0.5, radius / 2)));
    for (let step = 0; step <= steps; step++) {
      this.#disc(x0 + ((x1 - x0) * step) / steps, y0 + ((y1 - y0) * step) / steps, radius, id);
    }
  }

  #disc(x, y, radius, id) {
    const last = this.side - 1;
    for (let row = Math.max(0, Math.floor(y - radius)); row <= Math.min(last, Math.ceil(y + radius)); row++) {
      for (let column = Math.max(0, Math.floor(x - radius)); column <= Math.min(last, Math.ceil(x + radius)); column++) {
        if ((column + 0.5 - x) ** 2 + (row + 0.5 - y) ** 2 <= radius ** 2) this.#put(row * this.side + column, id);
      }
    }
  }

  #put(place, id) {
    if (!this.locked.has(this.ids[place])) this.ids[place] = id;
  }

  /** Fill the connected region at a place, or with `everywhere` all pixels of its class. */
  fill(x, y, id, everywhere = false) {
    const start = Math.floor(y) * this.side + Math.floor(x);
    const old = this.ids[start];
    if (old === id || this.locked.has(old)) return;
    if (everywhere) {
      this.ids.forEach((one, place) => {
        if (one === old) this.ids[place] = id;
      });
      return;
    }
    const open = [start];
    while (open.length) {
      const place = open.pop();
      if (this.ids[place] !== old) continue;
      this.ids[place] = id;
      const column = place % this.side;
      if (column > 0) open.push(place - 1);
      if (column < this.side - 1) open.push(place + 1);
      if (place >= this.side) open.push(place - this.side);
      if (place < this.ids.length - this.side) open.push(place + this.side);
    }
  }

  /** The class at a place. */
  at(x, y) {
    return this.ids[Math.floor(y) * this.side + Math.floor(x)];
  }
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

/** Colours of ids, four bytes a pixel, into an array that is there. */
export function writeColours(ids, palette, pixels) {
  for (let place = 0; place < ids.length; place++) {
    const [r, g, b] = palette[ids[place]] ?? [255, 0, 255];
    pixels[4 * place] = r;
    pixels[4 * place + 1] = g;
    pixels[4 * place + 2] = b;
    pixels[4 * place + 3] = 255;
  }
}
