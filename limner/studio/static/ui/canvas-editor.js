// A square canvas that can be zoomed and panned with wheel, keys and two fingers, on which editors draw.

import { View, fitted } from "../core/view.js";
import { button, el, fromPage } from "./dom.js";

/** Where arrow keys lead. */
export const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** Draw a path with an edge: twice, each time in a colour and a width in pixels of the page. */
export function outline(context, draw, inks, dash = []) {
	for (const [strokeStyle, width] of inks) {
		context.beginPath();
		draw();
		Object.assign(context, { strokeStyle, lineWidth: width * devicePixelRatio });
		context.setLineDash(dash.map((length) => length * devicePixelRatio));
		context.stroke();
	}
	context.setLineDash([]);
}

/**
 * What editors on a canvas share: zoom and pan, the line for screen readers, steps back and forth, their keys. Those
 * that extend it have paint(context, side); down, move and up(event, x, y) of a pointer that draws, places being shares
 * of the square's side; cancel(): a second finger came; hover(place); key(event, key, isControl); and a history.
 */
export class CanvasEditor {
	#fingers = new Map();
	#pinch = null;
	#panning = null;
	#isSpaceDown = false;
	#isWaiting = false;
	#sawPen = false;

	/** @param {AbortSignal} signal  the page is gone: nothing listens any more */
	constructor(id, label, signal) {
		this.view = new View();
		this.canvas = el("canvas", { id, tabIndex: 0, role: "application", "aria-label": label, className: "square" });
		this.canvas.editor = this; // for scripts and tests
		this.drawing = null;
		this.spoken = el("p", { className: "unseen", "aria-live": "polite" });
		this.element = el("div", { className: "stage" }, this.canvas, this.spoken);
		this.undoButton = button("Undo", () => this.step("undo"), { key: "Ctrl Z", id: "undo" });
		this.redoButton = button("Redo", () => this.step("redo"), { key: "Ctrl Shift Z", id: "redo" });
		this.pinned = el("div", { className: "pinned" }, el("div", { className: "zoom steps", role: "group", "aria-label": "Steps" }, this.undoButton, this.redoButton));
		this.#listen(signal);
	}

	cancel() {}

	hover() {}

	#listen(signal) {
		const observer = new ResizeObserver(() => this.show());
		observer.observe(this.canvas);
		signal.addEventListener("abort", () => observer.disconnect());
		const up = (event) => this.#up(event);
		const actions = {
			pointerdown: (event) => this.#down(event),
			pointermove: (event) => this.#move(event),
			pointerup: up,
			pointercancel: up,
			pointerleave: () => this.hover(null),
			contextmenu: (event) => event.preventDefault(),
			wheel: (event) => this.#wheel(event),
		};
		for (const [name, action] of Object.entries(actions)) this.canvas.addEventListener(name, action, { passive: false });
		for (const kind of ["keydown", "keyup"]) {
			document.addEventListener(kind, (event) => event.key === " " && (this.#isSpaceDown = kind === "keydown"), { signal });
		}
		document.addEventListener("keydown", (event) => this.#key(event), { signal });
	}

	#key(event) {
		if (!this.element.isConnected || !this.element.checkVisibility()) return;
		const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
		const way = key === "y" || (key === "z" && event.shiftKey) ? "redo" : key === "z" ? "undo" : null;
		const isControl = event.ctrlKey || event.metaKey;
		if (isControl && way) this.step(way);
		else if (!this.key(event, key, isControl)) return;
		event.preventDefault();
	}

	/** Take a step back or forth, and show and tell what came of it. */
	step(way) {
		if (!this.history?.[way]()) return;
		this.refresh();
		this.changed();
	}

	refresh() {
		this.undoButton.disabled = !this.history?.done.length;
		this.redoButton.disabled = !this.history?.undone.length;
		this.show();
	}

	show() {
		if (this.#isWaiting) return;
		this.#isWaiting = true;
		requestAnimationFrame(() => {
			this.#isWaiting = false;
			const side = Math.round(this.canvas.clientWidth * devicePixelRatio);
			if (!side) return;
			if (this.canvas.width !== side) this.canvas.width = this.canvas.height = side;
			const context = this.canvas.getContext("2d");
			context.setTransform(1, 0, 0, 1, 0, 0);
			context.clearRect(0, 0, side, side);
			this.paint(context, side);
		});
	}

	/** Draw a picture over the square or a part of it, as much of it as is seen. */
	drawImage(context, image, side, { alpha = 1, box = fitted(1, 1) } = {}) {
		const [x, y] = this.view.outside(box.x, box.y);
		const scale = this.view.scale * side;
		context.globalAlpha = alpha;
		context.drawImage(image, x * side, y * side, box.width * scale, box.height * scale);
		context.globalAlpha = 1;
	}

	zoom(factor, x, y) {
		this.view.zoom(factor, x, y);
		this.show();
	}

	whole() {
		this.view.reset();
		this.show();
	}

	/** Buttons that zoom. */
	zoomButtons() {
		const made = fromPage("zoom");
		for (const one of made.querySelectorAll("button")) one.onclick = () => this.viewKey(one.dataset.key);
		return made;
	}

	/** What a key does here; whether it does anything. */
	viewKey(key) {
		const factor = { "+": 1.5, "=": 1.5, "-": 1 / 1.5 }[key];
		if (factor) this.zoom(factor);
		else if (key === "Home") this.whole();
		else return false;
		return true;
	}

	#window(event) {
		const box = this.canvas.getBoundingClientRect();
		return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
	}

	#place(event) {
		return this.view.inside(...this.#window(event));
	}

	#down(event) {
		if (event.pointerType === "pen") this.#sawPen = true;
		this.canvas.focus({ preventScroll: true });
		event.preventDefault();
		this.canvas.setPointerCapture(event.pointerId);
		if (event.pointerType === "touch") {
			this.#fingers.set(event.pointerId, this.#window(event));
			if (this.#fingers.size === 2) {
				if (this.drawing !== null) this.cancel();
				this.drawing = this.#panning = null;
				this.#pinch = this.#hands();
				return;
			}
			if (this.#fingers.size > 2) return;
		}
		const isHand = event.button === 1 || (this.#isSpaceDown && event.pointerType === "mouse");
		if (isHand || (this.#sawPen && event.pointerType === "touch")) this.#panning = this.#window(event);
		else {
			this.drawing = event.pointerId;
			this.down(event, ...this.#place(event));
		}
	}

	#hands() {
		const [[x0, y0], [x1, y1]] = this.#fingers.values();
		return { x: (x0 + x1) / 2, y: (y0 + y1) / 2, apart: Math.hypot(x1 - x0, y1 - y0) };
	}

	#move(event) {
		if (this.#fingers.has(event.pointerId)) this.#fingers.set(event.pointerId, this.#window(event));
		if (this.#pinch && this.#fingers.size >= 2) {
			const now = this.#hands();
			this.view.pan(now.x - this.#pinch.x, now.y - this.#pinch.y);
			this.zoom(now.apart / Math.max(1e-6, this.#pinch.apart), now.x, now.y);
			this.#pinch = now;
		} else if (this.#panning) {
			const [x, y] = this.#window(event);
			this.view.pan(x - this.#panning[0], y - this.#panning[1]);
			this.#panning = [x, y];
			this.show();
		} else if (this.drawing === event.pointerId) {
			const parts = event.getCoalescedEvents?.() ?? [];
			for (const one of parts.length ? parts : [event]) this.move(event, ...this.#place(one));
		} else this.hover(this.#place(event));
	}

	#up(event) {
		this.#fingers.delete(event.pointerId);
		if (this.#fingers.size < 2) this.#pinch = null;
		this.#panning = null;
		if (this.drawing === event.pointerId) {
			this.drawing = null;
			this.up(event, ...this.#place(event));
		}
	}

	#wheel(event) {
		if (!event.ctrlKey && !event.metaKey && this.view.scale === 1) return; // the page scrolls
		event.preventDefault();
		if (event.ctrlKey || event.metaKey) this.zoom(Math.exp(-event.deltaY / 200), ...this.#window(event));
		else {
			const { width, height } = this.canvas.getBoundingClientRect();
			this.view.pan(-event.deltaX / width, -event.deltaY / height);
			this.show();
		}
	}
}
