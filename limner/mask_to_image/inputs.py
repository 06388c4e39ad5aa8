"""Label maps as users give them, turned into arrays or refused in one sentence."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from limner.arguments import as_array
from limner.data.colors import Colors, get_colors
from limner.data.config import Fit
from limner.data.image_io import label_map_from_pil, noted_schema, read_label_map, read_noted_label_map, read_photo
from limner.data.schema import LabelSchema, converter, get_schema
from limner.data.transforms import resize_label_map, zoom_in
from limner.errors import ConfigError, DataError, ShapeError
from limner.inputs import seed_range, square, usual_batch_size
from limner.pipelines import Pipeline
from limner.plan import Condition, GenerationPlan

LabelMapInput = str | Path | Image.Image | NDArray[Any] | Tensor
"""A file, a PIL picture, or an array or tensor (H, W) of class ids."""

MAX_COLORS = 256
"""A picture with more colours is no label map."""

_log = logging.getLogger(__name__)


def maps_for(
    pipeline: Pipeline, value: LabelMapInput | Sequence[LabelMapInput], source: str | LabelSchema | None
) -> NDArray[np.uint8]:
    """`read_label_maps` at the size and in the schema of a pipeline, read as it is told to read them."""
    return read_label_maps(
        value,
        schema=pipeline.spec.schema,
        image_size=pipeline.image_size,
        source=source,
        zoom=pipeline.spec.zoom,
        fit=pipeline.fit,
        colors=pipeline.colors,
    )


def read_label_maps(
    value: LabelMapInput | Sequence[LabelMapInput],
    *,
    schema: LabelSchema,
    image_size: int,
    source: str | LabelSchema | None = None,
    zoom: float = 1.0,
    fit: Fit = "refuse",
    colors: str | Path | Colors | None = None,
    photo: str | Path | None = None,
) -> NDArray[np.uint8]:
    """One or several square label maps in any accepted form -> (maps, image_size, image_size) ids of `schema`.

    Args:
        value: the maps.
        schema: what the network knows.
        image_size: side in pixels; maps are resized to it by the nearest pixel.
        source: schema of the maps, if it is another one; they are converted. None: that which a map's file names, else
            `schema`.
        zoom: of the network's data; the maps are of whole pictures and are cut like those.
        fit: what to do with maps that are not square.
        colors: how coloured maps are read, arrays (H, W, 3) too; see `limner.data.colors.get_colors`.
        photo: the photo that the maps belong to, as which they are turned; see `limner.data.image_io.turn_with_photo`.

    Raises:
        ConfigError: if there is no map, or no such schema.
        DataError: if a map cannot be read, is not square or has wrong ids.
        ShapeError: if an array is no label map.
    """
    found = get_colors(colors)
    if isinstance(value, np.ndarray | Tensor) and value.ndim == 3 and not (found and value.shape[2] == 3):
        height, width, last = value.shape
        if last in (3, 4) and height > last and width > last:
            raise ShapeError(
                f"The label map is an array of colours {tuple(value.shape)}; it must be class ids (height, width)."
            )
        value = list(value)
    values = value if isinstance(value, list | tuple) else [value]
    if not values:
        raise ConfigError("At least one label map is needed.")
    maps = []
    for number, item in enumerate(values):
        where = str(item) if isinstance(item, str | Path) else f"Label map {number}"
        ids, given = _ids(item, None if source is None else get_schema(source), schema, where, found, photo)
        if given != schema:
            ids = converter(given, schema)[ids]
        ids = square(ids, fit, where, is_label_map=True)
        ids = resize_label_map(zoom_in(ids, zoom), image_size)
        _warn_of_strange_map(ids, schema, where)
        maps.append(ids)
    return np.stack(maps)


def map_condition(schema: LabelSchema, image_size: int) -> Condition:
    """The label maps of a plan."""
    return Condition("uint8", (image_size, image_size), 0, schema.num_classes - 1)


def picture_plan(
    maps: NDArray[np.uint8],
    *,
    seed: int,
    num_images: int,
    batch_size: int | None,
    device: torch.device,
    conditions: Mapping[str, NDArray[Any]] | None = None,
    settings: Mapping[str, Any] | None = None,
    from_photo: bool = False,
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
        from_photo: whether their look is borrowed from somebody's photo.

    Raises:
        ConfigError: if a number is none, or out of range.
    """
    return GenerationPlan(
        seeds=seed_range(seed, num_images) * len(maps),
        settings={"mode": "generate", **(settings or {})},
        conditions={"label_map": maps if len(maps) == 1 else maps.repeat(num_images, axis=0), **(conditions or {})},
        batch_size=usual_batch_size(device) if batch_size is None else batch_size,
        from_photo=from_photo,
    )


def _ids(
    item: LabelMapInput,
    given: LabelSchema | None,
    usual: LabelSchema,
    where: str,
    colors: Colors | None,
    photo: str | Path | None,
) -> tuple[NDArray[np.uint8], LabelSchema]:
    """The ids of a map and their schema: the given one, else that which the map's file names, else the usual one."""
    if isinstance(item, str | Path):
        try:
            if given is None:
                return read_noted_label_map(item, usual, photo=photo, colors=colors)
            return read_label_map(item, given, photo=photo, colors=colors), given
        except DataError as error:
            if _is_photo(item):
                raise DataError(
                    f"{where} is a photo, not a label map: name it with --map-of, which makes its map (in Python: "
                    'limner.load("parser")), or name its label map.'
                ) from error
            raise
    if isinstance(item, Image.Image):
        schema = given or noted_schema(item) or usual
        return label_map_from_pil(item, schema, where=where, colors=colors), schema
    schema = given or usual
    array = as_array(item, where)
    if colors is not None and array.ndim == 3 and array.shape[2] == 3 and array.dtype == np.uint8:
        return colors.ids(array, schema, where), schema
    if array.ndim != 2 or array.dtype.kind not in "iu":
        raise ShapeError(
            f"{where} is {array.dtype} of shape {array.shape}; it must be whole-number class ids of shape "
            "(height, width)."
        )
    schema.check_ids(array, where)
    return array.astype(np.uint8), schema


def _is_photo(path: str | Path) -> bool:
    """Whether a file that is no label map has the many colours of a photo."""
    try:
        pixels = read_photo(path).reshape(-1, 3)
    except DataError:
        return False
    return len(np.unique(pixels[:: max(1, len(pixels) // 65536)], axis=0)) > MAX_COLORS


def _warn_of_strange_map(ids: NDArray[np.uint8], schema: LabelSchema, where: str) -> None:
    present = {schema.classes[index] for index in np.unique(ids).tolist()}
    face = [name for name in ("skin", "face") if name in schema.classes]
    if len(present) == 1:
        _log.warning('%s has the one class "%s"; the picture can show little.', where, next(iter(present)))
    elif face and face[0] not in present:
        _log.warning('%s has no pixel of class "%s"; the picture will hardly show a person.', where, face[0])
