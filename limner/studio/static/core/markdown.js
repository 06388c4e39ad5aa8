// A report as blocks: headings, tables, lists, code and paragraphs of plain text. No DOM, and no HTML of the report's own.

const cells = (line) => line.trim().replace(/^\||\|$/g, "").split("|").map((cell) => cell.trim());
const isRule = (line) => /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/.test(line) && line.includes("-");

/** The blocks of a Markdown text: {kind, level?, text?, rows?, items?}. */
export function blocks(text) {
	const lines = text.replace(/\r\n?/g, "\n").replace(/^---\n[^]*?\n---\n/, "").split("\n");
	const found = [];
	let at = 0;
	const take = (isPart) => {
		const from = at;
		while (at < lines.length && isPart(lines[at])) at++;
		return lines.slice(from, at);
	};
	while (at < lines.length) {
		const line = lines[at];
		const heading = /^(#{1,6})\s+(.*)/.exec(line);
		if (!line.trim()) at++;
		else if (heading) {
			at++;
			found.push({ kind: "heading", level: heading[1].length, text: heading[2] });
		} else if (/^```/.test(line)) {
			at++;
			const code = take((one) => !/^```/.test(one));
			at++;
			found.push({ kind: "code", text: code.join("\n") });
		} else if (line.includes("|") && isRule(lines[at + 1] ?? "")) {
			const rows = take((one) => one.includes("|")).filter((one) => !isRule(one));
			found.push({ kind: "table", rows: rows.map(cells) });
		} else if (/^\s*([-*]|\d+\.)\s+/.test(line)) {
			found.push({ kind: "list", items: take((one) => /^\s*([-*]|\d+\.)\s+/.test(one)).map((one) => one.replace(/^\s*([-*]|\d+\.)\s+/, "")) });
		} else {
			const first = lines[at++];
			const rest = take((one) => one.trim() && !/^(#{1,6}\s|```|\s*[-*]\s)/.test(one) && !one.includes("|"));
			found.push({ kind: "text", text: [first, ...rest].join(" ") });
		}
	}
	return found;
}

/** Text without the marks of emphasis, links and code. */
export const plain = (text) => text.replace(/!\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/(\*\*|__|`)/g, "");
