// The page: the header, and which part is shown by the address.

import * as api from "../core/api.js";
import { activities, routeOf } from "../core/form.js";
import { el, go, guarded, link, say } from "./dom.js";
import { KeptRow } from "./kept.js";
import { galleryPage } from "./gallery.js";
import { OperationPage } from "./operation.js";
import { aboutPage, peoplePage, reportsPage } from "./pages.js";

const main = document.querySelector("main");
const kept = new KeptRow();
let all = [];
let page = null;
let turn = 0;

/** The pages beside the operations. */
const PAGES = {
	gallery: { title: "Gallery", make: galleryPage },
	people: { title: "People", make: peoplePage },
	reports: { title: "Reports", make: reportsPage },
	about: { title: "About", make: aboutPage },
};

function navigation(here) {
	const links = activities(all).map(({ title, systems, canDraw }) => {
		const [first] = systems;
		const isHere = systems.some((one) => one.name === here);
		return link(`#/${first.name}/${first.operations[0]}`, title, isHere, canDraw ? {} : { className: "missing", title: first.missing });
	});
	const others = Object.entries(PAGES).map(([name, { title }]) => link(`#/${name}`, title, name === here, { className: "other" }));
	document.getElementById("navigation").replaceChildren(...links, ...others);
	document.querySelector("#navigation [aria-current]").scrollIntoView({ inline: "center", block: "nearest" });
}

/** The line above an operation: which system, which weights, which of its operations. */
function choices(system, operation, weights) {
	const { systems } = activities(all).find((one) => one.systems.some((found) => found.name === system.name));
	const options = systems.map((one) => Object.assign(new Option(one.name), { disabled: !one.weights.length, title: one.missing ?? "" }));
	const chosen = el("select", { id: "system", on: { change: () => go(chosen.value, all.find((one) => one.name === chosen.value).operations[0]) } }, ...options);
	chosen.value = system.name;
	const which = el("select", { id: "weights", on: { change: () => go(system.name, operation.name, which.value) } }, ...system.weights.map((one) => new Option(one.name)));
	if (weights) which.value = weights.name;
	const tabs = system.operations.map((one) => link(`#/${system.name}/${one.name}`, one.title, one === operation, { className: "tab" }));
	return el("div", { className: "choices" }, el("label", {}, "System ", chosen), el("label", {}, "Weights ", which),
		tabs.length > 1 && el("nav", { "aria-label": "Operations" }, ...tabs));
}

async function operationPage(name, operationName, weightsName) {
	const system = await api.system(name);
	const operation = system.operations.find((one) => one.name === operationName) ?? system.operations[0];
	const weights = system.weights.find((one) => one.name === weightsName) ?? system.weights[0];
	const line = choices(system, operation, weights);
	if (!weights) {
		return { element: el("div", {}, line, el("p", { className: "nothing" }, system.missing)), start: async () => say("") };
	}
	const made = new OperationPage({ system, operation, weights, kept });
	return { element: el("div", {}, line, made.element, kept.element), start: async () => (await made.start(), await kept.show()), remove: () => made.remove() };
}

const show = guarded(async () => {
	const [name, ...rest] = routeOf(location.hash);
	const first = all.find((one) => one.weights.length) ?? all[0];
	const known = PAGES[name] || all.some((one) => one.name === name);
	if (!known) return go(first.name, first.operations[0]);
	navigation(name);
	say("Loading…");
	page?.remove?.();
	const mine = ++turn;
	const made = PAGES[name] ? PAGES[name].make(rest) : await operationPage(name, ...rest);
	if (mine !== turn) return made.remove?.(); // another address was opened meanwhile
	page = made;
	main.replaceChildren(page.element);
	await page.start();
	if (PAGES[name] && mine === turn) say("");
});

document.getElementById("skip").onclick = () => {
	main.focus();
	return false; // the address stays
};

guarded(async () => {
	await api.open();
	all = await api.systems();
	addEventListener("hashchange", show);
	await show();
})();
