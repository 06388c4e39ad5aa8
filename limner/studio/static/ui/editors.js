// The editors that stand in the large square, by the kind of the field that they give.

import * as api from "../core/api.js";
import { LabelMap } from "../core/label-map.js";
import { controlOf } from "./controls.js";
import { button, el, guarded, pressOne, random, range, row, save } from "./dom.js";
import { MapEditor } from "./map-editor.js";
import { PhotoControl, fileButton } from "./photo.js";
import { PoseEditor } from "./pose-editor.js";

function mapFiles(editor) {
	const open = fileButton("Open map", "image/png", (file) => editor.openFile(file));
	editor.onOpen = () => open.querySelector("input").click();
	editor.onSave = guarded(async () => save(api.assetUrl(await editor.asset()), "label-map.png"));
	return [open, button("Save map", editor.onSave, { id: "export" })];
}

function labelMap(field, { weights, changed, signal }) {
	const editor = new MapEditor({ weights, changed, signal });
	const roll = async () => {
		const found = await api.person("face", random());
		if (found.label_map.schema !== weights.schema.name) return changed(); // an empty map
		await editor.open(api.assetUrl(found.label_map.id), found.name);
	};
	return {
		kind: "map",
		controls: { [field.name]: { get: () => editor.asset(), set: (id) => editor.open(api.assetUrl(id), editor.name) } },
		element: editor.element,
		tools: editor.tools,
		below: editor.classes,
		actions: [button("New map", guarded(roll), { id: "person" }), ...mapFiles(editor)],
		start: async () => {
			editor.choose(editor.chosen); // now that it can be brought into view
			if (!editor.isOpened) await roll();
		},
	};
}

/** The classes of a mask. */
const SUBJECT = { name: "subject", classes: ["background", "subject"], palette: [[0, 0, 0], [255, 255, 255]] };

/** A photo in the square; where the operation takes a repainted map or a mask of it, that is painted over the photo. */
function photo(field, context) {
	const isMap = (one) => (one.control === "label-map" && context.weights.schema) || one.schema["x-shows"] === "mask";
	const mapField = context.fields.find((one) => isMap(one) && !one.isRequired);
	if (mapField) return new PhotoWithMap(field, mapField, context);
	const control = new PhotoControl(field, context);
	return { kind: "photo", controls: { [field.name]: control }, element: control.element, owns: (one) => one === control };
}

class PhotoWithMap {
	kind = "photo-map";

	constructor(field, mapField, { weights, changed, signal }) {
		this.isMask = mapField.control === "photo";
		this.name = this.isMask ? "mask.png" : "repainted.png";
		this.map = new MapEditor({ weights: this.isMask ? { ...weights, schema: SUBJECT, titles: SUBJECT.classes } : weights, changed: () => this.#painted(), isMask: this.isMask, signal });
		this.changed = changed;
		this.photo = new PhotoControl(field, { changed, used: () => this.#another() });
		this.isPainted = false;
		this.isFound = this.isMask; // a mask begins empty
		this.map.opacity = 0.6;
		this.controls = {
			[field.name]: this.photo,
			[mapField.name]: {
				get: () => (this.isPainted ? this.map.asset() : undefined),
				set: async (id) => {
					await this.#lay();
					this.isFound = false;
					await this.map.open(api.assetUrl(id), this.name);
					this.isPainted = this.isFound = true;
				},
			},
		};
		this.opacity = range({ min: 0, max: 1, step: 0.05, value: 0.6 }, () => {
			this.map.opacity = Number(this.opacity.value);
			this.map.show();
		});
		const [own, repaint] = this.isMask ? ["No mask", "Mark its subject"] : ["Its own map", "Repaint its map"];
		this.forget = button(own, () => this.#another(true), { id: "own-map", title: "Give what was painted up" });
		this.tabs = ["Photo", repaint].map((text) => button(text, () => this.show(text), { data: { side: text } }));
		this.element = el("div", { className: "sides" }, this.photo.element, this.map.element,
			el("div", { className: "row under" }, ...this.tabs, el("label", { className: "field opacity" }, el("span", {}, "photo over it"), this.opacity)));
		this.tools = this.map.tools;
		this.below = this.map.classes;
		this.actions = [this.forget, ...mapFiles(this.map)];
		this.show("Photo");
	}

	owns(control) {
		return control === this.photo;
	}

	show(which) {
		const isMap = which !== "Photo";
		this.photo.element.hidden = isMap;
		for (const one of [this.map.element, this.tools, this.below, this.opacity.parentElement, ...this.actions]) one.hidden = !isMap;
		pressOne(this.tabs, "side", which);
		this.map.show();
	}

	#painted() {
		if (!this.isFound) return; // the map that was found is shown, nobody painted
		this.isPainted = true;
		this.changed();
	}

	#another(asks = false) {
		this.isPainted = false;
		this.isFound = this.isMask;
		if (this.isMask) this.map.setMap(new LabelMap(this.map.side));
		if (asks) this.changed();
	}

	async #lay() {
		const id = this.photo.get();
		if (id === this.laid) return;
		await this.map.lay(id && api.assetUrl(id));
		this.laid = id;
	}

	/** A preview came: show the map that was found in the photo. */
	drawn(job) {
		guarded(async () => {
			await this.#lay();
			if (!job.result.label_map || this.isPainted) return;
			this.isFound = false;
			await this.map.open(job.result.label_map, this.name);
			this.isFound = true;
		})();
	}
}

function caption(field, context) {
	const control = controlOf(field, context);
	const caption = async () => (await api.person("face", random())).captions[0];
	control.roll = async () => {
		const found = await caption();
		if (!control.get()) control.set(found); // unless somebody wrote in the meantime
	};
	const another = button("Another", guarded(async () => [control.set(await caption()), context.changed()]), { title: "What somebody that code drew looks like" });
	return { kind: "caption", controls: { [field.name]: control }, element: el("div", { className: "stage paper" }, control.element, another), owns: (one) => one === control };
}

/** A pose that is wanted, over the photo; beside it the pose in the photo, if the operation takes one. */
function keypoints(field, { weights, fields, changed, signal }) {
	const own = fields.filter((one) => one.control === "keypoints");
	const editor = new PoseEditor({ schema: weights.keypoints, fields: own, changed, signal });
	const photos = fields.filter((one) => one.control === "photo" && one.isRequired).map((one) => one.name);
	const source = own.find((one) => !one.isRequired)?.name;
	return {
		kind: "pose",
		controls: Object.fromEntries(own.map((one) => [one.name, editor.control(one.name)])),
		element: editor.element,
		tools: editor.tools,
		actions: [fileButton("Open pose", "application/json", async (file) => {
			const { id } = await api.upload(new Blob([file], { type: "application/json" }), { kind: "keypoints", name: file.name });
			await editor.openPose(id, file.name);
			changed();
		}), button("Save pose", () => {
			const url = URL.createObjectURL(api.jsonFile(editor.figure.toPose()));
			save(url, "pose.json");
			URL.revokeObjectURL(url);
		})],
		used: guarded(async (name, id, person) => {
			if (!photos.includes(name)) return;
			if (source) { // at once, for the next picture
				if (person?.keypoints) editor.setPose(source, person.keypoints.pose);
				else editor.figures[source] = null;
			}
			await editor.setBackdrop(id && api.assetUrl(id));
		}),
		start: async (before) => {
			const shown = photos.map((name) => before[name]).find(Boolean);
			if (shown) await editor.setBackdrop(api.assetUrl(shown));
			if (!editor.figures[field.name]) await editor.roll(field.name);
		},
	};
}

export const EDITORS = { "label-map": labelMap, photo, caption, keypoints };
