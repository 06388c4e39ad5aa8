// Making elements, saying things, and what every part of the page needs.

import { Problem } from "../core/api.js";

/** An element with properties, `on: {event: action}`, attributes for names with a dash, and children. */
export function el(tag, properties = {}, ...children) {
	const made = document.createElement(tag);
	for (const [name, value] of Object.entries(properties)) {
		if (value == null) continue;
		if (name === "on") for (const [event, action] of Object.entries(value)) made.addEventListener(event, action);
		else if (name === "data") Object.assign(made.dataset, value);
		else if (name.includes("-") || name === "role" || name === "for") made.setAttribute(name, value);
		else made[name] = value;
	}
	made.append(...children.filter((child) => child != null && child !== false));
	return made;
}

/** A button; its key, if it has one, is said by its name. */
export function button(text, action, { key, title, ...more } = {}) {
	const keys = key && { title: `${text} (${key})`, "aria-keyshortcuts": key.replace("Ctrl ", "Control+").replace("Shift ", "Shift+") };
	return el("button", { type: "button", ...keys, ...(title && { title }), on: { click: action }, ...more }, text, key && el("kbd", { "aria-hidden": "true" }, key));
}

export const press = (one, isOn) => one.setAttribute("aria-pressed", isOn);
export const isPressed = (one) => one.getAttribute("aria-pressed") === "true";

/** Show which of some buttons is chosen, by a name in their data. */
export const pressOne = (buttons, key, name) => buttons.forEach((one) => press(one, one.dataset[key] === name));

export function toggle(text, change, options = {}) {
	const made = button(text, () => made.flip(), options);
	made.flip = () => {
		press(made, !isPressed(made));
		change(isPressed(made));
	};
	press(made, false);
	return made;
}

/** What a template of the page holds. */
export const fromPage = (id) => document.getElementById(id).content.cloneNode(true);

export const isSure = (what) => confirm(`Delete ${what}? This cannot be undone.`);

export const download = (href, text, name = "") => el("a", { className: "button", href, download: name }, text);
export const row = (...children) => el("div", { className: "row" }, ...children);
/** A slider; a touch that becomes a swipe of the page gives its value back. */
export function range(properties, input, change = () => {}) {
	let before;
	const made = el("input", { type: "range", ...properties, on: { input, change,
		pointerdown: () => (before = made.value),
		pointercancel: () => [(made.value = before), input()],
	} });
	return made;
}
/** A slider that parts two pictures which lie over each other: right of it the upper one is seen. */
export function parting(upper) {
	const part = () => (upper.style.clipPath = `inset(0 0 0 ${slider.value}%)`);
	const slider = range({ min: 0, max: 100, value: 50, "aria-label": "Where the two pictures meet" }, part);
	part();
	return slider;
}

export const link = (href, text, isHere, properties) => el("a", { href, ...(isHere && { "aria-current": "page" }), ...properties }, text);
export const toolbar = (...children) => el("div", { className: "tools", role: "toolbar", "aria-label": "Tools" }, ...children);
export const save = (href, download) => el("a", { href, download }).click();
export const random = () => Math.floor(Math.random() * 1e6);

/** A box to tick, and what it means. */
export const check = (box, text) => el("label", { className: "check" }, box, el("span", {}, text));

/** A part of a form with its title, for the field of this name. */
export const group = (className, title, field, ...children) =>
	el("div", { className, role: "group", "aria-label": title, data: { field } }, el("span", { className: "name" }, title), ...children);

/** Say something in the line that screen readers read too. */
export function say(text, isProblem = false) {
	const line = document.getElementById("status");
	line.textContent = text;
	line.classList.toggle("problem", isProblem);
}

/** Say how far something is, unless a problem stands there: that stays until something is changed. */
export const tell = (text) => document.querySelector("#status.problem") ?? say(text);

/** An action whose refusals are said in their own sentence. */
export function guarded(action) {
	return async (...given) => {
		try {
			return await action(...given);
		} catch (error) {
			say(error instanceof Problem ? error.message : `The page has a fault: ${error.message}`, true);
			if (!(error instanceof Problem)) console.error(error);
		}
	};
}

export const words = (name) => name.replaceAll("_", " ");

export async function loaded(url) {
	const image = new Image();
	image.src = url;
	await image.decode();
	return image;
}

/** The pixels of a picture, four bytes each. */
export function pixelsOf(image) {
	const reader = new OffscreenCanvas(image.naturalWidth, image.naturalHeight).getContext("2d");
	reader.drawImage(image, 0, 0);
	return reader.getImageData(0, 0, image.naturalWidth, image.naturalHeight);
}

/** Take files that are dropped on an element. */
export function takesFiles(element, opened) {
	for (const kind of ["dragover", "dragleave", "drop"]) {
		element.addEventListener(kind, (event) => {
			event.preventDefault();
			element.classList.toggle("over", kind === "dragover");
			if (kind === "drop" && event.dataTransfer.files[0]) guarded(opened)(event.dataTransfer.files[0]);
		});
	}
}

/** Keep what the form of an operation holds, for when it is opened next, and take it. */
export const remember = (system, operation, values) => localStorage.setItem(`limner:${system}/${operation}`, JSON.stringify(values));
export const recall = (system, operation) => JSON.parse(localStorage.getItem(`limner:${system}/${operation}`) ?? "{}");
export const go = (...parts) => (location.hash = `#/${parts.filter(Boolean).map(encodeURIComponent).join("/")}`);

/** Open an operation with other values; what its form held can be brought back. */
export function open(system, operation, values, weights) {
	remember(system, operation, { ...values, former: recall(system, operation) });
	go(system, operation, weights);
}

/** Whether somebody writes into this. */
export const isWriting = (target) => /^(input|select|textarea)$/i.test(target.tagName) && !/^(checkbox|radio|range)$/.test(target.type);
