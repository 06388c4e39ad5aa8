"""Every kind of file that users bring: converted where it has one meaning, refused in one sentence where not."""

from __future__ import annotations

import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from limner.data import image_io
from limner.data.image_io import (
    check_same_shape,
    label_map_from_pil,
    photo_from_pil,
    picture_size,
    read_any_picture,
    read_label_map,
    read_mask,
    read_part_mask,
    read_photo,
    save_label_map,
    turn_points_with_photo,
)
from limner.data.schema import SCHEMAS, LabelSchema
from limner.errors import DataError

SCHEMA = SCHEMAS["celebamask-19"]
RED = (200, 30, 40)


def picture(mode="RGB", color=RED, size=(6, 4)):
    return Image.new(mode, size, color)


def test_rgb_is_read_as_it_is(tmp_path):
    picture().save(tmp_path / "a.png")
    pixels = read_photo(tmp_path / "a.png")
    assert pixels.shape == (4, 6, 3) and pixels.dtype == np.uint8 and pixels[0, 0].tolist() == list(RED)


@pytest.mark.parametrize(
    ("mode", "color", "expected"),
    [
        ("L", 77, (77, 77, 77)),
        ("1", 1, (255, 255, 255)),
        ("CMYK", (0, 255, 255, 0), (255, 0, 0)),
        ("YCbCr", (76, 85, 255), (254, 0, 0)),
    ],
)
def test_modes_with_one_meaning_are_converted(tmp_path, mode, color, expected):
    path = tmp_path / ("a.png" if mode in ("L", "1") else "a.jpg")
    picture(mode, color).save(path)
    assert np.abs(read_photo(path)[0, 0].astype(int) - expected).max() <= 3


def test_palette_photo_is_converted(tmp_path):
    picture().quantize(4).save(tmp_path / "a.png")
    assert np.abs(read_photo(tmp_path / "a.png")[0, 0].astype(int) - RED).max() <= 8


def test_exif_orientation_is_applied(tmp_path):
    pixels = np.zeros((4, 6, 3), dtype=np.uint8)
    pixels[:, 0] = 255  # a white left edge
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: show it rotated clockwise
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    upright = read_photo(tmp_path / "a.png")
    assert upright.shape == (6, 4, 3) and upright[0].min() == 255 and upright[1:].max() == 0


def test_opaque_alpha_is_dropped_and_transparency_refused(tmp_path):
    picture("RGBA", (*RED, 255)).save(tmp_path / "a.png")
    assert read_photo(tmp_path / "a.png")[0, 0].tolist() == list(RED)
    picture("RGBA", (*RED, 100)).save(tmp_path / "b.png")
    with pytest.raises(DataError, match="transparent pixels: flatten it"):
        read_photo(tmp_path / "b.png")
    picture("P", 0).save(tmp_path / "c.png", transparency=0)
    with pytest.raises(DataError, match="transparent"):
        read_photo(tmp_path / "c.png")


def write_truncated(path):
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)).save(path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def write_16_bit(path):
    Image.fromarray(np.full((4, 4), 3000, dtype=np.uint16)).save(path)


def write_16_bit_rgb(path):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 2, 2, 16, 2, 0, 0, 0)
    rows = zlib.compress((b"\0" + bytes(12)) * 2)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b""))


def write_broken_png(path):
    picture(size=(64, 64)).save(path)
    content = bytearray(path.read_bytes())
    content[content.index(b"IDAT") + 8] ^= 0xFF
    path.write_bytes(bytes(content))


def write_animation(path):
    frames = [Image.new("L", (4, 4), value) for value in (0, 200)]
    frames[0].save(path.with_suffix(".gif"), save_all=True, append_images=frames[1:])
    path.with_suffix(".gif").rename(path)


BROKEN = {
    "truncated.jpg": (write_truncated, "truncated or damaged"),
    "truncated.png": (write_truncated, "truncated or damaged"),
    "broken.png": (write_broken_png, "truncated or damaged"),
    "empty.jpg": (lambda path: path.write_bytes(b""), "not a picture in a format"),
    "text.png": (lambda path: path.write_text("hello"), "not a picture in a format"),
    "16bit.png": (write_16_bit, "16 "),
    "16bit-rgb.png": (write_16_bit_rgb, "16 "),
    "animation.gif": (write_animation, "several frames"),
    "folder.png": (lambda path: path.mkdir(), "is a folder"),
    "missing.png": (lambda path: None, "is missing"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files_are_refused_naming_the_file(tmp_path, name):
    write, message = BROKEN[name]
    write(tmp_path / name)
    readers = [read_photo, read_part_mask]
    if not name.endswith(".jpg"):  # a JPEG is refused as a label map whether it is whole or not
        readers.append(lambda path: read_label_map(path, SCHEMA))
    for read in readers:
        with pytest.raises(DataError, match=message) as caught:
            read(tmp_path / name)
        assert name in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file(tmp_path):
    picture().save(tmp_path / "a.png")
    (tmp_path / "a.png").chmod(0)
    with pytest.raises(DataError, match="may not be read"):
        read_photo(tmp_path / "a.png")


def test_huge_pictures_are_refused(tmp_path, monkeypatch):
    picture(size=(30, 20)).save(tmp_path / "a.png")
    monkeypatch.setattr(image_io, "MAX_PIXELS", 500)
    with pytest.raises(DataError, match="more than"):
        read_photo(tmp_path / "a.png")
    monkeypatch.setattr(image_io, "MAX_PIXELS", 10**9)
    for limit in (400, 100):  # Pillow warns above its limit and refuses above twice its limit
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
        with pytest.raises(DataError, match="more than"):
            read_photo(tmp_path / "a.png")


def test_label_maps_grey_palette_and_painted_are_the_same(tmp_path, draw_face):
    face = draw_face()
    Image.fromarray(face).save(tmp_path / "grey.png")
    save_label_map(tmp_path / "palette.png", face, SCHEMA)
    Image.fromarray(SCHEMA.colorize(face)).save(tmp_path / "painted.png")
    rgba = np.dstack([SCHEMA.colorize(face), np.full(face.shape, 255, np.uint8)])
    Image.fromarray(rgba).save(tmp_path / "painted-opaque.png")
    for name in ("grey", "palette", "painted", "painted-opaque"):
        label_map = read_label_map(tmp_path / f"{name}.png", SCHEMA)
        assert label_map.dtype == np.uint8 and (label_map == face).all(), name
    with Image.open(tmp_path / "palette.png") as opened:
        assert opened.mode == "P" and (np.asarray(opened.convert("RGB")) == SCHEMA.colorize(face)).all()


def test_a_one_bit_map_has_two_classes(tmp_path):
    Image.fromarray(np.eye(4, dtype=bool)).save(tmp_path / "a.png")
    assert (read_label_map(tmp_path / "a.png", SCHEMA) == np.eye(4)).all()


def test_label_maps_with_wrong_content_are_refused(tmp_path, draw_face):
    Image.fromarray(draw_face()).save(tmp_path / "a.jpg")
    with pytest.raises(DataError, match=r"a\.jpg is a JPEG file, which changes class ids"):
        read_label_map(tmp_path / "a.jpg", SCHEMA)
    Image.fromarray(np.full((4, 4), 21, np.uint8)).save(tmp_path / "b.png")
    with pytest.raises(DataError, match=r'b\.png has class id 21, but schema "celebamask-19" has ids 0\.\.18'):
        read_label_map(tmp_path / "b.png", SCHEMA)
    picture(color=(1, 2, 3)).save(tmp_path / "c.png")
    with pytest.raises(DataError, match=r"c\.png has the colour \(1, 2, 3\), which is not in the palette"):
        read_label_map(tmp_path / "c.png", SCHEMA)
    picture("RGBA", (0, 0, 0, 9)).save(tmp_path / "d.png")
    with pytest.raises(DataError, match="transparent"):
        read_label_map(tmp_path / "d.png", SCHEMA)
    with pytest.raises(DataError, match="colour mode CMYK"):
        label_map_from_pil(picture("CMYK", (0, 0, 0, 0)), SCHEMA)


def test_saving_a_map_with_foreign_ids_is_refused(tmp_path):
    with pytest.raises(DataError, match="class id 30"):
        save_label_map(tmp_path / "a.png", np.full((2, 2), 30, np.uint8), SCHEMA)
    assert not (tmp_path / "a.png").exists()


def test_pictures_in_memory(draw_face):
    assert photo_from_pil(picture("L", 9))[0, 0].tolist() == [9, 9, 9]
    assert (label_map_from_pil(Image.fromarray(draw_face()), SCHEMA) == draw_face()).all()
    with pytest.raises(DataError, match="The image has transparent"):
        photo_from_pil(picture("RGBA", (1, 1, 1, 1)))


def test_part_masks_are_cut_at_half(tmp_path):
    Image.fromarray(np.array([[0, 127, 128, 255]], dtype=np.uint8)).save(tmp_path / "a.png")
    assert read_part_mask(tmp_path / "a.png").tolist() == [[False, False, True, True]]


@pytest.mark.parametrize(
    ("image", "label_map", "fits"),
    [
        ((64, 64), (64, 64), True),
        ((1024, 1024), (512, 512), True),
        ((256, 169), (512, 338), True),
        ((1024, 683), (512, 341), True),
        ((64, 64), (64, 63), False),
        ((64, 64), (32, 48), False),
        ((218, 178), (128, 128), False),
    ],
)
def test_sizes_fit_when_the_aspect_does(image, label_map, fits):
    arrays = np.zeros((*image, 3), np.uint8), np.zeros(label_map, np.uint8)
    if fits:
        check_same_shape(*arrays, "a.jpg")
    else:
        with pytest.raises(DataError, match="both must show the same crop"):
            check_same_shape(*arrays, "a.jpg")


# --- pictures are opened in one place, in the formats that are meant -------------------------------------------------


def test_a_file_that_would_run_a_program_is_refused(tmp_path, monkeypatch):
    """Pillow hands PostScript to Ghostscript, whatever the file is called; `{} loop` runs for ever."""
    from PIL import EpsImagePlugin

    monkeypatch.setattr(EpsImagePlugin, "gs_binary", str(tmp_path / "gs"))  # a program that leaves a trace
    (tmp_path / "gs").write_text(f"#!/bin/sh\ntouch {tmp_path}/was-run\n")
    (tmp_path / "gs").chmod(0o755)
    (tmp_path / "a.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n{} loop\n")
    for read in (read_photo, read_any_picture, read_mask, picture_size, lambda path: read_label_map(path, SCHEMA)):
        with pytest.raises(DataError, match=r"a.png is not a picture in a format that is read"):
            read(tmp_path / "a.png")
    assert not (tmp_path / "was-run").exists()


@pytest.mark.parametrize("kind", ["PPM", "TGA", "PCX", "ICO", "JPEG2000"])
def test_formats_that_are_not_meant_are_refused(tmp_path, kind):
    picture().save(tmp_path / "a.png", format=kind)
    with pytest.raises(DataError, match="not a picture in a format that is read"):
        read_photo(tmp_path / "a.png")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "MPO"])
def test_formats_that_are_meant_are_read(tmp_path, kind):
    picture().save(tmp_path / "a.png", format=kind)
    assert np.abs(read_any_picture(tmp_path / "a.png")[0, 0].astype(int) - RED).max() <= 12  # JPEG and WebP lose some


# --- maps whose palette was renumbered ------------------------------------------------------------------------------


def renumbered(order, schema=SCHEMA):
    """A palette picture of ids `order` in the schema's colours, numbered as they come, as editors do."""
    image = Image.fromarray(np.arange(len(order), dtype=np.uint8)[None].repeat(4, axis=0))
    image.putpalette([value for index in order for value in schema.palette[index]])
    return image


@pytest.mark.parametrize("kind", ["PNG", "BMP", "GIF", "TIFF", None])
def test_colours_of_a_renumbered_palette_are_read(tmp_path, kind):
    image = renumbered([1, 0, 13, 4])
    if kind is None:
        ids = label_map_from_pil(image, SCHEMA)
    else:
        image.save(tmp_path / "map.png", format=kind)
        ids = read_label_map(tmp_path / "map.png", SCHEMA)
    assert ids[0].tolist() == [1, 0, 13, 4]


def test_palettes_of_other_colours_leave_the_values(tmp_path):
    image = Image.fromarray(np.array([[0, 1, 18]], dtype=np.uint8))
    for palette in ([7, 7, 7] * 256, [value for value in range(256) for _ in range(3)], list(range(57))):
        image.putpalette(palette)
        assert label_map_from_pil(image, SCHEMA).tolist() == [[0, 1, 18]]


def test_a_palette_that_reads_two_ways_is_refused():
    image = renumbered([1, 0, 0])  # two values of one colour
    with pytest.raises(DataError, match="one colour at several"):
        label_map_from_pil(image, SCHEMA)


def test_a_grey_ramp_is_no_palette_of_the_schema():
    """A mask of 0 and 255 whose palette is the grey ramp has the two colours of `subject`."""
    subject = LabelSchema("subject", ("background", "subject"), ((0, 0, 0), (255, 255, 255)))
    image = Image.fromarray(np.array([[0, 255]], dtype=np.uint8))
    image.putpalette([value for value in range(256) for _ in range(3)])
    assert label_map_from_pil(image, subject).tolist() == [[0, 1]]


# --- maps of photos that their EXIF entry turns ---------------------------------------------------------------------


def with_orientation(image, number, path):
    exif = Image.Exif()
    exif[0x0112] = number
    image.save(path, exif=exif)


UNTURNED = {2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}
"""The orientation that undoes another."""


@pytest.mark.parametrize("number", range(2, 9))
@pytest.mark.parametrize("size", [(64, 64), (64, 48)])
def test_a_map_is_turned_with_its_photo(tmp_path, draw_face, number, size):
    face = Image.fromarray(draw_face(64)).resize(size, Image.Resampling.NEAREST)
    upright = {"photo": Image.fromarray(SCHEMA.colorize(np.asarray(face))), "map": face}
    expected = np.asarray(upright["map"])
    stored = {name: image_io._turned(image, UNTURNED[number]) for name, image in upright.items()}
    with_orientation(stored["photo"], number, tmp_path / "photo.png")
    assert np.array_equal(read_photo(tmp_path / "photo.png"), np.asarray(upright["photo"]))
    width, height = picture_size(tmp_path / "photo.png")
    assert (height, width) == expected.shape
    with_orientation(stored["map"], number, tmp_path / "own-entry.png")
    stored["map"].save(tmp_path / "as-stored.png")
    upright["map"].save(tmp_path / "upright.png")
    for name in ("own-entry", "as-stored", "upright"):
        ids = read_label_map(tmp_path / f"{name}.png", SCHEMA, photo=tmp_path / "photo.png")
        assert np.array_equal(ids, expected), name
    assert np.array_equal(read_label_map(tmp_path / "own-entry.png", SCHEMA), expected)


def test_a_map_that_does_not_show_whether_it_is_turned_is_refused(tmp_path):
    with_orientation(picture(), 3, tmp_path / "photo.png")
    Image.new("L", (6, 4), 1).save(tmp_path / "map.png")
    with pytest.raises(DataError, match=r"turned or mirrored by its EXIF orientation \(3\).*give the map the same"):
        read_label_map(tmp_path / "map.png", SCHEMA, photo=tmp_path / "photo.png")


def test_part_masks_are_turned_by_their_own_entry(tmp_path):
    mask = np.zeros((4, 6), dtype=np.uint8)
    mask[:, 0] = 255
    with_orientation(Image.fromarray(mask), 6, tmp_path / "skin.png")
    assert read_part_mask(tmp_path / "skin.png").tolist() == [[True] * 4] + [[False] * 4] * 5


# --- more than 8 bits ----------------------------------------------------------------------------------------------

READERS = (read_any_picture, read_photo, read_mask, lambda path: read_part_mask(path) * np.uint8(255))
RAMP = np.linspace(0, 1, 12).reshape(3, 4)


def write_deep_png(path, values):
    """Values (h, w) or (h, w, 3) of 16 bits as PNG, which Pillow itself does not write in colour."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width = values.shape[:2]
    head = struct.pack(">IIBBBBB", width, height, 16, 2 if values.ndim == 3 else 0, 0, 0, 0)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    data = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + data)


def write_tiff(path, values, *, bits=None, photometric=None):
    """Values (h, w) or (h, w, 3) as an uncompressed TIFF; `bits` of 12 packs two values into three bytes."""
    kind = values.dtype.kind
    samples, bits = 3 if values.ndim == 3 else 1, bits or 8 * values.dtype.itemsize
    data = values.astype(values.dtype.newbyteorder("<")).tobytes()
    if bits == 12:
        pairs = values.reshape(-1, 2).astype(int)
        packed = [((a << 12 | b) >> 16 & 255, (a << 12 | b) >> 8 & 255, (a << 12 | b) & 255) for a, b in pairs]
        data = bytes(byte for three in packed for byte in three)
    light = (2 if samples == 3 else 1) if photometric is None else photometric
    tags = [(256, values.shape[1]), (257, values.shape[0]), (258, bits), (259, 1), (262, light), (273, 512)]
    tags += [(277, samples), (278, values.shape[0]), (279, len(data)), (339, {"u": 1, "i": 2, "f": 3}[kind])]
    content = struct.pack("<2sHIH", b"II", 42, 8, len(tags))
    for tag, value in tags:
        if tag in (258, 339) and samples == 3:
            content += struct.pack("<HHII", tag, 3, 3, 400 if tag == 258 else 420)
        else:
            content += struct.pack("<HHII", tag, 4 if tag in (273, 279) else 3, 1, value)
    content = content.ljust(400, b"\0") + struct.pack("<3H", bits, bits, bits).ljust(20, b"\0")
    content += struct.pack("<3H", *[tags[-1][1]] * 3)
    path.write_bytes(content.ljust(512, b"\0") + data)


DEEP = {
    "float.tiff": lambda path: write_tiff(path, RAMP.astype(np.float32)),
    "16 bits.tiff": lambda path: write_tiff(path, np.round(RAMP * 65535).astype(np.uint16)),
    "16 bits, black is the largest.tiff": lambda path: write_tiff(
        path, np.round((1 - RAMP) * 65535).astype(np.uint16), photometric=0
    ),
    "12 bits that say so.tiff": lambda path: write_tiff(path, np.round(RAMP * 4095).astype(np.uint16), bits=12),
    "16 bits in 32.tiff": lambda path: write_tiff(path, np.round(RAMP * 65535).astype(np.int32).view(np.uint32)),
    "colours of 16 bits.tiff": lambda path: write_tiff(
        path, np.round(RAMP[..., None] * [65535, 65535, 65535]).astype(np.uint16)
    ),
    "16 bits.png": lambda path: write_deep_png(path, np.round(RAMP * 65535)),
    "colours of 16 bits.png": lambda path: write_deep_png(path, np.round(RAMP[..., None] * [65535, 65535, 65535])),
}


@pytest.mark.parametrize("name", DEEP)
def test_deep_pictures_with_a_known_white_are_read(tmp_path, name):
    DEEP[name](tmp_path / name)
    for read in READERS:
        pixels = read(tmp_path / name)
        grey = (pixels if pixels.ndim == 2 else pixels[..., 1]).astype(int)
        expected = RAMP * 255 if read is not READERS[-1] else np.where(RAMP > 0.5, 255, 0)
        assert np.abs(grey - expected).max() <= 1  # the upper 8 of 16 bits are up to one less than rounded
    with Image.open(tmp_path / name) as picture:
        assert np.array_equal(photo_from_pil(picture), read_photo(tmp_path / name))
    with pytest.raises(DataError, match="16 or more bits per pixel"):
        read_label_map(tmp_path / name, SCHEMA)


def test_a_black_deep_picture_is_black(tmp_path):
    write_deep_png(tmp_path / "a.png", np.zeros((3, 4)))
    assert read_photo(tmp_path / "a.png").max() == 0


DARK = {
    "floats to 255.tiff": (lambda path: write_tiff(path, (RAMP * 255).astype(np.float32)), "values outside 0..1"),
    "no numbers.tiff": (lambda path: write_tiff(path, np.full((3, 4), np.nan, np.float32)), "values outside 0..1"),
    "8 bits in 32.tiff": (lambda path: write_tiff(path, (RAMP * 255).astype(np.uint32)), "32 bits per pixel"),
    "31 bits.tiff": (lambda path: write_tiff(path, (RAMP * (2**31 - 1)).astype(np.int32)), "signed values"),
    "signed 16 bits.tiff": (lambda path: write_tiff(path, (RAMP * 32767).astype(np.int16)), "signed values"),
    "12 bits.tiff": (lambda path: write_tiff(path, (RAMP * 4095).astype(np.uint16)), "at most 12 of its 16 bits"),
    "12 bits.png": (lambda path: write_deep_png(path, RAMP * 4095), "at most 12 of its 16 bits"),
    "colours of 12 bits.tiff": (
        lambda path: write_tiff(path, (RAMP[..., None] * [4095, 4095, 4095]).astype(np.uint16)),
        "at most 12 of its 16 bits",
    ),
    "colours of 12 bits.png": (
        lambda path: write_deep_png(path, RAMP[..., None] * [4095, 4095, 4095]),
        "at most 12 of its 16 bits",
    ),
    "colours of 8 bits in 16.png": (
        lambda path: write_deep_png(path, RAMP[..., None] * [255, 255, 255]),
        "at most 12 of its 16 bits",
    ),
    "colours of floats.tiff": (
        lambda path: write_tiff(path, (RAMP[..., None] * [1.0, 1.0, 1.0]).astype(np.float32)),
        "a TIFF of a kind that is not read.*8 bits",
    ),
}


@pytest.mark.parametrize("name", DARK)
def test_deep_pictures_that_would_come_out_black_are_refused(tmp_path, name):
    write, words = DARK[name]
    write(tmp_path / name)
    for read in READERS:
        with pytest.raises(DataError, match=words) as caught:
            read(tmp_path / name)
        assert name in str(caught.value) and "\n" not in str(caught.value)
    with pytest.raises(DataError, match=r"16 or more bits per pixel|of a kind that is not read"):
        read_label_map(tmp_path / name, SCHEMA)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_points_are_turned_with_their_photo(tmp_path, orientation):
    pixels = np.zeros((4, 6, 3), np.uint8)
    pixels[1, 4] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    stored = np.array([[4.0, 1.0]])

    def turn(uprightness):
        return turn_points_with_photo(stored, tmp_path / "a.png", uprightness=uprightness, where="The points")

    ((x, y),) = turn(lambda points: 0.0 if points is stored else 1.0)
    assert read_photo(tmp_path / "a.png")[int(y), int(x)].tolist() == [255, 255, 255]
    assert turn(lambda points: 1.0 if points is stored else 0.0) is stored
    if orientation != 1:
        for unknown in (0.5, float("nan")):
            with pytest.raises(DataError, match="The points are of a photo that is turned or mirrored"):
                turn(lambda points, unknown=unknown: unknown)
