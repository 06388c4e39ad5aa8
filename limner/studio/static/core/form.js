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
	const canDraw = (one) => one.weights.length > 0;
	return [...new Set(systems.map((one) => one.titles[0]))].map((title) => {
		const listed = systems.filter((one) => one.titles[0] === title).sort((one, other) => canDraw(other) - canDraw(one));
		return { title, systems: listed, canDraw: canDraw(listed[0]) };
	});
}

/** Whether a field has an effect with these values of all. */
export const hasEffect = ({ schema: { "x-only-with": [other, allowed] = [] } }, values) => !other || allowed.includes(values[other]);

/** The body of a request: values that are there and have an effect, for the fields that the operation has. */
export function bodyOf(fields, values) {
	const asked = fields.filter((field) => hasEffect(field, values)).map(({ name }) => [name, values[name]]);
	return Object.fromEntries(asked.filter(([, value]) => value != null && value.length !== 0));
}

/** Titles of required fields that have no value yet. */
export function missing(fields, body) {
	return fields.filter((field) => field.isRequired && !(field.name in body)).map((field) => field.title);
}

/** A route of the page: "#/scgan/generate" -> ["scgan", "generate"]. */
export function routeOf(hash) {
	return hash.replace(/^#\/?/, "").split("/").filter(Boolean).map(decodeURIComponent);
}

/** The words of a caption that a vocabulary does not know. */
export const unknownWords = (caption, known) => (caption.match(/[a-z0-9]+(?:'[a-z]+)?/gi) ?? []).filter((word) => !known.has(word.toLowerCase()));
