"""Pictures, masks, numbers and words that the painter is given, turned into what it paints or refused in a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from limner.arguments import as_array
from limner.data.image_io import any_picture_from_pil, read_any_picture, read_mask
from limner.errors import ConfigError, ShapeError, quoted
from limner.inputs import read_pixels, whole_number
from limner.systems.painter.config import Follow
from limner.systems.painter.painting import MAX_BUDGET, MAX_TILES, Box, Brushwork, check_brushwork, usual_passes
from limner.systems.painter.rasterizer import MAX_SIZE
from limner.systems.painter.strokes import StrokeDocument

ImageInput = Image.Image | NDArray[Any] | Tensor | str | Path
Bytes = NDArray[np.uint8]

KINDS = {"sketch": 50, "portrait": 200, "detailed": 1000}
"""Kinds of painting by name: number of strokes."""
DEFAULT_SIZE = 1024
"""Longest side of a painting in pixels where nobody says how large it should be and the picture is larger."""

_SAME_SHAPE = 1 / 64
"""Largest difference of sides, in parts of the longer one, at which a picture is one that was painted before: it may
have been resized, and older stroke files have frames in whole pixels of planes of 64."""


def stroke_numbers(strokes: int | str | Sequence[int | str]) -> list[int]:
    """The numbers of strokes that are asked for, each as a number or as the name of a kind of painting.

    Raises:
        ConfigError: if one is neither, out of range or there twice.
    """
    listed = list(strokes) if isinstance(strokes, Sequence | np.ndarray) and np.ndim(strokes) else [strokes]
    numbers = [KINDS[one] if isinstance(one, str) and one in KINDS else one for one in listed]
    for one in numbers:
        if isinstance(one, str):
            raise ConfigError(
                f"strokes is {quoted(one)}; it must be a whole number, at least 1 and at most {MAX_BUDGET}, or one of "
                f"{', '.join(KINDS)}."
            )
    budgets = [whole_number("strokes", budget, 1, MAX_BUDGET) for budget in numbers]
    if not budgets or len(set(budgets)) != len(budgets):
        raise ConfigError(f"The numbers of strokes are {budgets}; there must be one or several different ones.")
    return budgets


def passes_of(budgets: Sequence[int], tiles: Sequence[int] | None) -> list[list[int]]:
    """Tiles a side of the passes after the first, for each number of strokes.

    Raises:
        ConfigError: if `tiles` is no list of whole numbers, or one is out of range.
    """
    if tiles is None:
        return [usual_passes(budget) for budget in budgets]
    if not isinstance(tiles, Sequence | np.ndarray):
        raise ConfigError(f"tiles is {quoted(tiles)}; it must be a list of whole numbers, such as [2, 4].")
    checked = [whole_number("A number of tiles", number, 2, MAX_TILES) for number in tiles]
    return [checked for _ in budgets]


def check_brushworks(
    budgets: Sequence[int], passes: Sequence[Sequence[int]], focus: float, follow: Follow, correction: float
) -> None:
    """Raises: ConfigError if a painting cannot be made so."""
    for budget, chosen in zip(budgets, passes, strict=True):
        check_brushwork(Brushwork(budget, tuple(chosen), focus, follow, correction))


def name_of(image: ImageInput, otherwise: str) -> str:
    """What messages call a picture or mask: its file as the user named it, or something else where it has none."""
    return str(image) if isinstance(image, str | Path) else otherwise


def read_picture(image: ImageInput) -> Bytes:
    """A picture of any kind as RGB bytes (height, width, 3).

    Raises:
        DataError: if a file cannot be read.
        ShapeError: if an array is not (height, width, 3) of uint8.
    """
    if isinstance(image, str | Path):
        return read_any_picture(image)
    if isinstance(image, Image.Image):
        return np.asarray(any_picture_from_pil(image))
    return read_pixels(image)[0]


def read_any_mask(mask: ImageInput) -> Bytes:
    """A mask of any kind as (height, width) of 0..255.

    Raises:
        DataError: if a file cannot be read.
        ShapeError: if an array is not (height, width) of uint8.
    """
    if isinstance(mask, str | Path):
        return read_mask(mask)
    if isinstance(mask, Image.Image):
        return np.asarray(any_picture_from_pil(mask, where="The mask").convert("L"))
    if isinstance(mask, Tensor):
        mask = as_array(mask, "The mask")
    if not isinstance(mask, np.ndarray):
        raise ShapeError(f"A mask cannot be a {type(mask).__name__}; give a file, a PIL picture or a uint8 array.")
    if mask.ndim != 2 or mask.dtype != np.uint8 or 0 in mask.shape:
        raise ShapeError(f"A mask array must be (height, width) of uint8, not {mask.shape} of {mask.dtype}.")
    return mask


def frame_of(start: StrokeDocument, pixels: Bytes, where: str) -> Box:
    """The frame of strokes to go on from.

    Args:
        start: the strokes.
        pixels: (height, width, 3), of the picture that is painted now.
        where: what messages call that picture.

    Raises:
        ShapeError: if they were painted on a picture of another shape.
    """
    height, width = pixels.shape[:2]
    across, down = start.frame[2:]
    shape, found = (np.array(sides) / max(sides) for sides in ((across, down), (width, height)))
    if start.fit == "letterbox" and np.abs(shape - found).max() > _SAME_SHAPE:
        raise ShapeError(
            f"{where} is {width}x{height} pixels, but the strokes to go on from are of a picture "
            f"{across / down:.3g} times as wide as it is high; give that picture, or one cut to its shape."
        )
    return start.frame


def share(name: str, value: Any) -> float:
    """A number; raises: ConfigError if it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise ConfigError(f"{name} is {quoted(value)}; it must be a number from 0 to 1.")
    try:
        return float(value)
    except OverflowError as error:
        raise ConfigError(f"{name} is {quoted(value)}; it must be a number from 0 to 1.") from error


def check_word(name: str, word: str, words: Sequence[str]) -> None:
    """Raises: ConfigError if a word is not one of those."""
    if word not in words:
        raise ConfigError(f"{name} is {quoted(word)}; it must be one of {', '.join(words)}.")


def checked_size(size: Sequence[int] | NDArray[np.integer]) -> tuple[int, int]:
    """Width and height in pixels; raises: ConfigError if it is something else."""
    is_list = isinstance(size, Sequence) or (isinstance(size, np.ndarray) and bool(size.ndim))
    if not is_list or len(size) != 2:
        raise ConfigError(f"size is {quoted(size)}; it must be a width and a height in pixels, such as (640, 480).")
    width, height = (whole_number("A side of size", side, 1, MAX_SIZE) for side in size)
    return width, height


def default_size(pixels: Bytes) -> tuple[int, int]:
    """Width and height of a painting: those of the picture, made smaller where it is large."""
    height, width = pixels.shape[:2]
    scale = min(1.0, DEFAULT_SIZE / max(height, width))
    return max(1, round(width * scale)), max(1, round(height * scale))
