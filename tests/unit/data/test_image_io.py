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
    read_label_map,
    read_part_mask,
    read_photo,
    save_label_map,
)
from limner.data.schema import SCHEMAS
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
    "16bit-rgb.png": (write_16_bit_rgb, "16 bits per channel"),
    "float.tiff": (lambda path: Image.fromarray(np.zeros((2, 2), np.float32)).save(path), "16 or more bits"),
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
