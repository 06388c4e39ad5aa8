"""Reading photos and label maps from files, with every doubtful file refused in one sentence.

Photos become (H, W, 3) uint8 RGB: grey, palette, CMYK and YCbCr files have one right meaning and are converted, EXIF
orientation is applied. More than 8 bits per channel are read where it is known which value is white, and refused where
it is not; transparency is refused.
Label maps become (H, W) uint8 class ids and must be lossless. They are turned as their photo is; see `turn_with_photo`.

`open_picture` is the only place that opens pictures, files and uploads: it reads the formats of `FORMATS` and no other.
Pillow left to itself tries every format that it knows, whatever the file is called, and runs Ghostscript on some.
"""

from __future__ import annotations

import io
import json
import os
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from limner.data.colors import Colors
from limner.data.plausibility import plausibility
from limner.data.schema import SCHEMAS, LabelSchema
from limner.errors import DataError
from limner.files import at_home, open_regular, reason

UInt8Array = npt.NDArray[np.uint8]

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
"""Pillow's names of the formats that are read; the MPO of many telephones is a JPEG."""
PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
LABEL_SUFFIXES = (".png", ".bmp", ".gif")
MAX_PIXELS = 64_000_000
"""Larger pictures are refused: they are mistakes or decompression bombs."""

MAX_BYTES = 1_000_000_000
"""Of a picture file; twice what so many pixels take without any compression."""

_LOSSY = ("JPEG", "MPO", "WEBP", "JPEG2000")
_GREY_16 = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")
_BITS, _PHOTOMETRIC, _SAMPLE_FORMAT, _SIGNED = 258, 262, 339, 2  # tags of TIFF, and what says that values are signed
_SCHEMA_NOTE = "limner:schema"
_ORIENTATION = 274  # the EXIF tag: 1 upright, 2 to 8 mirrored or turned
_SIDEWAYS = (5, 6, 7, 8)
_CLEARLY = 0.1  # more of the tests of a face's geometry that one reading passes
_MEANT_DEPTH = 4096  # a brightest value below is that of a 12-bit camera, or of a picture too dark to be seen


def read_photo(path: str | Path) -> UInt8Array:
    """Read a photo as (H, W, 3) uint8 RGB, upright.

    Raises:
        DataError: if the file is missing, damaged, too large, animated or transparent, or has more than 8 bits per
            channel and nothing says which value is white; see `read_any_picture`.
    """
    with _opened(path) as picture:
        return _photo(picture, str(path))


def photo_of_bytes(content: bytes, *, where: str) -> UInt8Array:
    """`read_photo` of a file's content.

    Args:
        content: of the file.
        where: what messages call it.

    Raises:
        DataError: as `read_photo`.
    """
    with open_picture(io.BytesIO(content), where=where) as picture:
        _check_still(picture, where)
        return _photo(picture, where)


def label_map_of_bytes(content: bytes, schema: LabelSchema, *, where: str) -> UInt8Array:
    """`read_label_map` of a file's content.

    Args:
        content: of the file.
        schema: of its ids.
        where: what messages call it.

    Raises:
        DataError: as `read_label_map`.
    """
    with open_picture(io.BytesIO(content), where=where) as picture:
        _check_still(picture, where)
        return _label_map(picture, schema, where)


def read_any_picture(path: str | Path) -> UInt8Array:
    """Read whatever a person calls a picture as (H, W, 3) uint8 RGB, upright.

    Unlike `read_photo`, for uses in which an approximate reading is better than none: transparency is laid on white,
    and of an animation the first frame is taken. As there, 12 bits of a TIFF and 16 bits are cut to 8, and
    floating-point values from 0 to 1 are taken as shares of white.

    Raises:
        DataError: if the file is missing, damaged, too large, or of a kind that is not read; if it has 16 bits of which
            no more than 12 are used, 32-bit or signed integers, or floating-point values outside 0..1: what is white
            in it is not known.
    """
    with _opened(path, strict=False) as picture:
        return np.asarray(any_picture_from_pil(picture, where=str(path)))


def any_picture_from_pil(picture: Image.Image, *, where: str = "The picture") -> Image.Image:
    """The same for a picture that is open already: an upright RGB image.

    Raises:
        DataError: as `read_any_picture`; `where` names the picture in the message.
    """
    with _damage_named(where):
        upright = _upright(picture, where)
    if upright.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in upright.info:
        layer = upright.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    return upright.convert("RGB")


def read_mask(path: str | Path) -> UInt8Array:
    """Read a soft mask as (H, W) uint8, upright: 255 where it is white.

    Raises:
        DataError: as `read_any_picture`.
    """
    with _opened(path, strict=False) as picture:
        return np.asarray(any_picture_from_pil(picture, where=str(path)).convert("L"))


def picture_size(path: str | Path) -> tuple[int, int]:
    """Width and height of an upright picture, read from the head of its file alone.

    Raises:
        DataError: if the file is missing or no picture.
    """
    with _opened(path) as picture:
        width, height = picture.size
        return (height, width) if _orientation(picture) in _SIDEWAYS else (width, height)


def photo_from_pil(picture: Image.Image, *, where: str = "The image") -> UInt8Array:
    """The same for a picture that is open already.

    Raises:
        DataError: as `read_photo`; `where` names the picture in the message.
    """
    with _damage_named(where):
        return _photo(picture, where)


def read_label_map(
    path: str | Path, schema: LabelSchema, *, photo: str | Path | None = None, colors: Colors | None = None
) -> UInt8Array:
    """Read a label map as (H, W) uint8 ids of `schema`, upright.

    Accepts an 8-bit grey or palette file whose values are ids, and an RGB file painted in the schema's palette. A
    palette file whose used colours are all the schema's, but stand at other values, was renumbered by an editor: its
    colours are read.

    Args:
        path: of the map.
        schema: of its ids.
        photo: the photo that it belongs to; see `turn_with_photo`.
        colors: how its colours are read; none: they must be the schema's.

    Raises:
        ConfigError: if `colors` has a class that is not of the schema.
        DataError: if the file is missing, damaged, lossy, 16-bit, transparent, or holds ids or colours that are not in
            the schema; if values and colours of a palette contradict each other; if its photo is turned and nothing
            says whether the map is.
    """
    return _read_label_map(path, schema, photo, colors, heeds_note=False)[0]


def read_noted_label_map(
    path: str | Path, usual: LabelSchema, *, photo: str | Path | None = None, colors: Colors | None = None
) -> tuple[UInt8Array, LabelSchema]:
    """`read_label_map` in the schema that the file names, else in the usual one; the file is opened once.

    Returns:
        The ids and their schema.

    Raises:
        ConfigError, DataError: as `read_label_map`.
    """
    return _read_label_map(path, usual, photo, colors, heeds_note=True)


def _read_label_map(
    path: str | Path, schema: LabelSchema, photo: str | Path | None, colors: Colors | None, *, heeds_note: bool
) -> tuple[UInt8Array, LabelSchema]:
    with _opened(path) as picture:
        schema = (noted_schema(picture) if heeds_note else None) or schema
        ids = _label_map(picture, schema, str(path), colors)
        if photo is None or _orientation(picture) != 1:
            return ids, schema
    return turn_with_photo(ids, schema, photo, where=str(path)), schema


def label_map_from_pil(
    picture: Image.Image, schema: LabelSchema, *, where: str = "The label map", colors: Colors | None = None
) -> UInt8Array:
    """The same for a picture that is open already.

    Raises:
        DataError: as `read_label_map`; `where` names the picture in the message.
    """
    with _damage_named(where):
        return _label_map(picture, schema, where, colors)


def turn_with_photo(ids: UInt8Array, schema: LabelSchema, photo: str | Path, *, where: str) -> UInt8Array:
    """A label map turned as its photo is by its EXIF orientation, unless the map is of the upright photo already.

    Some tools look at this entry and some do not, so a map without one may be of either. Its size tells, or else, where
    the classes are those of a face, which way the face stands upright with its sides where they belong.

    Args:
        ids: (H, W) of `schema`.
        schema: what they mean.
        photo: the file that the map belongs to.
        where: what to call the map in a message.

    Raises:
        DataError: if the photo is turned or mirrored and nothing says whether the map is.
    """
    with open_picture(photo) as picture:
        number, (width, height) = _orientation(picture), picture.size
    if number == 1:
        return ids
    size = (ids.shape[1], ids.shape[0])
    is_as_stored = _same_aspect(size, (width, height))
    is_upright = _same_aspect(size, (height, width) if number in _SIDEWAYS else (width, height))
    turned = np.asarray(_turned(Image.fromarray(ids), number))
    if is_as_stored and is_upright:
        stored, upright = plausibility(turned, schema), plausibility(ids, schema)
        is_as_stored, is_upright = stored > upright + _CLEARLY, upright > stored + _CLEARLY
    if is_as_stored == is_upright:
        raise DataError(
            f"{photo} is turned or mirrored by its EXIF orientation ({number}), and {where} does not show whether it "
            "is of the turned picture or of the pixels as they are stored: save the photo upright without this "
            "entry, or give the map the same entry."
        )
    return turned if is_as_stored else ids


def turn_points_with_photo(
    points: npt.NDArray[np.float64],
    photo: str | Path | Image.Image,
    *,
    uprightness: Callable[[npt.NDArray[np.float64]], float],
    where: str,
) -> npt.NDArray[np.float64]:
    """Positions turned as their photo is by its EXIF orientation, unless they are of the upright photo already.

    As of label maps, nothing tells which they are but how upright they stand.

    Args:
        points: (n, 2) x and y in pixels, (0, 0) at the middle of the first one.
        photo: the file that they belong to, or a picture as PIL opened it.
        uprightness: from -1, upside down, to 1; NaN where the points do not say it.
        where: what to call the points in the message.

    Raises:
        DataError: if the photo is turned or mirrored, and nothing says whether the points are.
    """
    if isinstance(photo, Image.Image):
        number, size = _orientation(photo), photo.size
    else:
        with open_picture(photo) as picture:
            number, size = _orientation(picture), picture.size
    if number == 1:
        return points
    turned = _turned_points(points, number, size)
    stored, upright = uprightness(turned), uprightness(points)
    if not abs(stored - upright) > _CLEARLY:
        raise DataError(
            f"{where} are of a photo that is turned or mirrored by its EXIF orientation ({number}), and do not show "
            "whether they are of the turned picture or of the pixels as they are stored: save the photo upright "
            "without this entry, with points of that picture."
        )
    return turned if stored > upright else points


def read_part_mask(path: str | Path) -> npt.NDArray[np.bool_]:
    """Read the mask of one part as (H, W) booleans, upright: True where the file is brighter than half.

    Raises:
        DataError: as `read_photo`.
    """
    with _opened(path) as picture:
        return np.asarray(_upright(picture, str(path)).convert("L")) > 127


def save_label_map(
    path: str | Path | IO[bytes], label_map: UInt8Array, schema: LabelSchema, *, notes: Mapping[str, str] | None = None
) -> None:
    """Write ids (H, W) as a palette PNG that shows the schema's colours, keeps the ids as values, and notes the schema.

    Args:
        path: of the file, or a file that is open for writing.
        label_map: the ids.
        schema: what they mean.
        notes: what else the file says of itself, as `limner:NAME`; `label_map_notes` reads them.

    Raises:
        DataError: if an id is not in the schema.
    """
    schema.check_ids(label_map, "The label map")
    picture = Image.fromarray(label_map.astype(np.uint8))
    picture.putpalette([value for color in schema.palette for value in color])
    note = PngInfo()
    note.add_text(_SCHEMA_NOTE, json.dumps(schema.name if SCHEMAS.get(schema.name) == schema else schema.to_json()))
    for name, text in (notes or {}).items():
        note.add_text(f"limner:{name}", text)
    place = at_home(path) if isinstance(path, str | Path) else path
    picture.save(place, format="PNG", pnginfo=note)


def label_map_notes(path: str | Path) -> dict[str, str]:
    """The notes of `save_label_map`; empty for a file without any, and for what is no picture."""
    try:
        with open_picture(path) as picture:
            texts = {name: text for name, text in picture.info.items() if isinstance(name, str)}
    except DataError:
        return {}
    return {name.removeprefix("limner:"): str(text) for name, text in texts.items() if name.startswith("limner:")}


def noted_schema(source: str | Path | Image.Image) -> LabelSchema | None:
    """The schema that a label map's file says it is of, as `save_label_map` wrote it; none if it says nothing.

    Raises:
        DataError: if a file is missing or no picture.
    """
    if isinstance(source, Image.Image):
        note = source.info.get(_SCHEMA_NOTE)
    else:
        with _opened(source) as picture:
            note = picture.info.get(_SCHEMA_NOTE)
    try:
        named = json.loads(note) if isinstance(note, str) else None
        return None if named is None else SCHEMAS[named] if isinstance(named, str) else LabelSchema.from_json(named)
    except (ValueError, KeyError, RecursionError, DataError):  # of a program with other schemas
        return None


def check_same_shape(image: UInt8Array, label_map: UInt8Array, where: str) -> None:
    """Refuse an image (H, W, 3) and a label map (h, w) that are not the same picture at two sizes.

    Raises:
        DataError: if the aspect ratios differ by more than the rounding of one size.
    """
    height, width = image.shape[:2]
    map_height, map_width = label_map.shape
    expected = width * map_height / height
    if map_width != width if map_height == height else abs(map_width - expected) >= 1:
        raise DataError(
            f"{where}: the image is {width}x{height} but its label map is {map_width}x{map_height}; "
            "both must show the same crop (the same width : height), so cut or resize one of them."
        )


def _photo(picture: Image.Image, where: str) -> UInt8Array:
    picture = _upright(picture, where)
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        picture = _without_alpha(picture, where)
    return np.asarray(picture if picture.mode == "RGB" else picture.convert("RGB"))


def _label_map(picture: Image.Image, schema: LabelSchema, where: str, colors: Colors | None = None) -> UInt8Array:
    _check_extent(picture, where)
    if _depth(picture) > 8:
        raise DataError(f"{where} has 16 or more bits per pixel: save label maps as 8-bit grey or palette PNG.")
    if picture.format in _LOSSY or picture.info.get("compression") == "jpeg":
        raise DataError(f"{where} is a {picture.format} file, which changes class ids: save label maps as PNG.")
    picture = _turned(picture, _orientation(picture))
    if picture.mode in ("RGBA", "LA"):
        picture = _without_alpha(picture, where)
    if colors is not None and (colors.classes is not None or picture.mode in ("P", "RGB")):
        return colors.ids(np.asarray(picture.convert("RGB")), schema, where)
    if picture.mode == "P":
        label_map = _ids_of_palette(picture, schema, where)
    elif picture.mode == "L":
        label_map = np.asarray(picture)
    elif picture.mode == "1":
        label_map = np.asarray(picture).astype(np.uint8)
    elif picture.mode == "RGB":
        return _ids_of_colors(np.asarray(picture), schema, where)
    else:
        raise DataError(f"{where} has the colour mode {picture.mode}: save label maps as 8-bit grey or palette PNG.")
    schema.check_ids(label_map, where)
    return label_map


def _ids_of_palette(picture: Image.Image, schema: LabelSchema, where: str) -> UInt8Array:
    """The ids of a palette picture: its values, unless its colours are the schema's and stand at other values."""
    values: UInt8Array = np.asarray(picture)
    palette = picture.getpalette("RGB") or []
    ours = [value for color in schema.palette for value in color]
    if palette[: len(ours)] == ours and values.size and values.max() < schema.num_classes:
        return values  # as `save_label_map` writes them
    entries = np.array(palette, dtype=np.uint8).reshape(-1, 3)
    used = np.flatnonzero(picture.histogram())  # an eighth of the time of np.unique
    if not used.size or used[-1] >= len(entries) or (entries == entries[0]).all():
        return values  # a palette that says nothing
    ids = {color: index for index, color in enumerate(schema.palette)}
    meant = [ids.get((int(r), int(g), int(b))) for r, g, b in entries[used]]
    if None in meant or meant == used.tolist():
        return values
    if len(set(meant)) < len(meant):
        raise DataError(
            f'{where} has the colours of schema "{schema.name}" at other values, and one colour at several: read by '
            "its values it is another map than by its colours. Save it as 8-bit grey PNG of class ids, or as RGB in "
            "the schema's colours."
        )
    table = np.zeros(256, dtype=np.uint8)
    table[used] = np.array(meant, dtype=np.uint8)
    named: UInt8Array = table[values]
    return named


def _ids_of_colors(pixels: UInt8Array, schema: LabelSchema, where: str) -> UInt8Array:
    packed = pixels.astype(np.int32) @ np.array([65536, 256, 1], dtype=np.int32)
    colors, inverse = np.unique(packed, return_inverse=True)
    ids = {(r << 16) | (g << 8) | b: index for index, (r, g, b) in enumerate(schema.palette)}
    for color in colors.tolist():
        if color not in ids:
            rgb = (color >> 16, color >> 8 & 255, color & 255)
            raise DataError(
                f'{where} has the colour {rgb}, which is not in the palette of schema "{schema.name}": '
                "save class ids as 8-bit grey or palette PNG, use the schema's exact colours, or say --colors nearest "
                "(in Python: colors)."
            )
    table = np.array([ids[color] for color in colors.tolist()], dtype=np.uint8)
    return table[inverse].reshape(pixels.shape[:2])


def _without_alpha(picture: Image.Image, where: str) -> Image.Image:
    rgba = picture.convert("RGBA")
    if rgba.getchannel("A").getextrema() != (255, 255):
        raise DataError(f"{where} has transparent pixels: flatten it onto a background and save it without alpha.")
    return rgba.convert("L" if picture.mode in ("LA", "L") else "RGB")


@contextmanager
def _opened(path: str | Path, *, strict: bool = True) -> Iterator[Image.Image]:
    """A picture opened, checked for size and, if `strict`, for frames.

    Damage that is found while it is used becomes a DataError.
    """
    with open_picture(path) as picture:
        if strict:
            _check_still(picture, str(path))
        yield picture


@contextmanager
def open_upload(
    content: bytes, *, where: str, max_pixels: int = MAX_PIXELS, max_side: int | None = None
) -> Iterator[Image.Image]:
    """The same for a still picture in memory, which came from another machine.

    Args:
        content: the file.
        where: what the user calls it.
        max_pixels: width times height, at most `MAX_PIXELS`.
        max_side: width and height, each; none: no limit.

    Raises:
        DataError: as `open_picture`, or if it has several frames.
    """
    with open_picture(io.BytesIO(content), where=where) as picture:
        if picture.width * picture.height > max_pixels or max(picture.size) > (max_side or max_pixels):
            sides = f" and sides of at most {max_side}" if max_side else ""
            raise DataError(
                f"{where} has {picture.width}x{picture.height} pixels; it may have {max_pixels / 1e6:g} "
                f"million{sides}: make it smaller."
            )
        _check_still(picture, where)
        yield picture


def _check_still(picture: Image.Image, where: str) -> None:
    # an MPO is a photo of a telephone: its further frames are previews or the other eye's view
    if getattr(picture, "is_animated", False) and picture.format != "MPO":
        raise DataError(f"{where} has several frames: save the one you want as a still picture.")


@contextmanager
def open_picture(source: str | Path | IO[bytes], *, where: str | None = None) -> Iterator[Image.Image]:
    """A picture opened as it is, for `with`: of one of `FORMATS`, and of at most `MAX_PIXELS`.

    Damage that is found while it is used becomes a DataError, too.

    Args:
        source: the file, or one that is open.
        where: what messages call it; none: its path.

    Raises:
        DataError: if the file is missing, no regular file, no such picture, too large or damaged.
    """
    if isinstance(source, str | os.PathLike) and not os.fspath(source):
        raise DataError("The name of a picture is empty.")
    name = where if where is not None else str(source)
    with (
        _damage_named(name),
        open_regular(source) if isinstance(source, str | os.PathLike) else nullcontext(source) as file,
        _identified(file, name) as picture,
    ):
        if _num_bytes(file) > MAX_BYTES:
            raise DataError(f"{name} has more than {MAX_BYTES // 1_000_000} MB: save the picture alone.")
        if picture.width * picture.height > MAX_PIXELS:
            raise Image.DecompressionBombError
        yield picture


def _num_bytes(file: IO[bytes]) -> int:
    """Of a file, which stays where it is."""
    place = file.tell()
    found = file.seek(0, os.SEEK_END)
    file.seek(place)
    return found


def _identified(file: IO[bytes], where: str) -> Image.Image:
    try:
        return Image.open(file, formats=FORMATS)
    except UnidentifiedImageError as error:
        file.seek(0)
        if file.read(4) not in (b"II*\0", b"MM\0*"):
            raise
        raise DataError(
            f"{where} is a TIFF of a kind that is not read, such as colours of 32 bits: save it with 8 bits per "
            "channel, as PNG or TIFF."
        ) from error


def _orientation(picture: Image.Image) -> int:
    """EXIF's number for how a picture is turned; 1 where it says nothing that is known."""
    found = picture.getexif().get(_ORIENTATION, 1)
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def _turned_points(points: npt.NDArray[np.float64], orientation: int, size: tuple[int, int]) -> npt.NDArray[np.float64]:
    """Positions in the stored pixels of a picture (width, height) -> those in the upright one; see `_turned`."""
    x, y = points[:, 0], points[:, 1]
    right, lower = size[0] - 1 - x, size[1] - 1 - y
    moved = {
        2: (right, y),
        3: (right, lower),
        4: (x, lower),
        5: (y, x),
        6: (lower, x),
        7: (lower, right),
        8: (y, right),
    }
    return np.stack(moved[orientation], axis=1) if orientation != 1 else points


def _same_aspect(first: tuple[int, int], second: tuple[int, int]) -> bool:
    """Whether two sizes are of one picture, up to the rounding of a pixel."""
    return abs(first[0] * second[1] - first[1] * second[0]) < max(*first, *second)


def _turned(picture: Image.Image, orientation: int) -> Image.Image:
    """A map turned by an EXIF orientation."""
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
    return picture if orientation == 1 else picture.transpose(turns[orientation])


def _check_extent(picture: Image.Image, where: str) -> None:
    if 0 in picture.size:  # no file has none, but a picture that was cut by a program may
        raise DataError(f"{where} is {picture.width}x{picture.height} and has no pixels; give one of 1x1 or more.")


def _upright(picture: Image.Image, where: str) -> Image.Image:
    """A picture turned by its EXIF orientation, with 8 bits per channel."""
    _check_extent(picture, where)
    depth, tags = _depth(picture), getattr(picture, "tag_v2", {})  # before Pillow makes a copy without them
    upright = ImageOps.exif_transpose(picture)
    if depth <= 8:
        return upright
    if upright.mode in _GREY_16:
        if _SIGNED in _numbers(tags.get(_SAMPLE_FORMAT)):
            raise DataError(f"{where} has signed values, and what is white in it is not known: save it with 8 bits.")
        values = _eight_bits(np.asarray(upright), where, depth)
        return Image.fromarray(values if tags.get(_PHOTOMETRIC) != 0 else 255 - values)  # 0: the largest is black
    # Of colours Pillow keeps the upper 8 of 16 bits, so it is known whether any value is above 4095.
    colors = [upright.getchannel(band) for band in upright.getbands() if band not in ("A", "a")]
    if max(int(np.asarray(channel).max()) for channel in colors) < _MEANT_DEPTH >> 8:
        raise DataError(
            f"{where} uses at most 12 of its 16 bits per channel and would be all black: save it with 8 bits per "
            "channel."
        )
    return upright


def _depth(picture: Image.Image) -> int:
    """Bits per channel: of the file as long as it is known, else of the picture in memory."""
    in_memory = 8 if picture.mode not in _GREY_16 else 16 if picture.mode.startswith("I;") else 32
    if picture.format == "TIFF":
        return max(_numbers(getattr(picture, "tag_v2", {}).get(_BITS)), default=in_memory)
    tiles = getattr(picture, "tile", ())  # what is still to be decoded; Pillow has no other word of a PNG's depth
    return max(in_memory, *(16 for tile in tiles if ";16" in str(tile[3])), 0)


def _numbers(value: object) -> tuple[int, ...]:
    """The numbers of a tag, which Pillow gives alone or as a tuple."""
    return tuple(one for one in (value if isinstance(value, tuple) else (value,)) if isinstance(one, int))


def _eight_bits(values: npt.NDArray[Any], where: str, depth: int) -> UInt8Array:
    """Grey values of more than 8 bits as 0..255, where it is known which one is white."""
    if values.dtype.kind == "f":
        if not np.isfinite(values).all() or values.min() < 0 or values.max() > 1:
            raise DataError(f"{where} has floating-point values outside 0..1: save it with 8 bits per channel.")
        return np.round(values * 255).astype(np.uint8)
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > 65535 or (values.dtype.itemsize > 2 and high < _MEANT_DEPTH):
        raise DataError(f"{where} has 32 bits per pixel, and what is white in it is not known: save it with 8 bits.")
    if depth < 16:  # a TIFF of 12 bits says so
        return (values >> (depth - 8)).astype(np.uint8)
    if 0 < high < _MEANT_DEPTH:
        raise DataError(
            f"{where} uses at most 12 of its 16 bits (its brightest value is {high} of 65535) and would be all black: "
            "save it with 8 bits per channel."
        )
    return (values // 256).astype(np.uint8)


@contextmanager
def _damage_named(where: str) -> Iterator[None]:
    too_large = f"{where} has more than {MAX_PIXELS // 1_000_000} million pixels: make it smaller."
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise DataError(too_large) from error
    except FileNotFoundError as error:
        raise DataError(f"{where} is missing." if where else "The name of a picture is empty.") from error
    except UnidentifiedImageError as error:
        raise DataError(
            f"{where} is not a picture in a format that is read: use JPEG, PNG, WebP, BMP, GIF or TIFF."
        ) from error
    except PermissionError as error:
        raise DataError(f"{where} may not be read: change its permissions.") from error
    except IsADirectoryError as error:
        raise DataError(f"{where} is a folder, not a picture.") from error
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, IndexError) as error:
        if isinstance(error, OSError) and (error.strerror or "pipe or a device" in str(error)):
            # the system's; Pillow's own have a text alone
            raise DataError(f"{where} cannot be read: {reason(error)}.") from error
        raise DataError(f"{where} is truncated or damaged ({error}): copy or download it again.") from error
