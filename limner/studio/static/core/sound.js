// Speech as the studio stores it: WAV, one channel, 16 bits, 16,000 samples a second. No DOM.

export const RATE = 16000;
const HEAD = 44; // bytes before the samples

/** Samples in [-1, 1] of a file that the server wrote. */
export function readWav(buffer) {
	const view = new DataView(buffer);
	return Float32Array.from({ length: (buffer.byteLength - HEAD) >> 1 }, (_, at) => view.getInt16(HEAD + 2 * at, true) / 32768);
}

/** The bytes of a WAV file. */
export function writeWav(samples) {
	const view = new DataView(new ArrayBuffer(HEAD + 2 * samples.length));
	const text = (at, word) => [...word].forEach((letter, place) => view.setUint8(at + place, letter.charCodeAt(0)));
	text(0, "RIFF");
	view.setUint32(4, 36 + 2 * samples.length, true);
	text(8, "WAVEfmt ");
	for (const [at, value] of [[16, 16], [24, RATE], [28, 2 * RATE], [40, 2 * samples.length]]) view.setUint32(at, value, true);
	for (const [at, value] of [[20, 1], [22, 1], [32, 2], [34, 16]]) view.setUint16(at, value, true);
	text(36, "data");
	samples.forEach((value, at) => view.setInt16(HEAD + 2 * at, Math.round(Math.max(-1, Math.min(1, value)) * 32767), true));
	return view.buffer;
}

/** The loudest sample of each of so many equal parts. */
export function peaks(samples, count) {
	return Array.from({ length: count }, (_, part) => {
		const [from, to] = [part, part + 1].map((at) => Math.floor((at * samples.length) / count));
		return samples.subarray(from, to).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
	});
}
