"""The 18 key points of a body in OpenPose's order: names, limbs, the CSV files of pose transfer, painted limbs."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from limner.data.attributes import read_lines
from limner.data.point_schema import FAR_PX
from limner.data.schema import SCHEMAS
from limner.errors import DataError, ShapeError

NAMES = (
    "nose", "neck", "r_shoulder", "r_elbow", "r_wrist", "l_shoulder", "l_elbow", "l_wrist", "r_hip", "r_knee",
    "r_ankle", "l_hip", "l_knee", "l_ankle", "r_eye", "l_eye", "r_ear", "l_ear",
)  # fmt: skip
"""The points in their order; left and right are the subject's."""
NUM_KEYPOINTS = len(NAMES)
SCHEMA = SCHEMAS["limbs-18"]
LIMBS: tuple[tuple[int, int], ...] = (
    (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13), (1, 0),
    (0, 14), (14, 16), (0, 15), (15, 17),
)  # fmt: skip
"""The two points of each limb: limb `i` is class `i + 1` of limbs-18."""

Points = npt.NDArray[np.float64]


def read_keypoints(path: Path) -> dict[str, Points]:
    """Picture name -> (18, 2) points x, y in pixels, NaN where a point was not seen.

    The file has the header `name:keypoints_y:keypoints_x`, two JSON lists of 18 numbers in each row, and -1 in both for
    a point that was not seen (scagan.md 7.1).

    Raises:
        DataError: if the header or a row is wrong.
    """
    rows = list(csv.reader(read_lines(path), delimiter=":", quoting=csv.QUOTE_NONE))
    if not rows or [cell.strip() for cell in rows[0]] != ["name", "keypoints_y", "keypoints_x"]:
        raise DataError(f"{path} must begin with the header: name:keypoints_y:keypoints_x")
    found: dict[str, Points] = {}
    for number, row in enumerate(rows[1:], start=2):
        if not row:
            continue
        try:
            name, y, x = (cell.strip() for cell in row)
            points = np.array([json.loads(x), json.loads(y)], dtype=np.float64).T
            if points.shape != (NUM_KEYPOINTS, 2) or not (np.abs(points) <= FAR_PX).all():
                raise ValueError
        except (ValueError, TypeError, RecursionError) as error:
            raise DataError(
                f"{path} needs a name and two lists of {NUM_KEYPOINTS} numbers up to {FAR_PX:,.0f} in line {number}."
            ) from error
        if name in found:
            raise DataError(f'{path} has two rows for "{name}": remove one.')
        points[(points == -1).all(axis=1)] = np.nan
        found[name] = points
    return found


def keypoint_row(name: str, points: npt.ArrayLike) -> str:
    """The line of `read_keypoints` for (18, 2) points, NaN for those that were not seen; to three decimals."""
    array = np.asarray(points, dtype=np.float64)
    known = np.where(np.isnan(array), -1, np.round(array, 3) + 0.0)  # no -0.0
    x, y = ([int(value) if value == int(value) else value for value in axis] for axis in known.T.tolist())
    return f"{name}: {json.dumps(y)}: {json.dumps(x)}"


def label_map_from_keypoints(points: npt.ArrayLike, size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """Paint the limbs whose two ends were seen.

    Args:
        points: (18, 2) positions x, y in pixels (a pixel's middle is a whole number), NaN where not seen.
        size: height and width of the map.

    Returns:
        (height, width) uint8 ids of limbs-18.

    Raises:
        ShapeError: if there are not 18 points or the size is not positive.
    """
    array = np.asarray(points, dtype=np.float64)
    if array.shape != (NUM_KEYPOINTS, 2):
        raise ShapeError(f"Key points have the shape {array.shape}, but must be {NUM_KEYPOINTS} points (x, y).")
    if min(size) < 1:
        raise ShapeError(f"The size {size} must be a positive height and width.")
    picture = Image.new("L", (size[1], size[0]), 0)
    draw = ImageDraw.Draw(picture)
    width = max(1, size[0] // 40)
    for class_id, limb in enumerate(LIMBS, start=1):
        ends = array[list(limb)]
        if np.isfinite(ends).all():
            draw.line([(round(x), round(y)) for x, y in ends], fill=class_id, width=width)
    return np.asarray(picture)
