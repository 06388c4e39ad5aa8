// The editor of label maps: tools, classes, the canvas, the keyboard's pen.

import * as api from "../core/api.js";
import { LabelMap, colours, readColours, resized } from "../core/label-map.js";
import { writePng } from "../core/png.js";
import { CanvasEditor } from "./canvas-view.js";
import { button, el, isWriting, loaded, pixelsOf, say, takesFiles, toggle, words } from "./dom.js";

const TOOLS = {
	brush: ["Brush", "B"],
	eraser: ["Eraser", "E"],
	fill: ["Fill", "F", "with Shift every pixel of the class"],
	polygon: ["Polygon", "P", "Enter closes, Escape drops, Backspace takes a corner back"],
	lasso: ["Lasso", "L"],
	move: ["Move", "M", "drag a part, or arrows"],
	pick: ["Pick", "I", "also Alt and click"],
};

export class MapEditor extends CanvasEditor {
	/** @param {object} options  schema, imageSize: of the weights; changed(): the map is another; drawn: what to do live */
	constructor({ schema, imageSize, changed }) {
		super("map", "Label map: paint with the pointer, or move the pen with the arrow keys; Space paints, Enter fills", {
			paint: (context, view, side) => this.#paint(context, view, side),
			down: (event, x, y) => this.#down(event, x * this.side, y * this.side),
			move: (event, x, y) => this.#move(x * this.side, y * this.side),
			up: () => this.#up(),
			cancel: () => this.#cancel(),
			hover: (place) => this.#hover(place),
		});
		Object.assign(this, { schema, imageSize, changed, before: 0, ten: 0, name: "label-map.png", shows: {} });
		this.side = Math.min(1024, Math.max(256, 4 * imageSize));
		this.chosen = Math.max(0, schema.classes.indexOf("hair"));
		this.pen = null; // of the keyboard: {x, y, isDown}
		this.points = []; // of a polygon
		this.axis = null; // of the mirror
		this.under = null; // a photo over the map
		this.#buildTools();
		this.#buildClasses();
		takesFiles(this.element, (file) => this.openFile(file));
		this.cleanup.listen(document, "keyup", (event) => this.#keyUp(event));
		this.setMap(new LabelMap(this.side));
		this.useTool("brush");
		this.choose(this.chosen);
	}

	get history() {
		return this.map;
	}

	// ---- what is there

	setMap(map) {
		this.map = map;
		this.layer = new OffscreenCanvas(map.side, map.side);
		this.#refreshMirror();
		this.refresh();
	}

	async open(url, name) {
		const { data, width, height } = pixelsOf(await loaded(url));
		const ids = readColours(data, width, height, this.schema.palette, this.side);
		this.name = name;
		if (this.isOpened) this.map.replace(ids);
		else this.setMap(new LabelMap(this.side, ids));
		this.isOpened = true;
		this.refresh();
		this.changed();
	}

	async asset() {
		const file = await writePng(this.map.ids, this.map.side, this.schema);
		return (await api.upload(file, { kind: "label_map", schema: this.schema.name, name: this.name })).id;
	}

	async openFile(file) {
		const asset = await api.upload(file, { kind: "label_map", schema: this.schema.name, name: file.name.slice(0, 100) });
		if (asset.schema !== this.schema.name) {
			throw new api.Problem(`${file.name} has the classes of ${asset.schema}; these weights draw those of ${this.schema.name}.`);
		}
		await this.open(api.assetUrl(asset.id), file.name);
	}

	// ---- the canvas

	refresh() {
		const box = this.map.takeDirty();
		if (box) this.#write(box);
		super.refresh();
	}

	#write(box) {
		const { side } = this.map;
		const ids = this.shows.network ? resized(resized(this.map.ids, side, this.imageSize), this.imageSize, side) : this.map.ids;
		const whole = this.shows.network ? { x0: 0, y0: 0, x1: side, y1: side } : box;
		const pixels = colours(ids, side, whole, this.schema.palette, this.shows.patterns);
		const image = new ImageData(pixels, whole.x1 - whole.x0, whole.y1 - whole.y0);
		this.layer.getContext("2d").putImageData(image, whole.x0, whole.y0);
	}

	repaint() {
		this.#write({ x0: 0, y0: 0, x1: this.side, y1: this.side });
		this.canvasView.show();
	}

	#paint(context, view, side) {
		this.canvasView.drawImage(context, this.layer, side, false);
		if (this.under && this.opacity > 0) {
			context.globalAlpha = this.opacity;
			this.canvasView.drawImage(context, this.under, side, true);
			context.globalAlpha = 1;
		}
		const at = (x, y) => view.outside(x / this.side, y / this.side).map((share) => share * side);
		const line = (draw, dash = []) => {
			for (const [colour, width] of [["#000", 4], ["#fff", 2]]) {
				context.beginPath();
				draw();
				Object.assign(context, { strokeStyle: colour, lineWidth: width * devicePixelRatio });
				context.setLineDash(dash.map((length) => length * devicePixelRatio));
				context.stroke();
			}
			context.setLineDash([]);
		};
		if (this.axis !== null) line(() => [context.moveTo(...at(this.axis, 0)), context.lineTo(...at(this.axis, this.side))], [6, 6]);
		const centre = this.pen ? [this.pen.x, this.pen.y] : this.hovered;
		if (this.points.length) {
			const last = this.tool === "polygon" && centre ? [centre] : [];
			line(() => [...this.points, ...last].forEach((point, number) => context[number ? "lineTo" : "moveTo"](...at(...point))));
		}
		if (centre && ["brush", "eraser"].includes(this.tool)) {
			const radius = Math.max(2, (this.radius / this.side) * view.scale * side);
			line(() => context.arc(...at(...centre), radius, 0, 2 * Math.PI));
		}
		if (this.pen) {
			const [x, y] = at(this.pen.x, this.pen.y);
			const arm = 8 * devicePixelRatio;
			line(() => [context.moveTo(x - arm, y), context.lineTo(x + arm, y), context.moveTo(x, y - arm), context.lineTo(x, y + arm)]);
		}
	}

	get radius() {
		return Math.max(0.6, Number(this.size.value) / 2);
	}

	#hover(place) {
		this.hovered = place && place.map((share) => share * this.side);
		this.canvasView.show();
	}

	// ---- a pointer

	#bound(value) {
		return Math.min(this.side - 0.01, Math.max(0, value));
	}

	#down(event, x, y) {
		[x, y] = [this.#bound(x), this.#bound(y)];
		this.pen = null;
		this.hovered = [x, y];
		if (this.tool === "pick" || event.altKey) return this.choose(this.map.at(x, y));
		if (this.axis !== null && y < this.side / 16 && Math.abs(x - this.axis) < this.side / 32) return void (this.isAxisHeld = true);
		const erases = this.tool === "eraser" || event.button === 2 || event.button === 5;
		this.id = erases ? 0 : this.chosen;
		if (this.tool === "polygon") {
			const [first] = this.points;
			if (first && this.points.length > 2 && Math.hypot(first[0] - x, first[1] - y) < this.side / 40) return this.close();
			this.points.push([x, y]);
			return this.canvasView.show();
		}
		if (this.tool === "fill") return this.fill(x, y, event.shiftKey);
		if (this.tool === "lasso") {
			this.points = [[x, y]];
			return this.canvasView.show();
		}
		if (this.tool === "move") return this.#lift(x, y);
		this.map.begin();
		const from = event.shiftKey && this.last ? this.last : [x, y];
		this.#line(from, [x, y]);
	}

	#line(from, to) {
		this.map.line(...from, ...to, this.radius, this.id);
		this.last = to;
		this.refresh();
		this.changed();
	}

	#move(x, y) {
		[x, y] = [this.#bound(x), this.#bound(y)];
		this.hovered = [x, y];
		if (this.isAxisHeld) {
			this.axis = Math.round(x);
			this.#refreshMirror();
			this.canvasView.show();
		} else if (this.tool === "lasso" && this.points.length) {
			this.points.push([x, y]);
			this.canvasView.show();
		} else if (this.tool === "move" && this.lifted?.from) {
			this.#shift(Math.round(x - this.lifted.from[0]), Math.round(y - this.lifted.from[1]));
		} else if ((this.tool === "brush" || this.tool === "eraser") && this.last) this.#line(this.last, [x, y]);
	}

	#up() {
		this.isAxisHeld = false;
		if (this.tool === "lasso" && this.points.length) this.close();
		else if (this.tool === "move" && this.lifted) this.#putDown();
		else if (this.tool === "brush" || this.tool === "eraser") this.#end();
	}

	#cancel() {
		this.points = [];
		this.lifted = null;
		this.map.drop();
		this.refresh();
	}

	#end() {
		this.map.end();
		this.refresh();
		this.changed();
	}

	fill(x, y, everywhere) {
		this.map.begin();
		this.map.fill(x, y, this.chosen, everywhere);
		this.#end();
	}

	close() {
		if (this.points.length > 2) {
			this.map.begin();
			this.map.polygon(this.points, this.id ?? this.chosen);
			this.#end();
		}
		this.points = [];
		this.canvasView.show();
	}

	// ---- moving a part

	#lift(x, y) {
		const found = this.map.lift(x, y);
		if (!found) return say(`${words(this.schema.classes[this.map.at(x, y)])} is locked.`);
		this.lifted = { ...found, from: [x, y], right: 0, down: 0 };
		this.map.begin();
	}

	#shift(right, down) {
		Object.assign(this.lifted, { right, down });
		this.map.put(this.lifted, right, down);
		this.refresh();
		this.changed();
	}

	#putDown() {
		const { id, region, right, down } = this.lifted;
		const first = region[0];
		this.#end();
		// arrows go on with the part where it lies now
		this.held = { x: (first % this.side) + right, y: Math.floor(first / this.side) + down, id };
		this.lifted = null;
	}

	#nudge(right, down) {
		const { x, y, id } = this.held ?? {};
		if (x === undefined || x < 0 || y < 0 || x >= this.side || y >= this.side || this.map.at(x, y) !== id) return false;
		this.#lift(x, y);
		if (!this.lifted) return false;
		this.#shift(right, down);
		this.#end();
		this.held = { x: x + right, y: y + down, id };
		this.lifted = null;
		return true;
	}

	// ---- tools

	#buildTools() {
		const tools = Object.entries(TOOLS).map(([name, [text, key, more]]) =>
			button(text, () => this.useTool(name), { key, title: `${text} (${key})${more ? `; ${more}` : ""}`, data: { tool: name } }));
		this.size = el("input", { id: "size", type: "range", min: 1, max: 128, value: Math.round(this.side / 20), title: "Brush size ([ and ])" });
		this.size.addEventListener("input", () => this.canvasView.show());
		this.mirrorButton = toggle("Mirror", (isOn) => this.#useMirror(isOn), { key: "S", id: "mirror", title: "Mirror (S); drag the top of the line to move it" });
		this.patterns = toggle("Patterns", (isOn) => this.#look("patterns", isOn), { key: "H", id: "patterns", title: "Stripes tell classes apart (H)" });
		this.network = toggle("Network", (isOn) => this.#look("network", isOn), { key: "N", id: "network", title: "What the network sees (N)" });
		this.tools = el("div", { className: "tools", role: "toolbar", "aria-label": "Tools" },
			...tools, el("label", { className: "size" }, "Size", this.size), this.mirrorButton,
			this.steps,
			this.canvasView.zoomButtons(), this.patterns, this.network);
	}

	#look(name, isOn) {
		this.shows[name] = isOn;
		this.repaint();
	}

	useTool(name) {
		this.tool = name;
		this.points = [];
		this.held = this.lifted = this.last = null;
		for (const one of this.tools.querySelectorAll("[data-tool]")) one.setAttribute("aria-pressed", String(one.dataset.tool === name));
		this.canvas.dataset.tool = name;
		this.canvasView.show();
	}

	#useMirror(isOn) {
		this.axis = isOn ? this.side / 2 : null;
		this.#refreshMirror();
		this.canvasView.show();
	}

	#refreshMirror() {
		const id = (name) => this.schema.classes.indexOf(name);
		this.map.mirrorAt(this.axis, (this.schema.flip_pairs ?? []).map(([one, other]) => [id(one), id(other)]));
	}

	step(way) {
		this.held = null;
		super.step(way);
	}

	// ---- classes

	#buildClasses() {
		const { classes, palette } = this.schema;
		this.radios = classes.map((name, id) => el("input", { type: "radio", name: "class", value: id, on: { change: () => this.choose(id) } }));
		this.lock = toggle("Lock", (isOn) => this.#setLock(isOn), { key: "K", id: "lock", title: "Nobody paints over the chosen class (K)" });
		this.labels = classes.map((name, id) => {
			const colour = el("span", { className: "colour" });
			colour.style.background = `rgb(${palette[id].join(" ")})`;
			return el("label", {}, this.radios[id], colour, words(name));
		});
		this.classes = el("fieldset", { className: "classes" }, el("legend", {}, "Class"), el("div", { className: "chips" }, ...this.labels, this.lock));
	}

	choose(id) {
		if (id !== this.chosen) this.before = this.chosen;
		this.chosen = id;
		this.radios[id].checked = true;
		this.labels[id].scrollIntoView({ block: "nearest", inline: "center" });
		this.lock.setAttribute("aria-pressed", String(this.map?.locked.has(id) ?? false));
	}

	#setLock(isOn) {
		this.map.locked[isOn ? "add" : "delete"](this.chosen);
		this.labels.forEach((label, id) => label.classList.toggle("locked", this.map.locked.has(id)));
		say(`${words(this.schema.classes[this.chosen])} ${isOn ? "cannot be painted over" : "can be painted over again"}`);
	}

	// ---- keys

	key(event, key, isControl) {
		if (isControl) {
			if (key === "o") this.onOpen?.();
			else if (key === "s") this.onSave?.();
			else return false;
			return true;
		}
		if (event.altKey || isWriting(event.target)) return false;
		if (document.activeElement === this.canvas && this.#penKey(event, key)) return true;
		const tool = Object.keys(TOOLS).find((name) => TOOLS[name][1].toLowerCase() === key);
		if (tool) this.useTool(tool);
		else if (key === "[" || key === "]") this.#resize(key === "]" ? 1 : -1);
		else if (/^\d$/.test(key)) this.#number(Number(key));
		else if (key === ".") this.ten = (this.ten + 10) % (10 * Math.ceil(this.schema.classes.length / 10));
		else return this.#other(key);
		this.canvasView.show();
		return true;
	}

	#other(key) {
		const actions = {
			x: () => this.choose(this.before),
			s: () => this.mirrorButton.flip(),
			h: () => this.patterns.flip(),
			n: () => this.network.flip(),
			k: () => this.lock.flip(),
			Enter: () => this.close(),
			Backspace: () => this.points.pop(),
			Escape: () => this.#cancel(),
		};
		if (this.canvasView.key(key)) return true;
		if (!actions[key] || (["Enter", "Backspace", "Escape"].includes(key) && !this.points.length)) return false;
		actions[key]();
		this.canvasView.show();
		return true;
	}

	#resize(direction) {
		const size = Number(this.size.value);
		this.size.value = size + direction * Math.max(1, Math.round(size / 10));
	}

	#number(digit) {
		const id = this.ten + (digit === 0 ? 9 : digit - 1);
		if (id < this.schema.classes.length) this.choose(id);
	}

	/** The keyboard's pen: arrows move it or the part that is held, Space paints, Enter fills; whether the key was its. */
	#penKey(event, key) {
		const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key];
		const step = event.shiftKey ? 8 : 1;
		if (way && this.tool === "move" && this.#nudge(way[0] * step, way[1] * step)) return true;
		if (way) {
			const from = this.pen ?? { x: this.side / 2 + 0.5, y: this.side / 2 + 0.5, isDown: false };
			this.pen = { ...from, x: this.#bound(from.x + way[0] * step), y: this.#bound(from.y + way[1] * step) };
			if (this.pen.isDown) this.#line([from.x, from.y], [this.pen.x, this.pen.y]);
		} else if (!this.pen) return false;
		else if (key === " ") this.#penDown(event);
		else if (key === "Enter") this.#penEnter(event);
		else if (key === "Escape" && !this.points.length) this.pen = null;
		else return false;
		this.#speak();
		this.canvasView.show();
		return true;
	}

	#penDown(event) {
		const { x, y } = this.pen;
		this.id = this.tool === "eraser" ? 0 : this.chosen;
		if (event.repeat || this.pen.isDown) return;
		if (this.tool === "pick") this.choose(this.map.at(x, y));
		else if (this.tool === "polygon" || this.tool === "lasso") this.points.push([x, y]);
		else if (this.tool === "move") this.held = { x: Math.floor(x), y: Math.floor(y), id: this.map.at(x, y) };
		else {
			this.pen.isDown = true;
			this.map.begin();
			this.#line([x, y], [x, y]);
		}
	}

	#penEnter(event) {
		if (this.points.length) this.close();
		else this.fill(this.pen.x, this.pen.y, event.shiftKey);
	}

	#keyUp(event) {
		if (event.key !== " " || !this.pen?.isDown) return;
		this.pen.isDown = false;
		this.last = null;
		this.#end();
		this.#speak("painted");
	}

	#speak(what = "") {
		if (!this.pen) return;
		const name = words(this.schema.classes[this.map.at(this.pen.x, this.pen.y)]);
		this.spoken.textContent = `${what} ${name} at ${Math.floor(this.pen.x)}, ${Math.floor(this.pen.y)}`.trim();
	}
}
