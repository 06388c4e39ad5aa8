// The routes of the studio that the page uses. No DOM.

const BASE = "/api/v1";

/** A refusal of the server, in its own sentence; `field`: what of the request it is about. */
export class Problem extends Error {
	constructor(text, field) {
		super(text);
		this.field = field;
	}
}

async function call(path, { method = "GET", body, type = "application/json" } = {}) {
	const headers = body === undefined ? {} : { "content-type": type };
	const sent = body instanceof Blob ? body : JSON.stringify(body);
	let answer;
	try {
		answer = await fetch(BASE + path, { method, headers, body: sent });
	} catch {
		throw new Problem("The studio does not answer; is limner studio still running?");
	}
	if (answer.status === 204) return null;
	const found = await answer.json();
	if (!answer.ok) throw new Problem(found.detail ?? `The studio answered ${answer.status}.`, found.field);
	return found;
}

/** Exchange the token of the address for a cookie, and open the session of this browser. */
export async function open() {
	const token = new URLSearchParams(location.hash.slice(1)).get("token");
	if (token) {
		await call("/login", { method: "POST", body: { token } });
		history.replaceState(null, "", location.pathname);
	}
	try {
		await call("/sessions");
	} catch {
		await call("/sessions", { method: "POST", body: {} });
	}
}

export const schemas = () => call("/schemas");
export const about = () => call("/about");
export const systems = () => call("/systems");
export const system = (name) => call(`/systems/${name}`);
export const person = (kind, seed) => call("/people", { method: "POST", body: { kind, seed } });
export const results = (before) => call(`/results?limit=24${before ? `&before=${before}` : ""}`);
export const remove = (id) => call(`/results/${id}`, { method: "DELETE" });
/** What draws a result again: its "command" or its "python". */
export const again = async (id, what) => (await call(`/results/${id}/${what}`))[what];
export const reports = () => call("/reports");
export const report = (name) => call(`/reports/${encodeURIComponent(name)}`);
export const forget = () => call("/sessions", { method: "DELETE" });
export const cancel = (id) => call(`/jobs/${id}`, { method: "DELETE" });
export const jsonFile = (value) => new Blob([JSON.stringify(value, null, 1)], { type: "application/json" });
export const assetUrl = (id) => `${BASE}/assets/${id}`;

export const isId = (value) => /^[0-9a-f]{64}$/.test(value);

/** Whether a file of this session is there still. */
export const hasAsset = async (id) => (await fetch(assetUrl(id))).ok;

/** Upload a file; with its name, kind and schema. */
export const upload = (file, { name, ...more }) =>
	call(`/assets?${new URLSearchParams({ ...more, name: name.slice(0, 100) })}`, { method: "POST", body: file, type: file.type || "image/png" });

const isOpen = (job) => job.state === "queued" || job.state === "running";

/** Ask for a drawing and wait for it; null if another took its place. `told` hears of the job while it waits. */
export async function draw(name, operation, body, told = () => {}) {
	let job = await call(`/systems/${name}/${operation}?wait=1`, { method: "POST", body });
	while (isOpen(job)) {
		told(job);
		job = await call(`/jobs/${job.id}?wait=1`);
	}
	if (job.state === "superseded" || job.state === "cancelled") return null;
	if (job.state !== "done") throw new Problem(job.error?.detail ?? `The job is ${job.state}.`);
	return job;
}
