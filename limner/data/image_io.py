"""Reading photos and label maps from files, with every doubtful file refused in one sentence.

Photos become (H, W, 3) uint8 RGB: grey, palette, CMYK and YCbCr files have one right meaning and are converted, EXIF
orientation is applied. Transparency and 16 bits per channel have not, and are refused.
Label maps become (H, W) uint8 class ids and must be lossless.
"""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError

from limner.data.schema import LabelSchema
from limner.errors import DataError

UInt8Array = npt.NDArray[np.uint8]

PHOTO_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
LABEL_SUFFIXES = (".png", ".bmp", ".gif")
MAX_PIXELS = 64_000_000
"""Larger pictures are refused: they are mistakes or decompression bombs."""

_LOSSY = ("JPEG", "MPO", "WEBP", "JPEG2000")
_GREY_16 = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N")


def read_photo(path: str | Path) -> UInt8Array:
    """Read a photo as (H, W, 3) uint8 RGB, upright.

    Raises:
        DataError: if the file is missing, damaged, too large, animated, transparent or has 16 bits per channel.
    """
    with _opened(path) as picture:
        return _photo(picture, str(path))


def read_any_picture(path: str | Path) -> UInt8Array:
    """Read whatever a person calls a picture as (H, W, 3) uint8 RGB, upright.

    Unlike `read_photo`, for uses in which an approximate reading is better than none: transparency is laid on white,
    16 bits are cut to 8, and of an animation the first frame is taken.

    Raises:
        DataError: if the file is missing, damaged, too large, or of a kind that is not read.
    """
    with _opened(path, strict=False) as picture:
        return np.asarray(any_picture_from_pil(picture, where=str(path)))


def any_picture_from_pil(picture: Image.Image, *, where: str = "The picture") -> Image.Image:
    """The same for a picture that is open already: an upright RGB image.

    Raises:
        DataError: as `read_any_picture`; `where` names the picture in the message.
    """
    with _damage_named(where):
        upright = ImageOps.exif_transpose(picture)
    if upright.mode in _GREY_16:
        high = np.asarray(upright).astype(np.float64).clip(0, 65535) // 256
        return Image.fromarray(high.astype(np.uint8)).convert("RGB")
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
    """Width and height of a picture file, read from its head alone.

    Raises:
        DataError: if the file is missing or no picture.
    """
    with _opened(path) as picture:
        return picture.size


def photo_from_pil(picture: Image.Image, *, where: str = "The image") -> UInt8Array:
    """The same for a picture that is open already.

    Raises:
        DataError: as `read_photo`; `where` names the picture in the message.
    """
    with _damage_named(where):
        return _photo(picture, where)


def read_label_map(path: str | Path, schema: LabelSchema) -> UInt8Array:
    """Read a label map as (H, W) uint8 ids of `schema`.

    Accepts an 8-bit grey or palette file whose values are ids, and an RGB file painted in the schema's palette.

    Raises:
        DataError: if the file is missing, damaged, lossy, 16-bit, transparent, or holds ids or colours that are not in
            the schema.
    """
    with _opened(path) as picture:
        return _label_map(picture, schema, str(path))


def label_map_from_pil(picture: Image.Image, schema: LabelSchema, *, where: str = "The label map") -> UInt8Array:
    """The same for a picture that is open already.

    Raises:
        DataError: as `read_label_map`; `where` names the picture in the message.
    """
    with _damage_named(where):
        return _label_map(picture, schema, where)


def read_part_mask(path: str | Path) -> npt.NDArray[np.bool_]:
    """Read the mask of one part as (H, W) booleans: True where the file is brighter than half.

    Raises:
        DataError: as `read_photo`.
    """
    with _opened(path) as picture:
        if picture.mode in _GREY_16:
            raise DataError(f"{path} has 16 or more bits per pixel: save part masks with the values 0 and 255.")
        return np.asarray(picture.convert("L")) > 127


def save_label_map(path: str | Path | IO[bytes], label_map: UInt8Array, schema: LabelSchema) -> None:
    """Write ids (H, W) as a palette PNG that shows the schema's colours and keeps the ids as values.

    Args:
        path: of the file, or a file that is open for writing.
        label_map: the ids.
        schema: what they mean.

    Raises:
        DataError: if an id is not in the schema.
    """
    schema.check_ids(label_map, "The label map")
    picture = Image.fromarray(label_map.astype(np.uint8))
    picture.putpalette([value for color in schema.palette for value in color])
    picture.save(path, format="PNG")


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
    if picture.mode in _GREY_16:
        raise DataError(f"{where} has 16 or more bits per channel: save it with 8 bits per channel.")
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        picture = _without_alpha(picture, where)
    picture = ImageOps.exif_transpose(picture)
    return np.asarray(picture if picture.mode == "RGB" else picture.convert("RGB"))


def _label_map(picture: Image.Image, schema: LabelSchema, where: str) -> UInt8Array:
    if picture.mode in _GREY_16:
        raise DataError(f"{where} has 16 or more bits per pixel: save label maps as 8-bit grey or palette PNG.")
    if picture.format in _LOSSY:
        raise DataError(f"{where} is a {picture.format} file, which changes class ids: save label maps as PNG.")
    if picture.mode in ("RGBA", "LA"):
        picture = _without_alpha(picture, where)
    if picture.mode in ("P", "L"):
        label_map = np.asarray(picture)
    elif picture.mode == "1":
        label_map = np.asarray(picture).astype(np.uint8)
    elif picture.mode == "RGB":
        return _ids_of_colors(np.asarray(picture), schema, where)
    else:
        raise DataError(f"{where} has the colour mode {picture.mode}: save label maps as 8-bit grey or palette PNG.")
    schema.check_ids(label_map, where)
    return label_map


def _ids_of_colors(pixels: UInt8Array, schema: LabelSchema, where: str) -> UInt8Array:
    packed = pixels.astype(np.int32) @ np.array([65536, 256, 1], dtype=np.int32)
    colors, inverse = np.unique(packed, return_inverse=True)
    ids = {(r << 16) | (g << 8) | b: index for index, (r, g, b) in enumerate(schema.palette)}
    for color in colors.tolist():
        if color not in ids:
            rgb = (color >> 16, color >> 8 & 255, color & 255)
            raise DataError(
                f'{where} has the colour {rgb}, which is not in the palette of schema "{schema.name}": '
                "save class ids as 8-bit grey or palette PNG, or use the schema's exact colours."
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
    """A picture opened, checked for size and, if `strict`, for frames and depth.

    Damage that is found while it is used becomes a DataError.
    """
    if Path(path).exists() and not Path(path).is_file() and not Path(path).is_dir():
        raise DataError(f"{path} is not a file but a pipe or a device: save the picture to a file first.")
    with _damage_named(str(path)), Image.open(path) as picture:
        if picture.width * picture.height > MAX_PIXELS:
            raise Image.DecompressionBombError
        # an MPO is a photo of a telephone: its further frames are previews or the other eye's view
        if strict and getattr(picture, "is_animated", False) and picture.format != "MPO":
            raise DataError(f"{path} has several frames: save the one you want as a still picture.")
        if strict and picture.format == "PNG" and _png_bit_depth(path) == 16:
            raise DataError(f"{path} has 16 bits per channel: save it with 8 bits per channel.")
        yield picture


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
        raise DataError(f"{where} is not a picture in a format that can be read: use JPEG or PNG.") from error
    except PermissionError as error:
        raise DataError(f"{where} may not be read: change its permissions.") from error
    except IsADirectoryError as error:
        raise DataError(f"{where} is a folder, not a picture.") from error
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error, IndexError) as error:
        if isinstance(error, OSError) and error.strerror:  # the system's; Pillow's own have a text alone
            raise DataError(f"{where} cannot be read: {error.strerror}.") from error
        raise DataError(f"{where} is truncated or damaged ({error}): copy or download it again.") from error


def _png_bit_depth(path: str | Path) -> int:
    with open(path, "rb") as file:
        return file.read(25)[-1]
