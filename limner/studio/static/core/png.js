// Label maps as palette PNGs that know their schema, written without a canvas, which would mix colours. No DOM.

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
	let value = byte;
	for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
	return value;
});

function checksum(bytes) {
	let value = 0xffffffff;
	for (const byte of bytes) value = TABLE[(value ^ byte) & 255] ^ (value >>> 8);
	return (value ^ 0xffffffff) >>> 0;
}

function chunk(kind, data) {
	const found = new Uint8Array(12 + data.length);
	const view = new DataView(found.buffer);
	view.setUint32(0, data.length);
	found.set(new TextEncoder().encode(kind), 4);
	found.set(data, 8);
	view.setUint32(8 + data.length, checksum(found.subarray(4, 8 + data.length)));
	return found;
}

async function packed(bytes) {
	const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate"));
	return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** The bytes of an indexed PNG of ids; its text `limner:schema` is the schema's JSON. */
export async function writePng(ids, width, schema) {
	const height = ids.length / width;
	const head = new DataView(new ArrayBuffer(13));
	head.setUint32(0, width);
	head.setUint32(4, height);
	head.setUint8(8, 8); // bits a pixel
	head.setUint8(9, 3); // colours of a palette
	const rows = new Uint8Array(height * (width + 1)); // each row after a zero: no filter
	for (let row = 0; row < height; row++) rows.set(ids.subarray(row * width, (row + 1) * width), row * (width + 1) + 1);
	const note = new TextEncoder().encode(`limner:schema\0\0\0\0\0${JSON.stringify(schema)}`);
	const parts = [
		Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10),
		chunk("IHDR", new Uint8Array(head.buffer)),
		chunk("PLTE", Uint8Array.from(schema.palette.flat())),
		chunk("iTXt", note),
		chunk("IDAT", await packed(rows)),
		chunk("IEND", new Uint8Array()),
	];
	return new Blob(parts, { type: "image/png" });
}
