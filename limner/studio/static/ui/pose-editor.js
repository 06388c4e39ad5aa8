// The editor of poses: joints are dragged on a stick figure over the photo.

import * as api from "../core/api.js";
import { Skeleton, readPose } from "../core/skeleton.js";
import { fitted } from "../core/view.js";
import { CanvasEditor, WAYS, outline } from "./canvas-editor.js";
import { button, guarded, isPressed, isWriting, loaded, pressOne, random, say, toggle, toolbar, words } from "./dom.js";

const COLOURS = { l_: "#2f8fff", r_: "#ff6a3d" };
const upload = (pose) => api.upload(api.jsonFile(pose), { kind: "keypoints", name: "pose.json" });

/** A figure, or several that the user switches between: the pose that is wanted, the pose in the photo. */
export class PoseEditor extends CanvasEditor {
	/** @param {object} options  schema: of the points; fields: those of key points; changed() */
	constructor({ schema, fields, changed, signal }) {
		super("pose", "Pose: drag a joint, or choose one with comma and full stop and move it with the arrow keys", signal);
		this.schema = schema;
		this.changed = changed;
		this.figures = {}; // by the names of fields
		this.titles = Object.fromEntries(fields.map((field) => [field.name, field.title]));
		this.shown = fields[0].name;
		this.joint = -1;
		this.backdrop = null;
		this.#build(fields);
	}

	get history() {
		return this.figure;
	}

	get figure() {
		return this.figures[this.shown];
	}

	/** What the form sends for one of the fields. */
	control(name) {
		return {
			get: async () => (this.figures[name] ? (await upload(this.figures[name].toPose())).id : undefined),
			set: async (id) => this.setPose(name, await (await fetch(api.assetUrl(id))).json()),
		};
	}

	setPose(name, pose) {
		if (this.figures[name]) this.figures[name].setPose(pose);
		else this.figures[name] = new Skeleton(this.schema, pose);
		this.refresh();
	}

	async openPose(id, name) {
		const { naturalWidth = 256, naturalHeight = 256 } = this.backdrop ?? {};
		const pose = readPose(await (await fetch(api.assetUrl(id))).json(), this.schema, naturalWidth, naturalHeight);
		if (!pose) throw new api.Problem(`${name} is no file of one pose; docs/pose-transfer.md lists the forms.`);
		this.setPose(this.shown, pose);
	}

	async setBackdrop(url) {
		this.backdrop = url ? await loaded(url) : null;
		this.show();
	}

	async roll(name = this.shown) {
		const { keypoints } = await api.person("body", random());
		this.setPose(name, keypoints.pose);
		this.changed();
	}

	#build(fields) {
		this.lock = toggle("Lock limbs", () => {}, { key: "K", id: "lock-limbs", title: "Limbs keep their lengths (K)" });
		this.lock.flip();
		this.which = fields.map((field) => button(field.title, () => this.#choose(field.name), { data: { figure: field.name } }));
		pressOne(this.which, "figure", this.shown);
		this.tools = toolbar(...(fields.length > 1 ? this.which : []), this.lock,
			button("Hide joint", () => this.#hide(), { key: "H", id: "hide" }),
			button("Mirror", () => this.#edit(() => this.figure.mirror()), { key: "S", id: "mirror" }),
			this.pinned,
			this.zoomButtons(),
			button("Another", guarded(() => this.roll()), { id: "another-pose", title: "The pose of somebody that code drew" }));
		this.refresh();
	}

	#choose(name) {
		this.shown = name;
		this.joint = -1;
		pressOne(this.which, "figure", name);
		this.refresh();
		if (!this.figure) say(`There is no ${this.titles[name]} yet; Another takes one, or open a file.`);
	}

	// ---- the canvas: the picture's frame lies in the middle of the square

	get #frame() {
		const { width, height } = this.figure ?? { width: 1, height: 1 };
		const side = Math.max(width, height);
		return { side, left: (side - width) / 2, top: (side - height) / 2 };
	}

	#toSquare([x, y]) {
		const { side, left, top } = this.#frame;
		return [(x + 0.5 + left) / side, (y + 0.5 + top) / side];
	}

	#toPicture(x, y) {
		const { side, left, top } = this.#frame;
		return [x * side - left - 0.5, y * side - top - 0.5];
	}

	paint(context, side) {
		if (this.backdrop) {
			const box = fitted(this.backdrop.naturalWidth, this.backdrop.naturalHeight);
			this.drawImage(context, this.backdrop, side, { alpha: 0.45, box });
		}
		if (!this.figure) return;
		const at = (point) => this.view.outside(...this.#toSquare(point)).map((share) => share * side);
		const { points, limbs, names } = this.figure;
		const colour = (name) => COLOURS[name.slice(0, 2)] ?? "#7a5cff";
		context.lineCap = "round";
		for (const [from, to] of limbs) {
			if (!points[from] || !points[to]) continue;
			const limb = () => [context.moveTo(...at(points[from])), context.lineTo(...at(points[to]))];
			outline(context, limb, [["#ffffff", 8], [colour(names[to]), 5]]);
		}
		points.forEach((point, number) => {
			if (!point) return;
			const isChosen = number === this.joint;
			outline(context, () => {
				context.arc(...at(point), (isChosen ? 9 : 6) * devicePixelRatio, 0, 2 * Math.PI);
				context.fillStyle = isChosen ? "#111111" : colour(names[number]);
				context.fill();
			}, [["#ffffff", 2]]);
		});
	}

	down(event, x, y) {
		if (!this.figure) return;
		const [px, py] = this.#toPicture(x, y);
		const within = (24 / this.canvas.clientWidth / this.view.scale) * this.#frame.side;
		this.joint = this.figure.nearest(px, py, within);
		this.#speak();
		if (this.joint < 0) return this.show();
		this.figure.begin();
		this.isHeld = true;
	}

	move(event, x, y) {
		if (!this.isHeld) return;
		this.figure.move(this.joint, ...this.#toPicture(x, y), isPressed(this.lock));
		this.show();
		this.changed();
	}

	up() {
		if (!this.isHeld) return this.show();
		this.isHeld = false;
		this.#finish();
	}

	#finish() {
		if (this.figure.end()) this.changed();
		this.refresh();
	}

	#edit(action) {
		if (!this.figure) return;
		this.figure.begin();
		action();
		this.#finish();
	}

	#hide() {
		this.#edit(() => this.joint >= 0 && this.figure.flip(this.joint));
	}

	key(event, key, isControl) {
		if (isControl || event.altKey || isWriting(event.target) || !this.figure) return false;
		const isHere = document.activeElement === this.canvas;
		const actions = {
			k: () => this.lock.flip(),
			s: () => this.#edit(() => this.figure.mirror()),
			h: () => this.#hide(),
			",": () => this.#next(-1),
			".": () => this.#next(1),
		};
		if (isHere && WAYS[key]) this.#nudge(...WAYS[key], event.shiftKey ? 8 : 1);
		else if (actions[key]) actions[key]();
		else return this.viewKey(key);
		return true;
	}

	#next(way) {
		const count = this.schema.points.length;
		this.joint = (this.joint + way + count) % count;
		this.#speak();
		this.show();
	}

	#nudge(right, down, step) {
		if (this.joint < 0) this.#next(1);
		const point = this.figure.points[this.joint];
		if (!point) return;
		this.#edit(() => this.figure.move(this.joint, point[0] + right * step, point[1] + down * step, isPressed(this.lock)));
		this.#speak();
	}

	#speak() {
		const point = this.figure.points[this.joint];
		const place = point ? `at ${Math.round(point[0])}, ${Math.round(point[1])}` : "hidden";
		this.spoken.textContent = this.joint < 0 ? "" : `${words(this.schema.points[this.joint])} ${place}`;
	}
}
