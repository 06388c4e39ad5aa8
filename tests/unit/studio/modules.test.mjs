// The modules of the page that need no browser; `node --test` runs this file, and test_modules.py runs that.

import assert from "node:assert/strict";
import { test } from "node:test";
import { inflateSync } from "node:zlib";

const core = new URL("../../../limner/studio/static/core/", import.meta.url);
const { LabelMap, colours, readColours, resized } = await import(new URL("label-map.js", core));
const { closed, connected, polygonSpans } = await import(new URL("geometry.js", core));
const { View } = await import(new URL("view.js", core));
const { writePng } = await import(new URL("png.js", core));
const form = await import(new URL("form.js", core));

const count = (map, id) => map.ids.filter((one) => one === id).length;

function random(seed) {
  let state = seed;
  return (most) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 32) * most;
  };
}

function anyEdit(map, next) {
  const side = map.side;
  const [x, y, id] = [next(side), next(side), Math.floor(next(5))];
  map.begin();
  const kind = Math.floor(next(4));
  if (kind === 0) map.line(x, y, next(side), next(side), 1 + next(6), id);
  else if (kind === 1) map.fill(x, y, id, next(1) < 0.5);
  else if (kind === 2) map.polygon([[x, y], [next(side), next(side)], [next(side), next(side)]], id);
  else {
    const lifted = map.lift(x, y);
    map.put(lifted, Math.round(next(20) - 10), Math.round(next(20) - 10));
  }
  return map.end();
}

test("fifty edits are undone to the start and done again to the end", () => {
  const next = random(7);
  const map = new LabelMap(40);
  map.mirrorAt(20, [[1, 2]]);
  const start = map.ids.slice();
  let changed = 0;
  for (let number = 0; number < 50; number++) changed += anyEdit(map, next);
  const end = map.ids.slice();
  assert.ok(changed > 25);
  for (let number = 0; number < changed; number++) assert.ok(map.undo());
  assert.deepEqual(map.ids, start);
  assert.ok(!map.undo());
  for (let number = 0; number < changed; number++) assert.ok(map.redo());
  assert.deepEqual(map.ids, end);
  assert.ok(!map.redo());
});

test("a disc has the area of a disc, and whole ids alone", () => {
  const map = new LabelMap(64);
  map.begin();
  map.line(32, 32, 32, 32, 10, 3);
  assert.ok(map.end());
  assert.ok(Math.abs(count(map, 3) - Math.PI * 100) < 20);
  assert.deepEqual([...new Set(map.ids)].sort(), [0, 3]);
});

test("what is locked stays", () => {
  const map = new LabelMap(8, new Uint8Array(64).fill(2));
  map.locked.add(2);
  map.begin();
  map.line(4, 4, 4, 4, 3, 1);
  map.fill(0, 0, 1);
  assert.equal(map.lift(1, 1), null);
  assert.ok(!map.end());
  assert.equal(count(map, 2), 64);
});

test("the mirror paints both halves and changes the sides of pairs", () => {
  const map = new LabelMap(16);
  map.mirrorAt(8, [[4, 5]]);
  map.begin();
  map.line(3.5, 8, 3.5, 8, 2, 4);
  map.end();
  for (let row = 0; row < 16; row++) {
    for (let column = 0; column < 8; column++) {
      const [here, there] = [map.ids[row * 16 + column], map.ids[row * 16 + 15 - column]];
      assert.equal(there, { 0: 0, 4: 5 }[here]);
    }
  }
  assert.ok(count(map, 5) > 4);
});

test("a polygon is what lies inside", () => {
  const map = new LabelMap(10);
  map.begin();
  map.polygon([[2, 2], [8, 2], [8, 8], [2, 8]], 1);
  map.end();
  assert.equal(count(map, 1), 36);
  assert.deepEqual([...polygonSpans([[0, 0], [4.2, 0], [0, 4.2]], 8)].map(([row, from, to]) => [row, from, to]), [[0, 0, 4], [1, 0, 3], [2, 0, 2], [3, 0, 1]].slice(0, 4));
});

test("a moved part leaves the nearest class behind and keeps its size", () => {
  const ids = new Uint8Array(100);
  for (let row = 0; row < 10; row++) for (let column = 5; column < 10; column++) ids[row * 10 + column] = 1;
  ids[44] = ids[45] = 7;
  const map = new LabelMap(10, ids);
  map.begin();
  map.put(map.lift(4.5, 4.5), 3, 2);
  map.end();
  assert.equal(map.ids[67], 7);
  assert.equal(map.ids[68], 7);
  assert.deepEqual([map.ids[44], map.ids[45]], [0, 1]);
  assert.equal(count(map, 7), 2);
  assert.equal(connected(map.ids, 10, 67).length, 2);
  assert.deepEqual(closed(new Uint8Array(4).fill(3), 2, [0, 1, 2, 3]), new Uint8Array(4));
});

test("a step given up leaves the map and its history as they were", () => {
  const map = new LabelMap(8);
  map.begin();
  map.line(4, 4, 4, 4, 3, 1);
  map.drop();
  assert.equal(count(map, 0), 64);
  assert.equal(map.done.length, 0);
});

test("only what changed is dirty", () => {
  const map = new LabelMap(32);
  assert.deepEqual(map.takeDirty(), { x0: 0, y0: 0, x1: 32, y1: 32 });
  map.begin();
  map.line(10, 20, 10, 20, 2, 1);
  const { x0, y0, x1, y1 } = map.takeDirty();
  assert.ok(x0 >= 8 && x1 <= 12 && y0 >= 18 && y1 <= 22);
  assert.equal(map.takeDirty(), null);
});

test("zoom keeps the place under the pointer, and the square in the window", () => {
  const view = new View();
  view.zoom(4, 0.25, 0.75);
  const [x, y] = view.inside(0.25, 0.75);
  assert.ok(Math.abs(x - 0.25) < 1e-9 && Math.abs(y - 0.75) < 1e-9);
  const [wx, wy] = view.outside(x, y);
  assert.ok(Math.abs(wx - 0.25) < 1e-9 && Math.abs(wy - 0.75) < 1e-9);
  view.pan(5, -5);
  assert.deepEqual([view.x, view.y], [0, 0.75]);
  view.zoom(1e6);
  assert.equal(view.scale, 32);
  view.zoom(1e-6);
  assert.deepEqual([view.scale, view.x, view.y], [1, 0, 0]);
});

test("colours are read back as ids, with patterns too where there are none", () => {
  const palette = [[0, 0, 0], [200, 0, 0], [0, 0, 204]];
  const ids = Uint8Array.from({ length: 64 }, (_, place) => place % 3);
  const box = { x0: 0, y0: 0, x1: 8, y1: 8 };
  assert.deepEqual(readColours(colours(ids, 8, box, palette), 8, 8, palette, 8), ids);
  assert.notDeepEqual(colours(ids, 8, box, palette, true), colours(ids, 8, box, palette));
  assert.deepEqual(resized(resized(ids, 8, 16), 16, 8), ids);
});

test("a map as a file holds its ids, its palette and its schema", async () => {
  const ids = Uint8Array.from({ length: 16 }, (_, place) => place % 3);
  const schema = { name: "three", palette: [[0, 0, 0], [9, 8, 7], [255, 0, 1]] };
  const bytes = Buffer.from(await (await writePng(ids, 4, schema)).arrayBuffer());
  const chunks = {};
  for (let at = 8; at < bytes.length; at += 12 + bytes.readUInt32BE(at)) {
    chunks[bytes.toString("latin1", at + 4, at + 8)] = bytes.subarray(at + 8, at + 8 + bytes.readUInt32BE(at));
  }
  assert.deepEqual([...chunks.PLTE], schema.palette.flat());
  assert.deepEqual(JSON.parse(chunks.iTXt.subarray("limner:schema".length + 5).toString()), schema);
  const rows = inflateSync(chunks.IDAT);
  assert.deepEqual([...rows].filter((_, place) => place % 5), [...ids]);
});

test("forms come from what operations declare", () => {
  const operation = {
    controls: { photo: "photo", label_map: "label-map", seed: "seed" },
    schema: { required: ["photo"], properties: { photo: { title: "photo" }, label_map: {}, seed: { default: 0 } } },
  };
  const fields = form.fieldsOf(operation);
  assert.deepEqual(fields.map((field) => [field.name, field.isRequired, field.initial]), [["photo", true, undefined], ["label_map", false, undefined], ["seed", false, 0]]);
  assert.equal(form.stageOf(fields).name, "photo");
  assert.deepEqual(form.bodyOf(fields, { photo: undefined, seed: 0, other: 1 }), { seed: 0 });
  assert.deepEqual(form.missing(fields, { seed: 0 }), ["photo"]);
  const systems = [{ name: "a", titles: ["Draw"], weights: [] }, { name: "b", titles: ["Draw", "Walk"], weights: [1] }, { name: "c", titles: ["Age"], weights: [] }];
  assert.deepEqual(form.activities(systems).map((one) => [one.title, one.systems.map((system) => system.name), one.canDraw]), [["Draw", ["b", "a"], true], ["Age", ["c"], false]]);
  assert.deepEqual(form.routeOf("#/scgan/generate"), ["scgan", "generate"]);
  assert.deepEqual(form.routeOf(""), []);
});

test("unknown words of a caption are marked, and nothing is lost", () => {
  const parts = form.marked("A woman, gloriously old!", new Set(["a", "woman", "old"]));
  assert.equal(parts.map((part) => part.text).join(""), "A woman, gloriously old!");
  assert.deepEqual(parts.filter((part) => part.isUnknown).map((part) => part.text), ["gloriously"]);
});
