// A square canvas that can be zoomed and panned with wheel, keys and two fingers. Editors draw on it and get the rest.

import { View } from "../core/view.js";
import { button, cleanup, el } from "./dom.js";

/** What the editors of maps, photos and poses share. Places are shares of the square's side. */
export class CanvasView {
	#fingers = new Map();
	#pinch = null;
	#panning = null;
	#isSpaceDown = false;
	#isWaiting = false;
	#sawPen = false;

	/**
	 * @param {object} options  label: what the canvas is; paint(context, view, side): draws it;
	 *   down, move, up(event, x, y): of one pointer that draws; cancel(): a second finger came.
	 */
	constructor({ id, label, paint, down, move, up, cancel, hover, cleanup }) {
		this.view = new View();
		this.handlers = { paint, down, move, up, cancel, hover };
		this.canvas = el("canvas", { id, tabIndex: 0, role: "application", "aria-label": label, className: "square" });
		this.drawing = null;
		const observer = new ResizeObserver(() => this.show());
		observer.observe(this.canvas);
		cleanup.add(() => observer.disconnect());
		const on = (event, action, options) => this.canvas.addEventListener(event, action, options);
		on("pointerdown", (event) => this.#down(event));
		on("pointermove", (event) => this.#move(event));
		for (const kind of ["pointerup", "pointercancel"]) on(kind, (event) => this.#up(event));
		on("pointerleave", () => this.handlers.hover?.(null));
		on("contextmenu", (event) => event.preventDefault());
		on("wheel", (event) => this.#wheel(event), { passive: false });
		cleanup.listen(document, "keydown", (event) => event.key === " " && (this.#isSpaceDown = true));
		cleanup.listen(document, "keyup", (event) => event.key === " " && (this.#isSpaceDown = false));
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
			this.handlers.paint(context, this.view, side);
		});
	}

	/** Draw a picture over the whole square, as much of it as is seen. */
	drawImage(context, image, side, smooth) {
		const { scale, x, y } = this.view;
		context.imageSmoothingEnabled = smooth;
		context.drawImage(image, -x * scale * side, -y * scale * side, scale * side, scale * side);
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
		const one = (text, name, key) => button(text, () => this.key(key), { "aria-label": `${name} (${key})`, title: `${name} (${key})` });
		return el("div", { className: "zoom", role: "group", "aria-label": "Zoom" }, one("−", "Smaller", "-"), one("+", "Larger", "+"), one("All", "See all", "Home"));
	}

	/** What a key does here; whether it does anything. */
	key(key) {
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
				if (this.drawing !== null) this.handlers.cancel?.();
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
			this.handlers.down(event, ...this.#place(event));
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
			for (const one of parts.length ? parts : [event]) this.handlers.move(event, ...this.#place(one));
		} else this.handlers.hover?.(this.#place(event));
	}

	#up(event) {
		this.#fingers.delete(event.pointerId);
		if (this.#fingers.size < 2) this.#pinch = null;
		this.#panning = null;
		if (this.drawing === event.pointerId) {
			this.drawing = null;
			this.handlers.up(event, ...this.#place(event));
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

/** What editors on a canvas share: the canvas, the line for screen readers, steps back and forth, their keys. */
export class CanvasEditor {
	constructor(id, label, handlers) {
		this.cleanup = cleanup();
		this.canvasView = new CanvasView({ id, label, cleanup: this.cleanup, ...handlers });
		this.canvas = this.canvasView.canvas;
		this.canvas.editor = this; // for scripts and tests
		this.spoken = el("p", { className: "unseen", "aria-live": "polite" });
		this.element = el("div", { className: "stage" }, this.canvas, this.spoken);
		this.undoButton = button("Undo", () => this.step("undo"), { key: "Ctrl Z", id: "undo" });
		this.redoButton = button("Redo", () => this.step("redo"), { key: "Ctrl Shift Z", id: "redo" });
		this.steps = el("div", { className: "zoom steps", role: "group", "aria-label": "Steps" }, this.undoButton, this.redoButton);
		this.cleanup.listen(document, "keydown", (event) => {
			if (!this.element.isConnected || !this.element.checkVisibility()) return;
			const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
			const way = key === "y" || (key === "z" && event.shiftKey) ? "redo" : key === "z" ? "undo" : null;
			const isControl = event.ctrlKey || event.metaKey;
			if (isControl && way) this.step(way);
			else if (!this.key(event, key, isControl)) return;
			event.preventDefault();
		});
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
		this.canvasView.show();
	}

	remove() {
		this.cleanup.run();
	}
}
