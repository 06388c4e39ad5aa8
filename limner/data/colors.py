"""Label maps in colours of other tools: nearest colours, and colours of one's own.

Without an option a coloured map must have the exact colours of its schema, as any other colour is a sign that it is a
map of something else. Some tools smooth the borders of their classes or have colours of their own; `Colors` says so.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from limner.data.schema import LabelSchema
from limner.errors import DataError
from limner.files import at_home, read_json

Color = tuple[int, int, int]

NEAREST = "nearest"
MAX_COLORS = 65_536
"""A picture with more colours is a photo, not the map of a tool that smooths borders."""
MAX_DISTANCE = 48
"""From a pixel to its nearest colour, in levels of red, green and blue; further is far."""
MAX_FAR_SHARE = 0.05
"""Share of far pixels up to which a picture is a label map with smoothed borders."""


@dataclass(frozen=True)
class Colors:
    """How the colours of a label map become class ids.

    Attributes:
        nearest: whether a colour that no class has stands for the class of the nearest colour; else it is refused.
        classes: class name -> its colours; none: the schema's palette. With them every map is read by its colours, grey
            ones too; without, grey maps hold class ids.
        where: file of `classes`, for messages.
    """

    nearest: bool = False
    classes: Mapping[str, tuple[Color, ...]] | None = None
    where: str = ""

    def check(self, schema: LabelSchema) -> None:
        """Refuse colours of classes that a schema does not have.

        Raises:
            ConfigError: naming the class.
        """
        for name in self.classes or ():
            schema.id(name)

    def ids(self, pixels: npt.NDArray[np.uint8], schema: LabelSchema, where: str) -> npt.NDArray[np.uint8]:
        """Colours (H, W, 3) as ids (H, W) of `schema`.

        Raises:
            ConfigError: if a class is not of the schema.
            DataError: if a pixel has no class, or most are far from all colours; `where` names the map.
        """
        self.check(schema)
        known = {color: index for index, color in enumerate(schema.palette)}
        if self.classes is not None:
            known = {color: schema.id(name) for name, colors in self.classes.items() for color in colors}
        palette, ids = np.array(list(known)), np.array(list(known.values()), np.uint8)
        packed = pixels.reshape(-1, 3).astype(np.int32) @ np.array([65536, 256, 1], np.int32)
        values, inverse, counts = np.unique(packed, return_inverse=True, return_counts=True)
        if len(values) > MAX_COLORS:
            raise DataError(f"{where} has {len(values)} colours: it is a photo, not a label map.")
        found = np.stack([values >> 16, values >> 8 & 255, values & 255], axis=1)
        steps = [((found[start : start + 4096, None] - palette) ** 2).sum(2) for start in range(0, len(found), 4096)]
        squares = np.concatenate(steps)
        place, least = squares.argmin(1), squares.min(1)
        far = least > (MAX_DISTANCE**2 if self.nearest else 0)
        if far.any() and (not self.nearest or counts[far].sum() > MAX_FAR_SHARE * counts.sum()):
            self._refuse(tuple(found[far.argmax()].tolist()), float(counts[far].sum() / counts.sum()), schema, where)
        named: npt.NDArray[np.uint8] = ids[place][inverse].reshape(pixels.shape[:2])
        return named

    def _refuse(self, color: Color, share: float, schema: LabelSchema, where: str) -> None:
        whose = self.where or f'schema "{schema.name}"'
        if self.nearest:
            raise DataError(
                f"{where} is no label map in the colours of {whose}: {share:.0%} of its pixels are far from all of "
                "them. Name the colours of its classes (--colors FILE.json; docs/data.md), or another schema."
            )
        raise DataError(
            f"{where} has the colour {color}, which {whose} does not have: add it, or take the nearest colours with "
            f"--colors {NEAREST}:FILE."
        )


def get_colors(value: str | Path | Colors | None) -> Colors | None:
    """Colours as users name them: "nearest", a JSON file, or "nearest:FILE".

    The file holds an object with a colour, or several, a class: `{"skin": "#cc0000", "hair": ["#0000cc", [0, 0, 51]]}`.

    Raises:
        DataError: if the file cannot be read, or is none of colours.
    """
    if value is None or isinstance(value, Colors):
        return value
    text = os.fspath(value)
    if text == NEAREST:
        return Colors(nearest=True)
    kind, _, rest = text.partition(":")
    path = rest if kind == NEAREST else text
    content = read_json(at_home(path))
    if not isinstance(content, dict) or not content:
        raise DataError(f'{path} must hold the colours of classes, such as {{"skin": "#cc0000", "hair": [0, 0, 204]}}.')
    classes = {str(name): _colors(given, f'{path}, class "{name}"') for name, given in content.items()}
    owner: dict[Color, str] = {}
    for name, colors in classes.items():
        for color in colors:
            if owner.setdefault(color, name) != name:
                raise DataError(f'{path} gives the colour {color} to "{owner[color]}" and to "{name}"; give it to one.')
    return Colors(kind == NEAREST, classes, str(path))


def _colors(given: Any, where: str) -> tuple[Color, ...]:
    is_one = isinstance(given, str) or (isinstance(given, list) and all(isinstance(one, int) for one in given))
    return tuple(_color(one, where) for one in ([given] if is_one else given if isinstance(given, list) else [None]))


def _color(given: Any, where: str) -> Color:
    values = given
    if isinstance(given, str) and len(given) == 7 and given[0] == "#":
        try:
            values = list(bytes.fromhex(given[1:]))
        except ValueError:
            values = None
    is_three = isinstance(values, list) and len(values) == 3
    if not is_three or not all(type(one) is int and 0 <= one <= 255 for one in values):
        raise DataError(f'{where} has no colour that is read: write "#rrggbb" or three numbers from 0 to 255.')
    return values[0], values[1], values[2]
