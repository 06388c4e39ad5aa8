// The modules of the page that need no browser; `node --test` runs this file, and test_modules.py runs that.

import assert from "node:assert/strict";
import { test } from "node:test";
import { inflateSync } from "node:zlib";

const core = new URL("../../../limner/studio/static/core/", import.meta.url);
const { LabelMap, colours, readColours, resized } = await import(new URL("label-map.js", core));
const { closed, connected, polygonSpans } = await import(new URL("geometry.js", core));
const { View, fitted } = await import(new URL("view.js", core));
const { writePng } = await import(new URL("png.js", core));
const { Skeleton, readPose } = await import(new URL("skeleton.js", core));
const { Painting } = await import(new URL("strokes.js", core));
const { peaks, readWav, writeWav } = await import(new URL("sound.js", core));
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
  const walk = form.fieldsOf({
    controls: { what: "choice", target: "attributes" },
    schema: { required: [], properties: { what: {}, target: { "x-only-with": ["what", ["c", "all"]] } } },
  });
  assert.deepEqual(form.bodyOf(walk, { what: "z", target: { Male: 1 } }), { what: "z" });
  assert.deepEqual(form.bodyOf(walk, { what: "c", target: { Male: 1 } }), { what: "c", target: { Male: 1 } });
  assert.deepEqual(walk.map((field) => form.hasEffect(field, { what: "z" })), [true, false]);
  const systems = [{ name: "a", titles: ["Draw"], weights: [] }, { name: "b", titles: ["Draw", "Walk"], weights: [1] }, { name: "c", titles: ["Age"], weights: [] }];
  assert.deepEqual(form.activities(systems).map((one) => [one.title, one.systems.map((system) => system.name), one.canDraw]), [["Draw", ["b", "a"], true], ["Age", ["c"], false]]);
  assert.deepEqual(form.routeOf("#/scgan/generate"), ["scgan", "generate"]);
  assert.deepEqual(form.routeOf(""), []);
});

test("words of a caption that a vocabulary does not know", () => {
  const known = new Set(["a", "woman", "old", "isn't"]);
  assert.deepEqual(form.unknownWords("A woman, gloriously old! Isn't she?", known), ["gloriously", "she"]);
  assert.deepEqual(form.unknownWords("…", known), []);
});

test("speech is written and read back, and its peaks are its loudest samples", () => {
  const samples = Float32Array.from({ length: 1000 }, (_, at) => Math.sin(at / 7) * (at / 1000));
  const back = readWav(writeWav(samples));
  assert.equal(back.length, 1000);
  assert.ok(samples.every((value, at) => Math.abs(value - back[at]) < 1e-4));
  const found = peaks(samples, 10);
  assert.ok(found.length === 10 && found.every((value, at) => at === 0 || value > found[at - 1]));
  const head = Buffer.from(writeWav(samples)).subarray(0, 44);
  assert.deepEqual([head.toString("latin1", 0, 4), head.readUInt32LE(24), head.readUInt16LE(34), head.readUInt32LE(40)], ["RIFF", 16000, 16, 2000]);
});

const BODY = {
  points: ["nose", "neck", "r_shoulder", "r_elbow", "l_shoulder"],
  flip_pairs: [["r_shoulder", "l_shoulder"]],
  groups: [{ name: "all", lines: [[1, 2, 3], [1, 4], [1, 0]] }],
};
const POSE = { points: { nose: [50, 10], neck: [50, 20], r_shoulder: [40, 20], r_elbow: [40, 40], l_shoulder: [60, 20] }, width: 101, height: 100 };

test("a locked limb turns about its parent and takes along what hangs on it", () => {
  const body = new Skeleton(BODY, POSE);
  body.begin();
  body.move(2, 50, 90, true);
  assert.ok(body.end());
  assert.deepEqual(body.points[2].map(Math.round), [50, 30]); // ten pixels below the neck
  assert.deepEqual(body.points[3].map(Math.round), [50, 50]); // moved by as much
  assert.ok(body.undo());
  assert.deepEqual(body.toPose(), POSE);
  assert.ok(body.redo() && !body.redo());
  body.move(3, 0, 0, false);
  assert.deepEqual([body.points[3], body.points[2].map(Math.round)], [[0, 0], [50, 30]]);
});

test("poses are mirrored, hidden, found and read in all forms", () => {
  const body = new Skeleton(BODY, POSE);
  body.mirror();
  assert.deepEqual([body.points[2], body.points[4], body.points[0]], [[40, 20], [60, 20], [50, 10]]);
  assert.deepEqual(body.points[3], [60, 40]);
  assert.equal(body.nearest(52, 11, 5), 0);
  assert.equal(body.nearest(90, 90, 5), -1);
  body.flip(0);
  assert.equal(body.toPose().points.nose, null);
  assert.equal(body.nearest(50, 10, 5), -1);
  body.flip(0);
  assert.deepEqual(body.points[0], [50, 10]);
  assert.equal(readPose(POSE, BODY, 1, 1).width, 101);
  const flat = { people: [{ pose_keypoints_2d: [1, 2, 1, 3, 4, 1, 0, 0, 0, 5, 6, 1, 7, 8, 1] }] };
  assert.deepEqual(readPose(flat, BODY, 9, 9), { width: 9, height: 9, points: { nose: [1, 2], neck: [3, 4], r_shoulder: null, r_elbow: [5, 6], l_shoulder: [7, 8] } });
  assert.equal(readPose([[1, 2]], BODY, 9, 9), null);
  assert.equal(readPose("x", BODY, 9, 9), null);
});

test("strokes are painted one by one, forth and back", () => {
  const stroke = (rgb, x) => ({ p0: [x, 0.5], p1: [x, 0.5], p2: [x, 0.5], r0: 0.1, r2: 0.1, a0: 1, a2: 1, rgb, clip: [0, 0, 1, 1] });
  const file = { canvas: "#000000", size: [64, 64], strokes: [stroke([1, 0, 0], 0.25), stroke([0, 1, 0], 0.75), { ...stroke([0, 0, 1], 0.25), clip: [0, 0, 0.25, 1] }] };
  const painting = new Painting(file, 64);
  const colour = (x) => [...painting.pixels().subarray(4 * (32 * 64 + x), 4 * (32 * 64 + x) + 3)];
  assert.deepEqual(colour(16), [0, 0, 0]);
  painting.goTo(1);
  assert.deepEqual([colour(16), colour(48)], [[255, 0, 0], [0, 0, 0]]);
  painting.goTo(3);
  assert.deepEqual([colour(12), colour(18), colour(48)], [[0, 0, 255], [255, 0, 0], [0, 255, 0]]); // the clip's edge is at 16
  painting.goTo(1);
  assert.deepEqual([colour(12), colour(48)], [[255, 0, 0], [0, 0, 0]]);
});

test("colours that are no class's are the nearest one's, in the part that a photo fills", () => {
  const pixels = Uint8Array.from([[10, 10, 10], [200, 200, 200]].flatMap((colour) => [...colour, 255]));
  const ids = readColours(pixels, 2, 1, [[0, 0, 0], [255, 255, 255]], 4, { x0: 0, y0: 1, x1: 4, y1: 3 });
  assert.deepEqual([...ids], [0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0]);
  assert.deepEqual(fitted(200, 100), { x: 0, y: 0.25, width: 1, height: 0.5 });
});

test("a map that is no square is written with its own height", async () => {
  const file = new DataView(await (await writePng(new Uint8Array(6), 3, { palette: [[0, 0, 0]] })).arrayBuffer());
  assert.deepEqual([file.getUint32(16), file.getUint32(20)], [3, 2]);
});
