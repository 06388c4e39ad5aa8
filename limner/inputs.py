"""Numbers, seeds and photos as users give them, turned into what networks take or refused in one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from limner.arguments import as_array
from limner.data.config import Fit
from limner.data.image_io import photo_from_pil, read_photo
from limner.data.transforms import make_square, resize_image, zoom_in
from limner.errors import ConfigError, DataError, ShapeError, quoted
from limner.plan import MAX_SEED
from limner.tasks import MAX_IMAGES

PhotoInput = str | Path | Image.Image | NDArray[Any] | Tensor
"""A file, a PIL picture, or an array or tensor (H, W, 3) uint8 RGB."""
LARGEST = 2.0
"""Absolute value that no image in [-1, 1] reaches: enlarging and sharpening may leave the range by a little."""


def read_square_photo(
    value: PhotoInput, *, image_size: int, zoom: float = 1.0, fit: Fit = "refuse"
) -> NDArray[np.uint8]:
    """A square RGB picture in any accepted form -> (image_size, image_size, 3) uint8.

    Raises:
        DataError: if the picture cannot be read, is not square, or is so small that nothing is to be seen.
        ShapeError: if an array is no picture.
    """
    pixels, where = read_pixels(value)
    pixels = square(pixels, fit, where)
    if len(pixels) < image_size // 4:
        raise DataError(
            f"{where} is {len(pixels)}x{len(pixels)}, too small to see anything; its sides must be at least "
            f"{image_size // 4} pixels."
        )
    return resize_image(zoom_in(pixels, zoom), image_size)


def read_pixels(value: PhotoInput) -> tuple[NDArray[np.uint8], str]:
    """An RGB picture in any accepted form -> (height, width, 3) uint8, and what to call it in a message.

    Raises:
        DataError: if the picture cannot be read.
        ShapeError: if an array is no picture, or the value is of a type that none has.
    """
    if isinstance(value, str | Path):
        return read_photo(value), str(value)
    if isinstance(value, Image.Image):
        return photo_from_pil(value, where="The picture"), "The picture"
    if not isinstance(value, np.ndarray | Tensor):
        raise ShapeError(
            f"A picture cannot be a {type(value).__name__}; give a file, a PIL picture or a uint8 array "
            "(height, width, 3)."
        )
    shape, dtype = tuple(value.shape), str(value.dtype).removeprefix("torch.")
    if len(shape) != 3 or shape[2] != 3 or dtype != "uint8" or 0 in shape:
        raise ShapeError(f"The picture is {dtype} {shape}; it must be uint8 (height, width, 3).{_help(value)}")
    return as_array(value, "The picture"), "The picture"


def _help(value: NDArray[Any] | Tensor) -> str:
    """What to do about an array that is no picture yet, where its form says what it is."""
    shape = tuple(value.shape)
    if len(shape) == 3 and shape[0] == 3 and shape[2] != 3:
        return " Its channels come first: move them to the end, by transpose(1, 2, 0) or permute(1, 2, 0)."
    if len(shape) == 4:
        return " It holds several pictures: give each of them, such as picture[0]."
    if len(shape) == 2 and min(shape) >= 16:  # else it is no picture at all
        return " It is grey: give it as a PIL picture, or repeat it, by numpy.stack([picture] * 3, axis=2)."
    if len(shape) == 3 and shape[2] == 3 and 0 not in shape and "float" in str(value.dtype):
        low, high = float(value.min()), float(value.max())
        if low >= 0 and high <= 1:
            return " Its values lie in [0, 1]: multiply by 255, round, and convert to uint8."
        if low >= -1 and high <= 1:
            return " Its values lie in [-1, 1]: add 1, multiply by 127.5, round, and convert to uint8."
        if low >= 0 and high <= 255:
            return " Its values lie in [0, 255]: round them and convert to uint8."
    return ""


def whole_number(name: str, value: object, least: int, most: int) -> int:
    """`value`, if it is a whole number from `least` to `most`.

    Args:
        name: what to call it in a message.
        value: as the user gave it.
        least: smallest number allowed.
        most: largest number allowed.

    Raises:
        ConfigError: if it is none, or out of range.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not least <= value <= most:
        raise ConfigError(f"{name} is {quoted(value)}; it must be a whole number, at least {least} and at most {most}.")
    return int(value)


def seed_range(seed: int, num_images: int) -> list[int]:
    """The seeds `seed`, `seed` + 1, ... of so many pictures.

    Raises:
        ConfigError: if a number is none, or out of range.
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer):
        raise ConfigError(f"seed is {quoted(seed)}; it must be a whole number.")
    num_images = whole_number("num_images", num_images, 1, MAX_IMAGES)
    if not 0 <= seed <= MAX_SEED - num_images:
        raise ConfigError(f"seed is {quoted(seed)}; it must lie in 0..{MAX_SEED - num_images}.")
    return [int(seed) + k for k in range(num_images)]


def usual_batch_size(device: torch.device) -> int:
    """Pictures in one forward pass, unless the user says otherwise."""
    # On the CPU one picture a pass is as fast as many, and its bits cannot depend on its company.
    return 1 if device.type == "cpu" else 16


def checked_images(images: object, what: str = "images", *, shape: str = "(b, 3, h, w)") -> Tensor:
    """Images that a caller prepared himself, as networks take them: floating point in [-1, 1].

    Args:
        images: to be such a tensor.
        what: the argument is called.
        shape: that it must have, as in a docstring; an h and w of any size.

    Raises:
        ShapeError: if it is none, or its shape, type or range is another one.
    """
    must = f"it must be a floating-point tensor {shape} in [-1, 1]; numpy pictures of uint8 go to the pipeline itself"
    if not isinstance(images, Tensor):
        raise ShapeError(f"{what} is of the type {type(images).__name__}; {must}.")
    wanted = shape.strip("()").split(", ")
    sizes = list(images.shape)
    fits = len(sizes) == len(wanted) and all(
        size == int(name) if name.isdecimal() else size > 0 for size, name in zip(sizes, wanted, strict=True)
    )
    if not fits or not images.is_floating_point():
        raise ShapeError(f"{what} has the shape {tuple(sizes)} and the type {images.dtype}; {must}.")
    low, high = (float(one) for one in images.detach().aminmax())
    if not (low >= -LARGEST and high <= LARGEST):  # NaN is neither
        raise ShapeError(f"{what} has values from {low:g} to {high:g}; {must}.")
    return images


_WORDS = "must be an int64 tensor (b, t) of numbers of the vocabulary, from 1 to {}, and 0 behind a row's last word."


def checked_words(words: object, num_words: int) -> Tensor:
    """Captions in numbers, as a caller prepared them: (b, t) int64, 0 behind the last word of a row.

    Raises:
        ShapeError: if they are no such numbers of a vocabulary of that size.
    """
    fits = isinstance(words, Tensor) and words.dtype == torch.int64 and words.ndim == 2 and words.numel() > 0
    if not isinstance(words, Tensor) or not fits or not bool(((words >= 0) & (words < num_words)).all()):
        raise ShapeError(f"words {_WORDS.format(num_words - 1)}")
    if not bool((words[:, 0] > 0).all()):
        raise ShapeError(f"words have a row without any; they {_WORDS.format(num_words - 1)}")
    if bool(((words[:, 1:] > 0) & (words[:, :-1] == 0)).any()):
        raise ShapeError(f"words have a 0 before a word; they {_WORDS.format(num_words - 1)}")
    return words


def to_tensor(pixels: NDArray[np.uint8], device: torch.device) -> Float[Tensor, "1 3 h w"]:
    """(H, W, 3) uint8 -> a batch of one in [-1, 1]."""
    return torch.from_numpy(pixels.copy()).to(device).permute(2, 0, 1)[None].float() / 127.5 - 1


def to_pictures(images: Float[Tensor, "b 3 h w"]) -> list[Image.Image]:
    """A batch in [-1, 1] -> RGB pictures of 256 levels."""
    pixels = ((images.float() + 1) * 127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 1).cpu().numpy()
    return [Image.fromarray(picture) for picture in pixels]


def square(pixels: NDArray[np.uint8], fit: Fit, where: str, *, is_label_map: bool = False) -> NDArray[np.uint8]:
    """A picture or map as a square; see `make_square`.

    Raises:
        DataError: if it is not square and is to be refused then.
    """
    height, width = pixels.shape[:2]
    if height != width and fit == "refuse":
        raise DataError(
            f"{where} is {width}x{height}, but must be square: cut it, or say --fit crop or pad (in Python: pipe.fit)."
        )
    return make_square(pixels, fit, where, is_label_map=is_label_map)
