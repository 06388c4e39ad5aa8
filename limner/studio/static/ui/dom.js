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
	const made = el("button", { type: "button", title: title ?? (key ? `${text} (${key})` : null), on: { click: action }, ...more }, text);
	if (key) made.append(el("kbd", { "aria-hidden": "true" }, key));
	if (key) made.setAttribute("aria-keyshortcuts", key.replace("Ctrl ", "Control+").replace("Shift ", "Shift+"));
	return made;
}

export function toggle(text, change, options = {}) {
	const made = button(text, () => set(!isOn()), options);
	const isOn = () => made.getAttribute("aria-pressed") === "true";
	const set = (value) => {
		made.setAttribute("aria-pressed", String(value));
		change(value);
	};
	made.setAttribute("aria-pressed", "false");
	made.flip = () => set(!isOn());
	return made;
}

/** Say something in the line that screen readers read too. */
export function say(text, isProblem = false) {
	const line = document.getElementById("status");
	line.textContent = text;
	line.classList.toggle("problem", isProblem);
}

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

/** A name as people write it. */
export const words = (name) => name.replaceAll("_", " ");

/** A picture from an address, decoded. */
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

/** Keep what the form of an operation holds, for when it is opened next. */
export const remember = (system, operation, values) => localStorage.setItem(`limner:${system}/${operation}`, JSON.stringify(values));

/** Whether somebody writes into this. */
export const isWriting = (target) => /^(input|select|textarea)$/i.test(target.tagName) && !/^(checkbox|radio|range)$/.test(target.type);

/** Parts that a page set up and must take down: listeners of the document, observers. */
export function cleanup() {
	const actions = [];
	return {
		add: (action) => actions.push(action),
		listen: (target, event, action, options) => {
			target.addEventListener(event, action, options);
			actions.push(() => target.removeEventListener(event, action, options));
		},
		run: () => actions.splice(0).forEach((action) => action()),
	};
}
