// The page of an operation: its editor on the left, what is drawn on the right, the rest of its form beside them.

import * as api from "../core/api.js";
import { bodyOf, fieldsOf, hasEffect, missing, stageOf } from "../core/form.js";
import { controlOf } from "./controls.js";
import { button, el, guarded, pressOne, recall, remember, row, say, tell } from "./dom.js";
import { EDITORS } from "./editors.js";
import { ResultView } from "./result.js";

const PAUSE = 120; // milliseconds between two previews while somebody paints
const REST = 1000; // after which the state is kept

export class OperationPage {
	/** @param {object} options  system and operation as the API describes them, weights: which of the system's */
	constructor({ system, operation, weights, kept }) {
		Object.assign(this, { system, operation, weights, kept });
		kept.compare = (result) => this.compare(result);
		this.life = new AbortController();
		const { signal } = this.life;
		this.fields = fieldsOf(operation);
		this.controls = {};
		this.isReady = false;
		this.wanted = this.busy = false;
		const main = stageOf(this.fields);
		const context = { system, weights, fields: this.fields, changed: () => this.changed(), pick: (label) => this.result.pickLabel(label), signal };
		const make = main && EDITORS[main.control];
		this.editor = make ? make(main, context) : null;
		Object.assign(this.controls, this.editor?.controls);
		for (const field of this.fields) {
			if (this.controls[field.name]) continue;
			const control = controlOf(field, { ...context, used: (id, person) => this.editor?.used?.(field.name, id, person) });
			if (control) this.controls[field.name] = control;
		}
		const label = Object.values(this.controls).find((control) => control.label)?.label;
		const shown = (text) => Object.values(this.controls).forEach((control) => control.shown?.(text));
		this.result = new ResultView({ system: system.name, label, picked: shown, signal });
		this.element = this.#layout();
	}

	remove() {
		clearTimeout(this.timer);
		this.life.abort();
	}

	get isGone() {
		return this.life.signal.aborted;
	}

	#layout() {
		const side = this.fields.map((field) => this.controls[field.name]).filter((control) => control && !this.editor?.owns?.(control) && control.element);
		this.keepButton = button("Keep", guarded(() => this.keep()), { id: "keep", className: "main" });
		this.cancelButton = button("Cancel", guarded(() => this.cancel()), { id: "cancel" });
		this.cancelButton.hidden = true;
		const wide = side.filter((control) => control.isWide);
		const rest = side.filter((control) => !control.isWide);
		this.result.mini = el("img", { alt: "", className: "mini" });
		const views = Object.entries({ map: "Input", both: "Both", result: "Result" }).map(([view, text]) => button(text, () => this.#view(view, true), { data: { view } }));
		pressOne(views, "view", "map");
		views[2].append(this.result.mini);
		return el("div", { className: "operation", data: { view: "map", stage: this.editor?.kind ?? "none" }, on: { click: ({ target }) => this.#toInput(target) } },
			this.editor?.tools ?? el("div", { className: "tools none" }),
			el("div", { className: "squares" }, el("section", { className: "input", "aria-label": "Input" }, this.editor?.element ?? ""), this.result.element),
			el("div", { className: "views", role: "group", "aria-label": "What is shown" }, ...views),
			el("div", { className: "below" }, ...wide.map((control) => control.element), this.editor?.below ?? ""),
			el("section", { className: "side", "aria-label": "Choices" }, ...rest.map((control) => control.element),
				row(this.keepButton, this.cancelButton, ...(this.editor?.actions ?? []))));
	}

	#view(name, isChosen = false) {
		this.isViewChosen ||= isChosen;
		this.element.dataset.view = name;
		pressOne(this.element.querySelectorAll(".views button"), "view", name);
	}

	#toInput(target) {
		if (this.element.dataset.view === "result" && target.closest("[data-tool], [data-side], .chips")) this.#view("map");
	}

	/** Lay a kept result over what is drawn. */
	compare(result) {
		this.result.compare(result);
		if (this.element.dataset.view === "map") this.#view("result"); // on a narrow screen
		this.result.element.scrollIntoView({ block: "nearest" });
	}

	async start() {
		const before = await this.#remembered();
		const { name } = stageOf(this.fields) ?? {};
		const map = before.former?.[name]; // what Open replaced: Undo brings it back
		if (map && this.editor?.kind === "map" && (await api.hasAsset(map))) await this.controls[name].set(map);
		for (const [name, value] of Object.entries(before)) await this.controls[name]?.set(value);
		await this.editor?.start?.(before);
		for (const field of this.fields) {
			const control = this.controls[field.name];
			if (field.isRequired && control?.roll && !control.get()?.length) await control.roll();
		}
		if (Object.keys(before.former ?? {}).length) this.cancelButton.after(button("Undo opening", () => {
			remember(this.system.name, this.operation.name, before.former);
			dispatchEvent(new Event("hashchange"));
		}, { id: "former", title: "Bring back what was here before" }));
		this.isReady = true;
		this.changed();
	}

	async #remembered() {
		try {
			const found = recall(this.system.name, this.operation.name);
			for (const [name, value] of Object.entries(found)) {
				const ids = [value].flat().filter(api.isId);
				if (!(await Promise.all(ids.map(api.hasAsset))).every(Boolean)) delete found[name];
			}
			return found;
		} catch {
			return {};
		}
	}

	#remember(values) {
		clearTimeout(this.timer);
		this.timer = setTimeout(() => this.isGone || remember(this.system.name, this.operation.name, values), REST);
	}

	async #body(mode) {
		const values = {};
		for (const [name, control] of Object.entries(this.controls)) {
			values[name] = mode === "preview" && control.preview ? await control.preview() : await control.get();
		}
		for (const field of this.fields) this.controls[field.name]?.element?.classList.toggle("unused", !hasEffect(field, values));
		return bodyOf(this.fields, values);
	}

	/** Something was changed: draw what is now wanted, the newest alone. */
	changed() {
		say("");
		if (this.isReady && !this.isGone) this.preview();
	}

	preview = guarded(async () => {
		this.wanted = true;
		if (this.busy) return;
		this.busy = true;
		try {
			while (this.wanted && !this.isGone) {
				this.wanted = false;
				await this.#draw();
				await new Promise((done) => setTimeout(done, PAUSE));
			}
		} finally {
			this.busy = false;
		}
	});

	async #draw() {
		const begun = performance.now();
		const job = await this.#ask("preview");
		this.#remember(await this.#body("keep"));
		if (!job || this.isGone) return;
		this.result.show(job);
		if (this.editor?.kind === "photo" && !this.isViewChosen) this.#view("result"); // on a narrow screen
		for (const control of Object.values(this.controls)) control.drawn?.();
		this.editor?.drawn?.(job);
		tell(`drawn in ${((performance.now() - begun) / 1000).toFixed(1)} s`);
	}

	async #ask(mode) {
		const body = await this.#body(mode);
		const lacking = missing(this.fields, body);
		if (lacking.length) return say((this.result.empty.textContent = `Give ${lacking.join(" and ")} to begin.`), mode === "keep");
		try {
			return await api.draw(this.system.name, this.operation.name, { mode, view: "page", weights: this.weights.name, ...body }, (job) => this.#waiting(job, mode));
		} catch (error) {
			if (!this.isGone || mode === "keep") throw error;
		} finally {
			this.job = null;
			this.cancelButton.hidden = true;
		}
	}

	#waiting(job, mode) {
		if (this.isGone) return;
		this.job = job;
		this.cancelButton.hidden = false;
		const { state, position, progress } = job;
		const waiting = position ? `, number ${position}` : "…";
		const doing = progress > 0 ? `, ${Math.round(100 * progress)} % done` : "…";
		tell(state === "queued" ? `waiting${waiting}` : `${mode === "keep" ? "keeping" : "drawing"}${doing}`);
	}

	async cancel() {
		if (this.job) await api.cancel(this.job.id);
		say("cancelled");
	}

	async keep() {
		say("keeping…");
		if (!(await this.#ask("keep"))) return;
		await this.kept.show();
		say("kept");
	}
}
