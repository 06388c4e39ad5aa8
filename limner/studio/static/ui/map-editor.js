// The editor of label maps: tools, classes, the canvas, the keyboard's pen.

import * as api from "../core/api.js";
import { cut } from "../core/geometry.js";
import { LabelMap, colours, readColours, resized, whole } from "../core/label-map.js";
import { writePng } from "../core/png.js";
import { fitted } from "../core/view.js";
import { CanvasEditor, WAYS, outline } from "./canvas-editor.js";
import { askSchema } from "./schema.js";
import { el, fromPage, isWriting, loaded, pixelsOf, press, pressOne, range, say, takesFiles, toggle, toolbar } from "./dom.js";

const INKS = [["#000", 4], ["#fff", 2]];

export class MapEditor extends CanvasEditor {
	/** @param {object} options  weights; changed(): the map is another; isMask: a picture of two classes */
	constructor({ weights: { schema, titles, image_size: imageSize }, changed, signal, isMask = false }) {
		super("map", "Label map: paint with the pointer, or move the pen with the arrow keys; Space paints, Enter fills", signal);
		Object.assign(this, { schema, titles, imageSize, changed, isMask, before: 0, ten: 0, name: "label-map.png", shows: {} });
		this.side = Math.min(1024, Math.max(256, 4 * imageSize));
		this.frame = whole(this.side); // what of the square is the map
		this.chosen = isMask ? 1 : Math.max(0, schema.classes.indexOf("hair"));
		this.pen = null; // of the keyboard: {x, y, isDown}
		this.points = []; // of a polygon
		this.axis = null; // of the mirror
		this.under = null; // a photo over the map
		this.#buildTools();
		this.#buildClasses();
		takesFiles(this.element, (file) => this.openFile(file));
		document.addEventListener("keyup", (event) => this.#keyUp(event), { signal });
		this.setMap(new LabelMap(this.side));
		this.useTool("brush");
		this.choose(this.chosen);
	}

	get history() {
		return this.map;
	}

	setMap(map) {
		this.map = map;
		this.layer = new OffscreenCanvas(map.side, map.side);
		this.#refreshMirror();
		this.refresh();
	}

	async open(url, name) {
		const { data, width, height } = pixelsOf(await loaded(url));
		const ids = readColours(data, width, height, this.schema.palette, this.side, this.frame);
		this.name = name;
		if (this.isOpened) this.map.replace(ids);
		else this.setMap(new LabelMap(this.side, ids));
		this.isOpened = true;
		this.refresh();
		this.changed();
	}

	async asset() {
		const file = await writePng(cut(this.map.ids, this.side, this.frame), this.frame.x1 - this.frame.x0, this.schema);
		return (await this.#upload(file, this.name)).id;
	}

	#upload(file, name, more = {}) {
		return api.upload(file, { kind: this.isMask ? "photo" : "label_map", name, ...more });
	}

	async openFile(file) {
		const wanted = this.schema.name;
		let asset = null;
		try {
			asset = await this.#upload(file, file.name);
		} catch (error) {
			if (error.field !== "schema") throw error;
		}
		if (!this.isMask && asset?.schema !== wanted) {
			const send = (schema) => this.#upload(file, file.name, { schema, to: wanted });
			asset = await askSchema({ name: file.name, wanted, noted: asset?.schema, send });
		}
		if (asset) await this.open(api.assetUrl(asset.id), file.name);
	}

	/** Lay a photo over the map; a mask is of the part of the square that the photo fills. */
	async lay(url) {
		this.under = url && (await loaded(url));
		this.box = this.isMask && this.under ? fitted(this.under.naturalWidth, this.under.naturalHeight) : fitted(1, 1);
		const { x, y, width, height } = this.box;
		const [x0, y0, x1, y1] = [x, y, x + width, y + height].map((share) => Math.round(share * this.side));
		this.frame = { x0, y0, x1: Math.max(x1, x0 + 1), y1: Math.max(y1, y0 + 1) };
		this.show();
	}

	refresh() {
		const box = this.map.takeDirty();
		if (box) this.#write(box);
		super.refresh();
	}

	#write(box) {
		const { side } = this.map;
		const ids = this.shows.network ? resized(resized(this.map.ids, side, this.imageSize), this.imageSize, side) : this.map.ids;
		const { x0, y0, x1, y1 } = this.shows.network ? whole(side) : box;
		const pixels = colours(ids, side, { x0, y0, x1, y1 }, this.schema.palette, this.shows.patterns);
		this.layer.getContext("2d").putImageData(new ImageData(pixels, x1 - x0, y1 - y0), x0, y0);
	}

	repaint() {
		this.#write(whole(this.side));
		this.show();
	}

	paint(context, side) {
		context.imageSmoothingEnabled = false;
		this.drawImage(context, this.layer, side);
		context.imageSmoothingEnabled = true;
		if (this.under) this.drawImage(context, this.under, side, { alpha: this.opacity, box: this.box });
		const at = (x, y) => this.view.outside(x / this.side, y / this.side).map((share) => share * side);
		const line = (draw, dash) => outline(context, draw, INKS, dash);
		if (this.axis !== null) line(() => [context.moveTo(...at(this.axis, 0)), context.lineTo(...at(this.axis, this.side))], [6, 6]);
		const centre = this.pen ? [this.pen.x, this.pen.y] : this.hovered;
		if (this.points.length) {
			const last = this.tool === "polygon" && centre ? [centre] : [];
			line(() => [...this.points, ...last].forEach((point, number) => context[number ? "lineTo" : "moveTo"](...at(...point))));
		}
		if (centre && this.#isDrawing) {
			const radius = Math.max(2, (this.radius / this.side) * this.view.scale * side);
			line(() => context.arc(...at(...centre), radius, 0, 2 * Math.PI));
		}
		if (this.pen) {
			const [x, y] = at(this.pen.x, this.pen.y);
			const arm = 8 * devicePixelRatio;
			line(() => [context.moveTo(x - arm, y), context.lineTo(x + arm, y), context.moveTo(x, y - arm), context.lineTo(x, y + arm)]);
		}
	}

	get #isDrawing() {
		return ["brush", "eraser"].includes(this.tool);
	}

	get radius() {
		return Math.max(0.6, this.size.value / 2);
	}

	hover(place) {
		this.hovered = place && place.map((share) => share * this.side);
		this.show();
	}

	/** A place in pixels of the map, on it. */
	#bound(...place) {
		return place.map((value) => Math.min(this.side - 0.01, Math.max(0, value)));
	}

	down(event, ...place) {
		const [x, y] = this.#bound(...place.map((share) => share * this.side));
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
			return this.show();
		}
		if (this.tool === "fill") return this.fill(x, y, event.shiftKey);
		if (this.tool === "lasso") {
			this.points = [[x, y]];
			return this.show();
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

	move(event, ...place) {
		const [x, y] = this.#bound(...place.map((share) => share * this.side));
		this.hovered = [x, y];
		if (this.isAxisHeld) {
			this.axis = Math.round(x);
			this.#refreshMirror();
			this.show();
		} else if (this.tool === "lasso" && this.points.length) {
			this.points.push([x, y]);
			this.show();
		} else if (this.tool === "move" && this.lifted?.from) {
			this.#shift(Math.round(x - this.lifted.from[0]), Math.round(y - this.lifted.from[1]));
		} else if (this.#isDrawing && this.last) this.#line(this.last, [x, y]);
	}

	up() {
		this.isAxisHeld = false;
		if (this.tool === "lasso" && this.points.length) this.close();
		else if (this.tool === "move" && this.lifted) this.#putDown();
		else if (this.#isDrawing) this.#end();
	}

	cancel() {
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
		this.show();
	}

	#lift(x, y) {
		const found = this.map.lift(x, y);
		if (!found) return say(`${this.titles[this.map.at(x, y)]} is locked.`);
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
		this.#putDown();
		return true;
	}

	#buildTools() {
		this.size = range({ id: "size", min: 1, max: 128, value: Math.round(this.side / 20), title: "Brush size ([ and ])" }, () => this.show());
		this.mirrorButton = toggle("Mirror", (isOn) => this.#useMirror(isOn), { key: "S", id: "mirror", title: "Mirror (S); drag the top of the line to move it" });
		const look = (text, key, title) => toggle(text, (isOn) => {
			this.shows[text.toLowerCase()] = isOn;
			this.repaint();
		}, { key, id: text.toLowerCase(), title });
		this.patterns = look("Patterns", "H", "Stripes tell classes apart (H)");
		this.network = look("Network", "N", "What the network sees (N)");
		this.pinned.append(el("label", { className: "size" }, "Size", this.size));
		this.tools = toolbar(fromPage("tools"), this.pinned, this.mirrorButton, this.zoomButtons(), this.patterns, this.network);
		this.toolButtons = [...this.tools.querySelectorAll("[data-tool]")];
		for (const one of this.toolButtons) one.onclick = () => this.useTool(one.dataset.tool);
	}

	useTool(name) {
		this.tool = name;
		this.points = [];
		this.held = this.lifted = this.last = null;
		pressOne(this.toolButtons, "tool", name);
		this.canvas.dataset.tool = name;
		this.show();
	}

	#useMirror(isOn) {
		this.axis = isOn ? this.side / 2 : null;
		this.#refreshMirror();
		this.show();
	}

	#refreshMirror() {
		const id = (name) => this.schema.classes.indexOf(name);
		this.map.mirrorAt(this.axis, (this.schema.flip_pairs ?? []).map(([one, other]) => [id(one), id(other)]));
	}

	step(way) {
		this.held = null;
		super.step(way);
	}

	#buildClasses() {
		const { classes, palette } = this.schema;
		this.radios = classes.map((name, id) => el("input", { type: "radio", name: "class", value: id, on: { change: () => this.choose(id) } }));
		this.lock = toggle("Lock", (isOn) => this.#setLock(isOn), { key: "K", id: "lock", title: "Nobody paints over the chosen class (K)" });
		this.labels = classes.map((name, id) => {
			const colour = el("span", { className: "colour" });
			colour.style.background = `rgb(${palette[id].join(" ")})`;
			return el("label", {}, this.radios[id], colour, this.titles[id]);
		});
		this.classes = el("fieldset", { className: "classes" }, el("legend", {}, "Class"), el("div", { className: "chips" }, ...this.labels, this.lock));
	}

	choose(id) {
		if (id !== this.chosen) this.before = this.chosen;
		this.chosen = id;
		this.radios[id].checked = true;
		this.labels[id].scrollIntoView({ block: "nearest", inline: "center" });
		press(this.lock, this.map?.locked.has(id) ?? false);
	}

	#setLock(isOn) {
		this.map.locked[isOn ? "add" : "delete"](this.chosen);
		this.labels.forEach((label, id) => label.classList.toggle("locked", this.map.locked.has(id)));
		say(`${this.titles[this.chosen]} ${isOn ? "cannot be painted over" : "can be painted over again"}`);
	}

	key(event, key, isControl) {
		const file = isControl && { o: this.onOpen, s: this.onSave }[key];
		if (isControl) return Boolean(file?.() ?? file);
		if (event.altKey || isWriting(event.target)) return false;
		if (document.activeElement === this.canvas && this.#penKey(event, key)) return true;
		const tool = this.toolButtons.find((one) => one.ariaKeyShortcuts.toLowerCase() === key);
		if (tool) tool.click();
		else if (/^\d$/.test(key)) this.#number(Number(key));
		else if (!this.viewKey(key) && !this.#act(key)) return false;
		this.show();
		return true;
	}

	/** What one of the other keys does; whether it did anything. */
	#act(key) {
		const actions = {
			"[": () => this.#resize(-1),
			"]": () => this.#resize(1),
			".": () => (this.ten = (this.ten + 10) % (10 * Math.ceil(this.schema.classes.length / 10))),
			x: () => this.choose(this.before),
			s: () => this.mirrorButton.flip(),
			h: () => this.patterns.flip(),
			n: () => this.network.flip(),
			k: () => this.lock.flip(),
			...(this.points.length && { Enter: () => this.close(), Backspace: () => this.points.pop(), Escape: () => this.cancel() }),
		};
		actions[key]?.();
		return key in actions;
	}

	#resize(direction) {
		this.size.value = this.size.valueAsNumber + direction * Math.max(1, Math.round(this.size.value / 10));
	}

	#number(digit) {
		const id = this.ten + (digit === 0 ? 9 : digit - 1);
		if (id < this.schema.classes.length) this.choose(id);
	}

	/** The keyboard's pen: arrows move it or the part that is held, Space paints, Enter fills; whether the key was its. */
	#penKey(event, key) {
		const way = WAYS[key];
		const step = event.shiftKey ? 8 : 1;
		if (way && this.tool === "move" && this.#nudge(way[0] * step, way[1] * step)) return true;
		if (way) {
			const from = this.pen ?? { x: this.side / 2 + 0.5, y: this.side / 2 + 0.5, isDown: false };
			const [x, y] = this.#bound(from.x + way[0] * step, from.y + way[1] * step);
			this.pen = { ...from, x, y };
			if (this.pen.isDown) this.#line([from.x, from.y], [this.pen.x, this.pen.y]);
		} else if (!this.pen) return false;
		else if (key === " ") this.#penDown(event);
		else if (key === "Enter") this.#penEnter(event);
		else if (key === "Escape" && !this.points.length) this.pen = null;
		else return false;
		this.#speak();
		this.show();
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
		const name = this.titles[this.map.at(this.pen.x, this.pen.y)];
		this.spoken.textContent = `${what} ${name} at ${Math.floor(this.pen.x)}, ${Math.floor(this.pen.y)}`.trim();
	}
}
