// The page: a label map on the left, the picture that a system draws of it on the right.

import * as api from "../core/api.js";
import { LabelMap, readColours, writeColours } from "../core/label-map.js";

const $ = (id) => document.getElementById(id);
const PAUSE = 120; // milliseconds between two previews while somebody paints
const main = document.querySelector("main");
const canvas = $("map");
const state = { systems: [], system: null, weights: null, map: null, chosen: 1, tool: "brush", drawing: null, name: "label-map.png" };
let wanted = false;
let busy = false;

function say(text, isProblem = false) {
  $("status").textContent = text;
  $("status").classList.toggle("problem", isProblem);
}

function guarded(action) {
  return async (...given) => {
    try {
      await action(...given);
    } catch (error) {
      say(error instanceof api.Problem ? error.message : `The page has a fault: ${error.message}`, true);
    }
  };
}

// ---- the map on its canvas

function show() {
  const { map, weights } = state;
  canvas.width = canvas.height = map.side;
  const context = canvas.getContext("2d");
  const image = context.createImageData(map.side, map.side);
  writeColours(map.ids, weights.schema.palette, image.data);
  context.putImageData(image, 0, 0);
  $("undo").disabled = !map.done.length;
  $("redo").disabled = !map.undone.length;
}

function place(event) {
  const box = canvas.getBoundingClientRect();
  const scale = state.map.side / box.width;
  const bound = (value) => Math.min(state.map.side - 0.01, Math.max(0, value * scale));
  return [bound(event.clientX - box.left), bound(event.clientY - box.top)];
}

function stroke(event) {
  const radius = (Number($("size").value) * state.map.side) / 256 / 2;
  const id = state.drawing.erases ? 0 : state.chosen;
  for (const one of event.getCoalescedEvents?.().length ? event.getCoalescedEvents() : [event]) {
    const [x, y] = place(one);
    state.map.line(...(state.drawing.last ?? [x, y]), x, y, Math.max(0.6, radius), id);
    state.drawing.last = [x, y];
  }
  show();
  preview();
}

canvas.addEventListener("pointerdown", (event) => {
  if (!state.map || (event.pointerType === "mouse" && event.button === 1)) return;
  event.preventDefault();
  const [x, y] = place(event);
  if (state.tool === "pick" || event.altKey) {
    choose(state.map.at(x, y));
    return;
  }
  state.map.begin();
  if (state.tool === "fill") {
    state.map.fill(x, y, state.chosen, event.shiftKey);
    finish();
    return;
  }
  canvas.setPointerCapture(event.pointerId);
  state.drawing = { erases: state.tool === "eraser" || event.button === 2 || event.button === 5, last: null };
  stroke(event);
});
canvas.addEventListener("pointermove", (event) => state.drawing && stroke(event));
for (const kind of ["pointerup", "pointercancel"]) canvas.addEventListener(kind, () => state.drawing && finish());
canvas.addEventListener("contextmenu", (event) => event.preventDefault());

function finish() {
  state.drawing = null;
  state.map.end();
  show();
  preview();
}

// ---- drawing

function blob() {
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}

async function request(mode) {
  const asset = await api.addMap(await blob(), state.weights.schema.name, state.name);
  $("export").href = `/api/v1/assets/${asset.id}`;
  const fields = { label_map: asset.id, seed: Number($("seed").value) || 0 };
  if (state.weights.attributes.length && state.operation.controls.attributes) {
    fields.attributes = Object.fromEntries(
      [...$("attributes").querySelectorAll("input")].map((input) => [input.name, input.checked ? 1 : 0]),
    );
  }
  return api.draw(state.system.name, "generate", { mode, view: "page", weights: state.weights.name, ...fields });
}

const preview = guarded(async () => {
  wanted = true;
  if (busy) return;
  busy = true;
  try {
    while (wanted) {
      wanted = false;
      const begun = performance.now();
      const job = await request("preview");
      if (job) {
        $("result").src = job.result.images[0];
        $("result").alt = `Synthetic picture that ${state.system.name} drew of the label map`;
        say(`drawn in ${((performance.now() - begun) / 1000).toFixed(1)} s`);
      }
      await new Promise((done) => setTimeout(done, PAUSE));
    }
  } finally {
    busy = false;
  }
});

$("keep").addEventListener("click", guarded(async () => {
  say("keeping…");
  await request("keep");
  await showKept();
  say("kept");
}));

async function showKept() {
  const found = await api.results();
  $("empty").hidden = found.length > 0;
  $("kept").replaceChildren(...found.map((result) => {
    const item = document.createElement("li");
    const image = Object.assign(document.createElement("img"), { src: result.images[0], alt: `Synthetic picture, seed ${result.seeds?.[0] ?? "none"}`, loading: "lazy" });
    const copy = Object.assign(document.createElement("button"), { type: "button", textContent: "Command" });
    copy.addEventListener("click", guarded(async () => {
      await navigator.clipboard.writeText(await api.command(result.id));
      say("The command is copied; run it in the unpacked archive.");
    }));
    const archive = Object.assign(document.createElement("a"), { href: result.archive, textContent: "Archive", className: "button" });
    const remove = Object.assign(document.createElement("button"), { type: "button", textContent: "Delete" });
    remove.addEventListener("click", guarded(async () => {
      await api.remove(result.id);
      await showKept();
    }));
    item.append(image, copy, " ", archive, " ", remove);
    return item;
  }));
}

// ---- choices

function choose(id) {
  state.chosen = id;
  const input = $("classes").querySelector(`input[value="${id}"]`);
  if (input) input.checked = true;
}

function useTool(name) {
  state.tool = name;
  for (const button of document.querySelectorAll("[data-tool]")) {
    button.setAttribute("aria-pressed", String(button.dataset.tool === name));
  }
}

function showForm() {
  const { classes, palette } = state.weights.schema;
  $("classes").replaceChildren(...classes.map((name, id) => {
    const label = document.createElement("label");
    const input = Object.assign(document.createElement("input"), { type: "radio", name: "class", value: id });
    input.addEventListener("change", () => choose(id));
    const colour = Object.assign(document.createElement("span"), { className: "colour" });
    colour.style.background = `rgb(${palette[id].join(" ")})`;
    label.append(input, colour, name.replaceAll("_", " "));
    return label;
  }));
  const attributes = state.operation.controls.attributes ? state.weights.attributes : [];
  $("look").hidden = !attributes.length;
  $("attributes").replaceChildren(...attributes.map((name) => {
    const label = document.createElement("label");
    const input = Object.assign(document.createElement("input"), { type: "checkbox", name });
    input.addEventListener("change", preview);
    label.append(input, name.replaceAll("_", " "));
    return label;
  }));
  choose(Math.max(0, classes.indexOf("hair")));
}

async function setSystem(name) {
  state.system = await api.system(name);
  state.operation = state.system.operations.find((one) => one.name === "generate");
  $("weights").replaceChildren(...state.system.weights.map((one) => new Option(one.name, one.name)));
  await setWeights(state.system.weights[0].name);
}

async function setWeights(name) {
  const before = state.weights;
  state.weights = state.system.weights.find((one) => one.name === name);
  showForm();
  if (!state.map || before?.schema.name !== state.weights.schema.name) await rollPerson();
  else preview();
}

function side() {
  return Math.min(1024, Math.max(256, 4 * state.weights.image_size));
}

async function openPicture(url, name) {
  const image = new Image();
  image.src = url;
  await image.decode();
  const reader = new OffscreenCanvas(image.naturalWidth, image.naturalHeight).getContext("2d");
  reader.drawImage(image, 0, 0);
  const { data, width, height } = reader.getImageData(0, 0, image.naturalWidth, image.naturalHeight);
  const ids = readColours(data, width, height, state.weights.schema.palette, side());
  if (state.map?.side === side()) {
    state.map.begin();
    state.map.ids = ids;
    state.map.end();
  } else state.map = new LabelMap(side(), ids);
  state.name = name;
  show();
  preview();
}

async function rollPerson() {
  const found = await api.person(Math.floor(Math.random() * 1e6));
  await openPicture(`/api/v1/assets/${found.label_map.id}`, found.name);
}

$("system").addEventListener("change", guarded(() => setSystem($("system").value)));
$("weights").addEventListener("change", guarded(() => setWeights($("weights").value)));
$("seed").addEventListener("change", preview);
$("another").addEventListener("click", () => {
  $("seed").value = Math.floor(Math.random() * 1e6);
  preview();
});
$("person").addEventListener("click", guarded(rollPerson));
$("file").addEventListener("change", guarded(async () => {
  const [file] = $("file").files;
  if (!file) return;
  const asset = await api.addMap(file, state.weights.schema.name, file.name.slice(0, 100));
  await openPicture(`/api/v1/assets/${asset.id}`, file.name);
  $("file").value = "";
}));
for (const button of document.querySelectorAll("[data-tool]")) button.addEventListener("click", () => useTool(button.dataset.tool));
for (const button of document.querySelectorAll(".views button")) {
  button.addEventListener("click", () => {
    main.dataset.view = button.dataset.view;
    for (const one of document.querySelectorAll(".views button")) one.setAttribute("aria-pressed", String(one === button));
  });
}

function step(isBack) {
  if (isBack ? state.map.undo() : state.map.redo()) {
    show();
    preview();
  }
}
$("undo").addEventListener("click", () => step(true));
$("redo").addEventListener("click", () => step(false));

document.addEventListener("keydown", (event) => {
  const key = event.key.toLowerCase();
  if ((event.ctrlKey || event.metaKey) && key === "z") {
    event.preventDefault();
    step(!event.shiftKey);
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || /^(input|select|textarea)$/i.test(event.target.tagName)) return;
  const tools = { b: "brush", e: "eraser", f: "fill", i: "pick" };
  if (tools[key]) useTool(tools[key]);
  else if (key === "[" || key === "]") $("size").value = Number($("size").value) + (key === "]" ? 2 : -2);
  else if (/^\d$/.test(key) && Number(key) < state.weights.schema.classes.length) choose(Number(key));
});

guarded(async () => {
  await api.open();
  const all = await api.systems();
  for (const one of all) {
    if (!one.weights.some((weights) => weights.schema)) continue;
    const whole = await api.system(one.name);
    if (whole.operations.some((operation) => operation.name === "generate" && operation.controls.label_map)) state.systems.push(one);
  }
  if (!state.systems.length) throw new api.Problem("No weights that draw label maps are here; give some with --weights.");
  $("system").replaceChildren(...state.systems.map((one) => new Option(one.name, one.name)));
  await setSystem(state.systems[0].name);
  await showKept();
})();
