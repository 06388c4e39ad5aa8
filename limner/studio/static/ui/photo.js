// Photos: dropped, chosen, pasted, or people that code drew.

import * as api from "../core/api.js";
import { button, el, guarded, takesFiles } from "./dom.js";

const PICTURES = "image/png,image/jpeg,image/webp";

/** A file of the user as an asset. */
export async function uploadPhoto(file) {
	if (!PICTURES.split(",").includes(file.type)) throw new api.Problem(`${file.name} is no PNG, JPEG or WebP picture.`);
	return api.upload(file, { kind: "photo", name: file.name.slice(0, 100) });
}

export function fileButton(text, accept, opened) {
	const input = el("input", { type: "file", accept, className: "unseen" });
	input.addEventListener("change", guarded(async () => {
		const [file] = input.files;
		input.value = "";
		if (file) await opened(file);
	}));
	return el("label", { className: "button" }, text, input);
}

export class PhotoControl {
	constructor(field, { changed, used }) {
		this.field = field;
		this.kind = field.schema["x-shows"] ?? "face";
		this.changed = changed;
		this.used = used ?? (() => {});
		this.id = undefined;
		this.image = el("img", { alt: "", hidden: true });
		this.hint = el("span", { className: "hint" }, "Drop here");
		this.clear = button("×", () => this.take(undefined), { "aria-label": `Remove ${field.title}`, title: "Remove" });
		this.clear.hidden = true;
		const opened = async (file) => this.take((await uploadPhoto(file)).id, file.name);
		this.buttons = el("div", { className: "row" },
			fileButton("Open", PICTURES, opened),
			this.kind !== "mask" && button("Person", guarded(() => this.roll()), { title: "A person that code drew", "aria-label": `Person for ${field.title}` }),
			!field.isRequired && this.clear);
		this.target = el("div", { className: "drop" }, this.image, this.hint);
		this.element = el("div", { className: "photo", role: "group", "aria-label": field.title, data: { field: field.name } },
			el("span", { className: "name" }, field.title), this.target, this.buttons);
		takesFiles(this.element, opened);
	}

	async roll(seed = Math.floor(Math.random() * 1e6)) {
		const person = await api.person(this.kind, seed);
		this.take(person.photo.id, person.name, person);
	}

	take(id, name = "", person = null) {
		this.set(id, name);
		this.used(id, person);
		this.changed();
	}

	get() {
		return this.id;
	}

	set(id, name = "") {
		this.id = id;
		this.image.hidden = !id;
		this.hint.hidden = Boolean(id);
		this.clear.hidden = !id;
		if (id) Object.assign(this.image, { src: api.assetUrl(id), alt: `${this.field.title}${name ? `: ${name}` : ""}` });
		else this.image.removeAttribute("src");
	}
}

export class PhotosControl {
	constructor(field, { changed }) {
		this.field = field;
		this.changed = changed;
		this.ids = [];
		this.list = el("ul", { className: "thumbs" });
		this.most = field.schema.maxItems;
		const opened = async (file) => this.#add((await uploadPhoto(file)).id);
		this.element = el("div", { className: "photos", role: "group", "aria-label": field.title, data: { field: field.name } },
			el("span", { className: "name" }, field.title), this.list,
			el("div", { className: "row" }, fileButton("Add", PICTURES, opened),
				button("People", guarded(() => this.roll(4)), { title: "Four people that code drew" })));
	}

	async roll(count = 4) {
		for (let number = 0; number < count; number++) {
			const person = await api.person(this.field.schema["x-shows"] ?? "face", Math.floor(Math.random() * 1e6));
			if (!this.ids.includes(person.photo.id) && this.ids.length < this.most) this.ids.push(person.photo.id);
		}
		this.set(this.ids);
		this.changed();
	}

	#add(id) {
		if (this.ids.length >= this.most) throw new api.Problem(`${this.field.title}: at most ${this.most}.`);
		this.set([...this.ids, id]);
		this.changed();
	}

	get() {
		return this.ids;
	}

	set(ids) {
		this.ids = [...(ids ?? [])];
		this.list.replaceChildren(...this.ids.map((id, number) => el("li", {},
			el("img", { src: api.assetUrl(id), alt: `${this.field.title} ${number + 1}` }),
			button("×", () => {
				this.set(this.ids.filter((one) => one !== id));
				this.changed();
			}, { "aria-label": `Remove ${this.field.title} ${number + 1}` }))));
	}
}
