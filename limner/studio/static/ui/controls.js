// The controls of a form, by the kind that a field declares. Each has `element`, `get()` and `set(value)`.

import { marked } from "../core/form.js";
import { button, el, words } from "./dom.js";
import { AudioControl } from "./audio.js";
import { PhotoControl, PhotosControl } from "./photo.js";

const random = () => Math.floor(Math.random() * 1e6);
const labelled = (title, input, ...more) => el("label", { className: "field" }, el("span", {}, title), ...more, input);

function seed({ title, initial }, { changed }) {
	const input = el("input", { type: "number", min: 0, max: Number.MAX_SAFE_INTEGER, value: initial ?? "", on: { change: changed } });
	const isOptional = initial === undefined;
	const another = button("Another", () => {
		input.value = random();
		changed();
	});
	const element = el("div", { className: "row" }, labelled(title, input), another);
	return { element, get: () => (input.value === "" ? (isOptional ? undefined : 0) : Number(input.value)), set: (value) => (input.value = value ?? "") };
}

function number({ title, schema, initial, isRequired }, { changed }, isWhole) {
	const { minimum, maximum } = schema;
	if (!isWhole || (maximum - minimum <= 64 && initial !== undefined)) {
		const shown = el("output", {}, String(initial ?? minimum));
		const input = el("input", { type: "range", min: minimum, max: maximum, step: isWhole ? 1 : (maximum - minimum) / 100, value: initial ?? minimum });
		input.addEventListener("input", () => (shown.textContent = String(Number(Number(input.value).toFixed(2)))));
		input.addEventListener("change", changed);
		const set = (value) => {
			input.value = value ?? initial ?? minimum;
			shown.textContent = input.value;
		};
		return { element: labelled(title, input, shown), get: () => Number(input.value), set };
	}
	const input = el("input", { type: "number", min: minimum, max: maximum, value: initial ?? "", required: isRequired, on: { change: changed } });
	return { element: labelled(title, input), get: () => (input.value === "" ? undefined : Number(input.value)), set: (value) => (input.value = value ?? "") };
}

function choice({ title, schema, initial }, { changed }) {
	const input = el("select", { on: { change: changed } }, ...schema.enum.map((name) => new Option(words(name), name)));
	input.value = initial ?? schema.enum[0];
	return { element: labelled(title, input), get: () => input.value, set: (value) => (input.value = value ?? initial) };
}

function flag({ title, initial }, { changed }) {
	const input = el("input", { type: "checkbox", checked: Boolean(initial), on: { change: changed } });
	return { element: el("label", { className: "check" }, input, title), get: () => input.checked, set: (value) => (input.checked = Boolean(value)) };
}

function attributes({ title, name }, { changed, weights }) {
	const inputs = weights.attributes.map((one) => el("input", { type: "checkbox", name: one, on: { change: changed } }));
	const element = el("fieldset", { className: "attributes", data: { field: name } }, el("legend", {}, title),
		...inputs.map((input) => el("label", { className: "check" }, input, words(input.name))));
	element.hidden = !inputs.length;
	return {
		element,
		get: () => (inputs.length ? Object.fromEntries(inputs.map((input) => [input.name, input.checked ? 1 : 0])) : undefined),
		set: (value) => inputs.forEach((input) => (input.checked = Boolean(value?.[input.name]))),
	};
}

/** A sentence; words that the weights do not know are marked while it is written. */
function caption({ title, schema, isRequired }, { changed, weights }) {
	const known = weights.words ? new Set(weights.words) : null;
	const input = el("textarea", { rows: 3, maxLength: schema.maxLength, required: isRequired, spellcheck: true, value: weights.example ?? "" });
	const shown = el("p", { className: "marked", "aria-live": "polite" });
	const mark = () => {
		const parts = known ? marked(input.value, known) : [];
		const unknown = parts.filter((part) => part.isUnknown);
		shown.replaceChildren(...(unknown.length ? ["Unknown to these weights and left out: ", ...unknown.flatMap((part, number) => [number ? ", " : "", el("mark", {}, part.text)]), "."] : []));
	};
	let timer;
	input.addEventListener("input", () => {
		mark();
		clearTimeout(timer);
		timer = setTimeout(changed, 400);
	});
	const set = (value) => {
		input.value = value ?? "";
		mark();
	};
	mark();
	return { element: el("div", { className: "caption" }, labelled(title, input), shown), get: () => input.value.replace(/\s+/g, " ").trim(), set, isWide: true };
}

function color({ title, initial }, { changed }) {
	const own = el("input", { type: "color", "aria-label": `${title}: own colour`, on: { change: changed } });
	const input = el("select", { on: { change: () => [own.hidden = input.value !== "own", changed()] } }, ...["black", "white", "own"].map((name) => new Option(name, name)));
	const set = (value) => {
		input.value = /^#/.test(value ?? "") ? "own" : (value ?? initial);
		if (input.value === "own") own.value = value;
		own.hidden = input.value !== "own";
	};
	set(initial);
	return { element: el("div", { className: "row" }, labelled(title, input), own), get: () => (input.value === "own" ? own.value : input.value), set };
}

/** A slider over groups of age. All groups are drawn at once, so that the slider only changes which one is shown. */
function ages({ title, schema }, { changed, pick }) {
	const groups = schema.items?.enum ?? schema.enum;
	const isSeveral = Boolean(schema.items);
	const shown = el("output", {});
	const input = el("input", { type: "range", id: "ages", min: 0, max: groups.length - 1 });
	const all = el("input", { type: "checkbox" });
	const one = () => groups[Number(input.value)];
	const set = (index) => {
		input.value = index;
		shown.textContent = one();
		input.setAttribute("aria-valuetext", one());
	};
	set(Math.floor(groups.length / 2));
	input.addEventListener("input", () => {
		set(input.value);
		if (isSeveral) pick(one());
		else changed();
	});
	const element = el("div", { className: "ages" }, labelled(title, input, shown), isSeveral && el("label", { className: "check" }, all, "keep all of them"));
	return {
		element,
		get: () => (!isSeveral ? one() : all.checked ? groups : [one()]),
		preview: () => (isSeveral ? groups : one()),
		label: (name) => groups.find((group) => name.endsWith(`-${group.replace(/[^\w.-]/g, "_")}`)) ?? "as in the photo",
		shown: (label) => groups.includes(label) && set(groups.indexOf(label)),
		drawn: () => isSeveral && pick(one()),
		set: (value) => set(Math.max(0, groups.indexOf(Array.isArray(value) ? value[0] : value))),
		isWide: true,
	};
}

/** A seed, or a photo whose look is taken. */
function style(field, context) {
	const own = seed({ ...field, title: "seed of the look", initial: undefined }, context);
	const photo = new PhotoControl({ ...field, isRequired: false }, context);
	return {
		element: el("div", {}, photo.element, own.element),
		get: () => photo.get() ?? own.get(),
		set: (value) => (typeof value === "string" ? photo.set(value) : own.set(value)),
	};
}

const KINDS = {
	seed,
	whole: (field, context) => number(field, context, true),
	number: (field, context) => number(field, context, false),
	choice,
	flag,
	attributes,
	caption,
	color,
	audio: (field, context) => new AudioControl(field, context),
	"age-group": ages,
	style,
	photo: (field, context) => new PhotoControl(field, context),
	look: (field, context) => new PhotoControl(field, context),
	photos: (field, context) => new PhotosControl(field, context),
};

/** The control of a field; null for kinds that only an editor can give. */
export function controlOf(field, context) {
	return KINDS[field.control]?.(field, context) ?? null;
}
