// From the operation that a system declares to the form that asks for it. No DOM; no system has a form of its own.

/** Controls that take the large square, the most telling first. */
const STAGES = ["keypoints", "label-map", "photo", "caption"];

/** The fields of an operation, in its order. */
export function fieldsOf(operation) {
	const { properties, required } = operation.schema;
	return Object.entries(operation.controls).map(([name, control]) => ({
		name,
		control,
		schema: properties[name],
		title: properties[name].title ?? name.replaceAll("_", " "),
		isRequired: required.includes(name),
		initial: properties[name].default,
	}));
}

/** The field whose editor stands in the large square: the first required one of the most telling kind. */
export function stageOf(fields) {
	for (const control of STAGES) {
		const found = fields.find((field) => field.control === control && field.isRequired);
		if (found) return found;
	}
	return fields.find((field) => STAGES.includes(field.control)) ?? null;
}

/** Systems by what their first operation does: [{title, systems}], those that can draw first. */
export function activities(systems) {
	const found = new Map();
	for (const one of systems) {
		const [title] = one.titles;
		if (!found.has(title)) found.set(title, []);
		found.get(title).push(one);
	}
	return [...found].map(([title, listed]) => ({
		title,
		systems: [...listed].sort((one, other) => Boolean(other.weights.length) - Boolean(one.weights.length)),
		canDraw: listed.some((one) => one.weights.length > 0),
	}));
}

/** The body of a request: values that are there, for the fields that the operation has. */
export function bodyOf(fields, values) {
	const found = {};
	for (const { name } of fields) {
		const value = values[name];
		const isEmpty = value === undefined || value === null || value === "" || (Array.isArray(value) && !value.length);
		if (!isEmpty) found[name] = value;
	}
	return found;
}

/** Titles of required fields that have no value yet. */
export function missing(fields, body) {
	return fields.filter((field) => field.isRequired && !(field.name in body)).map((field) => field.title);
}

/** A route of the page: "#/scgan/generate" -> ["scgan", "generate"]. */
export function routeOf(hash) {
	return hash.replace(/^#\/?/, "").split("/").filter(Boolean).map(decodeURIComponent);
}

/** Words of a caption with whether a vocabulary knows them; what is between words is kept. */
export function marked(caption, known) {
	const parts = caption.split(/([a-z0-9]+(?:'[a-z]+)?)/i);
	return parts.filter(Boolean).map((text) => {
		const isWord = /[a-z0-9]/i.test(text);
		return { text, isUnknown: isWord && !known.has(text.toLowerCase()) };
	});
}

/** What a person of a kind ("face", "body") can begin in an operation: field -> part of the person; null: nothing. */
export function startOf(operation, kind) {
	const found = {};
	let begins = false;
	for (const { name, control, schema, isRequired } of fieldsOf(operation)) {
		if (control === "photo" && isRequired && (schema["x-shows"] ?? "face") === kind) [found[name], begins] = ["photo", true];
		else if (control === "label-map" && isRequired && kind === "face") [found[name], begins] = ["label_map", true];
		else if (control === "keypoints" && kind === "body") found[name] = "keypoints";
	}
	return begins ? found : null;
}
