// The controls of a form, by the kind that a field declares. Each has `element`, `get()` and `set(value)`.

import { unknownWords } from "../core/form.js";
import { button, check, el, random, range, row, words } from "./dom.js";
import { AudioControl } from "./audio.js";
import { PhotoControl, PhotosControl } from "./photo.js";

const labelled = (title, input, ...more) => el("label", { className: "field" }, el("span", {}, title), ...more, input);

const entry = (properties, change) => el("input", { ...properties, on: { change } });

/** A control of one input; `told` makes a value of its text, and without text there is none. */
function single(title, input, told, usual = "", ...more) {
	const get = () => (input.value === "" ? undefined : told(input.value));
	return { element: labelled(title, input, ...more), get, set: (value) => (input.value = value ?? usual) };
}

function seed({ title, initial }, { changed }) {
	const { element, get, set } = single(title, entry({ type: "number", min: 0, max: 2 ** 53 - 1, value: initial }, changed), Number);
	const another = button("Another", () => [set(random()), changed()]);
	return { element: row(element, another), get: () => get() ?? (initial === undefined ? undefined : 0), set };
}

function number({ title, schema: { minimum: min, maximum: max }, initial, isRequired }, { changed }, isWhole) {
	if (isWhole && (max - min > 64 || initial === undefined)) return single(title, entry({ type: "number", min, max, value: initial, required: isRequired }, changed), Number);
	const shown = el("output");
	const show = () => (shown.textContent = Number((+slider.value).toFixed(2)));
	const slider = range({ min, max, step: isWhole ? 1 : (max - min) / 100, value: initial ?? min }, show, changed);
	show();
	const control = single(title, slider, Number, initial ?? min, shown);
	return { ...control, set: (value) => [control.set(value), show()] };
}

function choice({ title, schema, initial }, { changed }) {
	const input = el("select", { on: { change: changed } }, ...schema.enum.map((name) => new Option(words(name), name)));
	input.value = initial ?? schema.enum[0];
	return single(title, input, String, input.value);
}

function flag({ title, initial }, { changed }) {
	const input = entry({ type: "checkbox", checked: initial }, changed);
	return { element: check(input, title), get: () => input.checked, set: (value) => (input.checked = value) };
}

function attributes({ title, name }, { changed, weights }) {
	const inputs = weights.attributes.map((one) => entry({ type: "checkbox", name: one }, changed));
	const element = el("fieldset", { className: "attributes", data: { field: name } }, el("legend", {}, title),
		...inputs.map((input) => check(input, words(input.name))));
	element.hidden = !inputs.length;
	return {
		element,
		get: () => (inputs.length ? Object.fromEntries(inputs.map((input) => [input.name, input.checked ? 1 : 0])) : undefined),
		set: (value) => inputs.forEach((input) => (input.checked = value?.[input.name])),
	};
}

/** A sentence; words that the weights do not know are marked while it is written. */
function caption({ title, schema, isRequired }, { changed, weights }) {
	const known = weights.words ? new Set(weights.words) : null;
	const input = el("textarea", { rows: 3, maxLength: schema.maxLength, required: isRequired, spellcheck: true, value: weights.example });
	const shown = el("p", { className: "marked", "aria-live": "polite" });
	const mark = () => {
		const unknown = known ? unknownWords(input.value, known) : [];
		shown.replaceChildren(...(unknown.length ? ["Unknown to these weights and left out: ", ...unknown.flatMap((word, number) => [number ? ", " : "", el("mark", {}, word)]), "."] : []));
	};
	let timer;
	input.oninput = () => {
		mark();
		clearTimeout(timer);
		timer = setTimeout(changed, 400);
	};
	const set = (value) => [(input.value = value ?? ""), mark()];
	mark();
	return { element: el("div", { className: "caption" }, labelled(title, input), shown), get: () => input.value.replace(/\s+/g, " ").trim(), set, isWide: true };
}

function color({ title, initial }, { changed }) {
	const own = entry({ type: "color", "aria-label": `${title}: own colour` }, changed);
	const input = el("select", { on: { change: () => [own.hidden = !isOwn(), changed()] } }, ...["black", "white", "own"].map((name) => new Option(name)));
	const isOwn = () => input.value === "own";
	const set = (value) => {
		input.value = /^#/.test(value ?? "") ? "own" : (value ?? initial);
		if (isOwn()) own.value = value;
		own.hidden = !isOwn();
	};
	set(initial);
	return { element: row(labelled(title, input), own), get: () => (isOwn() ? own : input).value, set };
}

/** A slider over groups of age. All groups are drawn at once, so that the slider only changes which one is shown. */
function ages({ title, schema }, { changed, pick }) {
	const groups = schema.items?.enum ?? schema.enum;
	const isSeveral = !!schema.items;
	const shown = el("output");
	const input = range({ id: "ages", min: 0, max: groups.length - 1 }, () => {
		set(input.value);
		if (isSeveral) pick(one());
		else changed();
	});
	const all = el("input", { type: "checkbox" });
	const one = () => groups[Number(input.value)];
	const set = (index) => {
		input.value = index;
		shown.textContent = one();
		input.setAttribute("aria-valuetext", one());
	};
	set(groups.length >> 1);
	const element = el("div", { className: "ages" }, labelled(title, input, shown), isSeveral && check(all, "keep all of them"));
	return {
		element,
		get: () => (!isSeveral ? one() : all.checked ? groups : [one()]),
		preview: () => (isSeveral ? groups : one()),
		label: (name) => groups.find((group) => name.endsWith(`-${group.replace(/[^\w.-]/g, "_")}`)) ?? "as in the photo",
		shown: (label) => groups.includes(label) && set(groups.indexOf(label)),
		drawn: () => isSeveral && pick(one()),
		set: (value) => set(Math.max(0, groups.indexOf([value].flat()[0]))),
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

const made = (Control) => (...given) => new Control(...given);
const KINDS = {
	seed,
	whole: (...given) => number(...given, true),
	number,
	choice,
	flag,
	attributes,
	caption,
	phrase: ({ title, schema: { maxLength }, isRequired: required }, { changed }) => single(title, entry({ maxLength, required }, changed), String),
	color,
	audio: made(AudioControl),
	"age-group": ages,
	style,
	photo: made(PhotoControl),
	look: made(PhotoControl),
	photos: made(PhotosControl),
};

/** The control of a field; null for kinds that only an editor can give. */
export function controlOf(field, context) {
	return KINDS[field.control]?.(field, context) ?? null;
}
