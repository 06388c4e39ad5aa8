// Speech: a file or the microphone, its waveform, trimmed, heard.

import * as api from "../core/api.js";
import { RATE, peaks, readWav, writeWav } from "../core/sound.js";
import { button, el, group, guarded, range, row, say } from "./dom.js";
import { fileButton } from "./photo.js";

const upload = (samples, name) => api.upload(new Blob([writeWav(samples)], { type: "audio/wav" }), { name });

export class AudioControl {
	isWide = true;

	constructor({ title, name }, { changed, signal }) {
		this.changed = changed;
		this.wave = el("canvas", { width: 800, height: 80, className: "wave", role: "img", "aria-label": `Waveform of ${title}` });
		this.player = el("audio", { controls: true });
		this.record = button("Record", guarded(() => this.#record()), { id: "record", "aria-pressed": "false" });
		const end = (text, value) => range({ min: 0, max: 1, step: 0.005, value, "aria-label": text }, () => this.#paint(), guarded(() => this.#trim()));
		[this.from, this.to] = [end("Begin", 0), end("End", 1)];
		this.more = el("div", { className: "trim", hidden: true }, this.wave, this.from, this.to, this.player);
		this.element = group("audio", title, name,
			row(fileButton("Open", ".wav,.mp3,audio/wav,audio/mpeg", (file) => this.#open(file)), this.record), this.more);
		signal.addEventListener("abort", () => this.recorder?.state === "recording" && this.recorder.stop());
	}

	get() {
		return this.id;
	}

	async set(id) {
		this.whole = readWav(await (await fetch(api.assetUrl(id))).arrayBuffer());
		[this.from.value, this.to.value] = [0, 1];
		this.#use(id);
	}

	#use(id) {
		this.id = id;
		this.player.src = api.assetUrl(id);
		this.more.hidden = false;
		this.#paint();
	}

	async #open(file) {
		const type = /mp3|mpeg/.test(file.type + file.name) ? "audio/mpeg" : "audio/wav";
		await this.set((await api.upload(new Blob([file], { type }), { name: file.name })).id);
		this.changed();
	}

	get #ends() {
		const ends = [this.from, this.to].map((input) => Math.round(Number(input.value) * this.whole.length));
		return ends.sort((one, other) => one - other);
	}

	async #trim() {
		const [from, to] = this.#ends;
		if (to - from < RATE / 5) throw new api.Problem("Leave at least a fifth of a second of speech.");
		this.#use((await upload(this.whole.subarray(from, to), "trimmed.wav")).id);
		this.changed();
	}

	#paint() {
		const context = this.wave.getContext("2d");
		const { width, height } = this.wave;
		const [from, to] = this.#ends.map((at) => (at / this.whole.length) * width);
		const ink = getComputedStyle(this.wave);
		context.clearRect(0, 0, width, height);
		peaks(this.whole, width / 2).forEach((peak, at) => {
			context.fillStyle = 2 * at >= from && 2 * at < to ? ink.color : ink.borderColor;
			context.fillRect(2 * at, (height / 2) * (1 - peak), 1.5, Math.max(1, height * peak));
		});
	}

	async #record() {
		if (this.recorder?.state === "recording") return this.recorder.stop();
		let stream;
		try {
			stream = await navigator.mediaDevices.getUserMedia({ audio: true });
		} catch {
			throw new api.Problem("The microphone cannot be used; allow it for this page, or open a file.");
		}
		const parts = [];
		this.recorder = new MediaRecorder(stream);
		this.recorder.ondataavailable = ({ data }) => parts.push(data);
		this.recorder.onstop = guarded(async () => {
			stream.getTracks().forEach((track) => track.stop());
			this.record.textContent = "Record";
			const sound = await new AudioContext({ sampleRate: RATE }).decodeAudioData(await new Blob(parts).arrayBuffer());
			await this.set((await upload(sound.getChannelData(0), "recording.wav")).id);
			this.changed();
		});
		this.recorder.start();
		this.record.textContent = "Stop";
		say("recording…");
	}
}
