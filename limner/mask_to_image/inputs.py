"""Label maps, seeds and photos as users give them, turned into arrays or refused in one sentence."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from limner.data.image_io import label_map_from_pil, photo_from_pil, read_label_map, read_photo
from limner.data.schema import LabelSchema, converter, get_schema
from limner.data.transforms import resize_image, resize_label_map
from limner.errors import ConfigError, DataError, ShapeError
from limner.pipelines import GenerationPlan
from limner.tasks import MAX_IMAGES

LabelMapInput = str | Path | Image.Image | NDArray[Any] | Tensor
"""A file, a PIL picture, or an array or tensor (H, W) of class ids."""
PhotoInput = str | Path | Image.Image | NDArray[Any] | Tensor
"""A file, a PIL picture, or an array or tensor (H, W, 3) uint8 RGB."""

MAX_SEED = 2**63 - 1

_log = logging.getLogger(__name__)


def read_label_maps(
    value: LabelMapInput | Sequence[LabelMapInput],
    *,
    schema: LabelSchema,
    image_size: int,
    source: str | LabelSchema | None = None,
) -> NDArray[np.uint8]:
    """One or several square label maps in any accepted form -> (maps, image_size, image_size) ids of `schema`.

    Args:
        value: the maps.
        schema: what the network knows.
        image_size: side in pixels; maps are resized to it by the nearest pixel.
        source: schema of the maps, if it is another one; they are converted.

    Raises:
        ConfigError: if there is no map, or no such schema.
        DataError: if a map cannot be read, is not square or has wrong ids.
        ShapeError: if an array is no label map.
    """
    if isinstance(value, np.ndarray | Tensor) and value.ndim == 3:
        height, width, last = value.shape
        if last in (3, 4) and height > last and width > last:
            raise ShapeError(
                f"The label map is an array of colours {tuple(value.shape)}; it must be class ids (height, width)."
            )
        value = list(value)
    values = value if isinstance(value, list | tuple) else [value]
    if not values:
        raise ConfigError("At least one label map is needed.")
    given = schema if source is None else get_schema(source)
    maps = []
    for number, item in enumerate(values):
        where = str(item) if isinstance(item, str | Path) else f"Label map {number}"
        ids = _ids(item, given, where)
        if given != schema:
            ids = converter(given, schema)[ids]
        _refuse_oblong(ids, where)
        ids = resize_label_map(ids, image_size)
        _warn_of_strange_map(ids, schema, where)
        maps.append(ids)
    return np.stack(maps)


def read_square_photo(value: PhotoInput, *, image_size: int) -> NDArray[np.uint8]:
    """A square RGB picture in any accepted form -> (image_size, image_size, 3) uint8.

    Raises:
        DataError: if the picture cannot be read, is not square, or is so small that nothing is to be seen.
        ShapeError: if an array is no picture.
    """
    pixels, where = read_pixels(value)
    _refuse_oblong(pixels, where)
    if len(pixels) < image_size // 4:
        raise DataError(
            f"{where} is {len(pixels)}x{len(pixels)}, too small to see anything; its sides must be at least "
            f"{image_size // 4} pixels."
        )
    return resize_image(pixels, image_size)


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
        raise ShapeError(f"The picture is {dtype} {shape}; it must be uint8 (height, width, 3).")
    return np.asarray(value.detach().cpu() if isinstance(value, Tensor) else value), "The picture"


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
        raise ConfigError(f"{name} is {value!r}; it must be a whole number, at least {least} and at most {most}.")
    return int(value)


def seed_range(seed: int, num_images: int) -> list[int]:
    """The seeds `seed`, `seed` + 1, ... of so many pictures.

    Raises:
        ConfigError: if a number is none, or out of range.
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer):
        raise ConfigError(f"seed is {seed!r}; it must be a whole number.")
    num_images = whole_number("num_images", num_images, 1, MAX_IMAGES)
    if not 0 <= seed <= MAX_SEED - num_images:
        raise ConfigError(f"seed is {seed}; it must lie in 0..{MAX_SEED - num_images}.")
    return [int(seed) + k for k in range(num_images)]


def picture_plan(
    maps: NDArray[np.uint8],
    *,
    seed: int,
    num_images: int,
    batch_size: int | None,
    device: torch.device,
    conditions: Mapping[str, NDArray[Any]] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> GenerationPlan:
    """`num_images` pictures of every label map; picture k of each takes the seed `seed` + k.

    Args:
        maps: (maps, size, size) ids, from `read_label_maps`.
        seed: of the first picture of each map.
        num_images: pictures a map.
        batch_size: pictures in one forward pass; none: the device's usual number.
        device: where they are painted.
        conditions: further arrays, with a single row that all pictures share.
        settings: what was asked for, beside the mode.

    Raises:
        ConfigError: if a number is none, or out of range.
    """
    return GenerationPlan(
        seeds=seed_range(seed, num_images) * len(maps),
        settings={"mode": "generate", **(settings or {})},
        conditions={"label_map": maps if len(maps) == 1 else maps.repeat(num_images, axis=0), **(conditions or {})},
        batch_size=usual_batch_size(device) if batch_size is None else batch_size,
    )


def usual_batch_size(device: torch.device) -> int:
    """Pictures in one forward pass, unless the user says otherwise."""
    # On the CPU one picture a pass is as fast as many, and its bits cannot depend on its company.
    return 1 if device.type == "cpu" else 16


def to_tensor(pixels: NDArray[np.uint8], device: torch.device) -> Float[Tensor, "1 3 h w"]:
    """(H, W, 3) uint8 -> a batch of one in [-1, 1]."""
    return torch.from_numpy(pixels.copy()).to(device).permute(2, 0, 1)[None].float() / 127.5 - 1


def to_pictures(images: Float[Tensor, "b 3 h w"]) -> list[Image.Image]:
    """A batch in [-1, 1] -> RGB pictures of 256 levels."""
    pixels = ((images.float() + 1) * 127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 1).cpu().numpy()
    return [Image.fromarray(picture) for picture in pixels]


def _refuse_oblong(pixels: NDArray[np.uint8], where: str) -> None:
    """Raises: DataError if a picture or map is not square."""
    height, width = pixels.shape[:2]
    if height != width:
        raise DataError(f"{where} is {width}x{height}, but must be square: cut it.")


def _ids(item: LabelMapInput, schema: LabelSchema, where: str) -> NDArray[np.uint8]:
    if isinstance(item, str | Path):
        return read_label_map(item, schema)
    if isinstance(item, Image.Image):
        return label_map_from_pil(item, schema, where=where)
    array = np.asarray(item.detach().cpu() if isinstance(item, Tensor) else item)
    if array.ndim != 2 or array.dtype.kind not in "iu":
        raise ShapeError(
            f"{where} is {array.dtype} of shape {array.shape}; it must be whole-number class ids of shape "
            "(height, width)."
        )
    schema.check_ids(array, where)
    return array.astype(np.uint8)


def _warn_of_strange_map(ids: NDArray[np.uint8], schema: LabelSchema, where: str) -> None:
    present = {schema.classes[index] for index in np.unique(ids).tolist()}
    face = [name for name in ("skin", "face") if name in schema.classes]
    if len(present) == 1:
        _log.warning('%s has the one class "%s"; the picture can show little.', where, next(iter(present)))
    elif face and face[0] not in present:
        _log.warning('%s has no pixel of class "%s"; the picture will hardly show a person.', where, face[0])
