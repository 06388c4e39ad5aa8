// The routes of the studio that the page uses.

const BASE = "/api/v1";

/** A refusal of the server, in its own sentence. */
export class Problem extends Error {}

async function call(path, { method = "GET", body, type = "application/json" } = {}) {
  const headers = body === undefined ? {} : { "content-type": type };
  const sent = type === "application/json" && body !== undefined ? JSON.stringify(body) : body;
  let answer;
  try {
    answer = await fetch(BASE + path, { method, headers, body: sent });
  } catch {
    throw new Problem("The studio does not answer; is limner studio still running?");
  }
  if (answer.status === 204) return null;
  const found = await answer.json();
  if (!answer.ok) throw new Problem(found.detail ?? `The studio answered ${answer.status}.`);
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

export const systems = () => call("/systems");
export const system = (name) => call(`/systems/${name}`);
export const person = (seed) => call("/people", { method: "POST", body: { kind: "face", seed } });
export const results = () => call("/results?limit=24");
export const remove = (id) => call(`/results/${id}`, { method: "DELETE" });
export const command = async (id) => (await call(`/results/${id}/command`)).command;
export const python = async (id) => (await call(`/results/${id}/python`)).python;

/** Upload a label map, as a picture in the colours of its schema. */
export const addMap = (blob, schema, name) =>
  call(`/assets?${new URLSearchParams({ kind: "label_map", schema, name })}`, {
    method: "POST",
    body: blob,
    type: blob.type || "image/png",
  });

/** Draw, and wait for it. */
export async function draw(name, operation, body) {
  let job = await call(`/systems/${name}/${operation}?wait=30`, { method: "POST", body });
  while (job.state === "queued" || job.state === "running") job = await call(`/jobs/${job.id}?wait=30`);
  if (job.state === "superseded" || job.state === "cancelled") return null;
  if (job.state !== "done") throw new Problem(job.error?.detail ?? `The job is ${job.state}.`);
  return job;
}
