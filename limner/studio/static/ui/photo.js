// Photos: dropped, chosen, pasted, or people that code drew.

import * as api from "../core/api.js";
import { button, el, group, guarded, random, row, takesFiles } from "./dom.js";

const shows = (field) => field.schema["x-shows"] ?? "face";
const PICTURES = "image/png,image/jpeg,image/webp";

/** A file of the user as an asset. */
async function uploadPhoto(file) {
	if (!PICTURES.split(",").includes(file.type)) throw new api.Problem(`${file.name} is no PNG, JPEG or WebP picture.`);
	return api.upload(file, { kind: "photo", name: file.name });
}

export function fileButton(text, accept, opened) {
	const change = guarded(async () => {
		const [file] = input.files;
		input.value = "";
		if (file) await opened(file);
	});
	const input = el("input", { type: "file", accept, className: "unseen", on: { change } });
	return el("label", { className: "button" }, text, input);
}

export class PhotoControl {
	constructor(field, { changed, used = () => {} }) {
		Object.assign(this, { field, changed, used });
		this.image = el("img", { alt: "", hidden: true });
		this.hint = el("span", { className: "hint" }, "Drop here");
		this.clear = button("×", () => this.take(undefined), { "aria-label": `Remove ${field.title}`, title: "Remove" });
		this.clear.hidden = true;
		const opened = async (file) => this.take((await uploadPhoto(file)).id, file.name);
		this.buttons = row(
			fileButton("Open", PICTURES, opened),
			button("Person", guarded(() => this.roll()), { title: "A person that code drew", "aria-label": `Person for ${field.title}` }),
			!field.isRequired && this.clear);
		this.target = el("div", { className: "drop" }, this.image, this.hint);
		this.element = group("photo", field.title, field.name, this.target, this.buttons);
		takesFiles(this.element, opened);
	}

	async roll() {
		const person = await api.person(shows(this.field), random());
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
		this.image.hidden = this.clear.hidden = !id;
		this.hint.hidden = id;
		if (id) Object.assign(this.image, { src: api.assetUrl(id), alt: `${this.field.title}${name ? `: ${name}` : ""}` });
		else this.image.removeAttribute("src");
	}
}

export class PhotosControl {
	constructor(field, { changed }) {
		Object.assign(this, { field, changed, ids: [] });
		this.list = el("ul", { className: "thumbs" });
		this.most = field.schema.maxItems;
		const opened = async (file) => this.#add((await uploadPhoto(file)).id);
		this.element = group("photos", field.title, field.name, this.list,
			row(fileButton("Add", PICTURES, opened),
				button("People", guarded(() => this.roll()), { title: "Four people that code drew" })));
	}

	async roll() {
		const ids = [...this.ids];
		for (let number = 0; number < 4; number++) ids.push((await api.person(shows(this.field), random())).photo.id);
		this.#take([...new Set(ids)].slice(0, this.most));
	}

	#take(ids) {
		this.set(ids);
		this.changed();
	}

	#add(id) {
		if (this.ids.length >= this.most) throw new api.Problem(`${this.field.title}: at most ${this.most}.`);
		this.#take([...this.ids, id]);
	}

	get() {
		return this.ids;
	}

	set(ids) {
		this.ids = [...(ids ?? [])];
		this.list.replaceChildren(...this.ids.map((id, number) => el("li", {},
			el("img", { src: api.assetUrl(id), alt: `${this.field.title} ${number + 1}` }),
			button("×", () => this.#take(this.ids.filter((one) => one !== id)), { "aria-label": `Remove ${this.field.title} ${number + 1}` }))));
	}
}
