// The question which classes a label map has, and whether they may become those that are painted here.

import * as api from "../core/api.js";
import { el } from "./dom.js";

/**
 * Ask, with the classes of every schema in sight.
 * @param {object} about  name: of the file, wanted: schema here, noted: the file's, send(schema): uploads it as that one
 * @returns what `send` gave; null if the user gave it up
 */
export async function askSchema({ name, wanted, noted, send }) {
	const found = (await api.schemas()).filter((one) => !noted || one.name === noted);
	const fits = (one) => one.name === wanted || one.becomes.includes(wanted);
	if (!found.some(fits)) throw new api.Problem(`${name} has the classes of ${noted}, which cannot become those of ${wanted}.`);
	found.sort((one, other) => (other.name === wanted) - (one.name === wanted) || fits(other) - fits(one));
	const dialog = document.getElementById("schema");
	const [title, text, list, problem] = ["h2", "p", ".schemas", ".problem"].map((one) => dialog.querySelector(one));
	const [open, cancel] = dialog.querySelectorAll("button");
	title.textContent = noted ? `Convert the classes of ${name}?` : `Which classes has ${name}?`;
	text.textContent = noted ? `The file says that they are those of ${noted}.` : "The file does not say it. Its ids are those of one of these lists:";
	open.textContent = noted ? "Convert" : "Open";
	problem.textContent = "";
	list.replaceChildren(...found.map((one, at) => el("label", { className: fits(one) ? "" : "missing" },
		el("input", { type: "radio", name: "schema", value: one.name, checked: at === 0, disabled: !fits(one) }),
		el("span", {}, el("b", {}, one.name), one.name === wanted ? "" : `, ${fits(one) ? "becomes" : "cannot become"} ${wanted}`, el("br"), one.titles.join(", ")))));
	dialog.showModal();
	return new Promise((done) => {
		let asset = null;
		cancel.onclick = () => dialog.close();
		dialog.onclose = () => done(asset);
		open.onclick = async () => {
			try {
				asset = await send(list.querySelector(":checked").value);
				dialog.close();
			} catch (error) {
				problem.textContent = error.message;
			}
		};
	});
}
