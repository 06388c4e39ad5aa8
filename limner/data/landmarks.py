"""From 68 facial landmarks to SCGAN's seven classes (scgan.md 6.1)."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from limner.data.attributes import read_lines
from limner.data.point_schema import FAR_PX
from limner.data.schema import SCHEMAS
from limner.errors import DataError, ShapeError

NUM_LANDMARKS = 68
SCHEMA = SCHEMAS["scgan-celeba-7"]

# Points of each class in the order of iBUG's 68, painted in this order: later ones lie over earlier ones.
POLYGONS: tuple[tuple[str, tuple[int, ...]], ...] = (
    ("skin", (*range(17), *range(26, 16, -1))),  # along the jaw, back along the brows
    ("l_eye", tuple(range(36, 42))),  # the viewer's left
    ("r_eye", tuple(range(42, 48))),
    ("nose", (27, *range(31, 36))),
    ("lips", tuple(range(48, 60))),
    ("mouth", tuple(range(60, 68))),
)


def label_map_from_landmarks(landmarks: npt.ArrayLike, size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """Paint a face's label map.

    Args:
        landmarks: (68, 2) positions x, y in pixels (a pixel's middle is a whole number), iBUG order.
        size: height and width of the map.

    Returns:
        (height, width) uint8 ids of scgan-celeba-7.

    Raises:
        ShapeError: if the landmarks are not 68 finite points or the size is not positive.
    """
    points = np.asarray(landmarks, dtype=np.float64)
    if points.shape != (NUM_LANDMARKS, 2) or not np.isfinite(points).all():
        raise ShapeError(f"Landmarks have the shape {points.shape}, but must be {NUM_LANDMARKS} finite points (x, y).")
    if min(size) < 1:
        raise ShapeError(f"The size {size} must be a positive height and width.")
    picture = Image.new("L", (size[1], size[0]), 0)
    draw = ImageDraw.Draw(picture)
    for name, indices in POLYGONS:
        draw.polygon([(round(x), round(y)) for x, y in points[list(indices)]], fill=SCHEMA.id(name))
    return np.asarray(picture)


def read_landmarks(path: Path) -> dict[str, npt.NDArray[np.float64]]:
    """Picture name -> (68, 2) points of a CSV file with the header `name,x0,y0,...,x67,y67`.

    Pictures without a found face have no row, or a row with empty cells; they are left out.

    Raises:
        DataError: if the header, a row or a number is wrong.
    """
    header = ["name", *(f"{axis}{index}" for index in range(NUM_LANDMARKS) for axis in "xy")]
    rows = list(csv.reader(read_lines(path)))
    if not rows or [cell.strip() for cell in rows[0]] != header:
        raise DataError(f"{path} must begin with the header: name,x0,y0,x1,y1,...,x67,y67")
    found: dict[str, npt.NDArray[np.float64]] = {}
    for number, (name, *cells) in enumerate((row for row in rows[1:] if row), start=2):
        if not any(cell.strip() for cell in cells):
            continue
        try:
            points = np.array([float(cell) for cell in cells]).reshape(NUM_LANDMARKS, 2)
        except ValueError as error:
            raise DataError(f"{path} needs a name and {2 * NUM_LANDMARKS} numbers in line {number}.") from error
        if not (np.abs(points) <= FAR_PX).all():
            raise DataError(f"{path} has a position in line {number} that is no number, or over {FAR_PX:,.0f}.")
        if name in found:
            raise DataError(f'{path} has two rows for "{name}": remove one.')
        found[name] = points
    return found
