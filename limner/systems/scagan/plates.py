"""Plates: the edges around each joint of the source, moved to where that joint is in the target.

The authors' code has two quirks, which only their own weights need: a scale that makes plates a thousand times as large
as other inputs, and patches that are sheared, not cut, at the picture's border.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

PAPER = 254
"""Value of a plate where no patch lies."""
PlateScale = Literal["unit", "legacy"]
PlateBorder = Literal["crop", "legacy"]


def radius_of(height: int) -> int:
    """Half the side of a patch, in pixels: 20 at the paper's 256."""
    return max(1, round(20 * height / 256))


def plates(
    edges: npt.NDArray[np.uint8],
    source: npt.NDArray[np.floating],
    target: npt.NDArray[np.floating],
    *,
    radius: int,
    border: PlateBorder = "crop",
) -> npt.NDArray[np.uint8]:
    """One plate a joint: (n, H, W), dark lines on `PAPER`.

    Args:
        edges: (H, W) uint8 inverted: bright lines on 0.
        source: (n, 2) x and y of the joints in that picture, pixels; NaN where not seen.
        target: likewise, in the pose that is wanted.
        radius: half the side of a patch in pixels.
        border: what becomes of patches that do not fit in at their new place: cut, or as in the authors' code.
    """
    height, width = edges.shape
    shifted = np.ones((len(source), height, width), np.uint8)
    seen = np.isfinite(source).all(axis=1) & np.isfinite(target).all(axis=1)
    for joint in np.flatnonzero(seen).tolist():
        (x, y), (to_x, to_y) = (np.rint(points[joint]).astype(int).tolist() for points in (source, target))
        top, bottom = max(0, y - radius), min(height, y + radius)
        left, right = max(0, x - radius), min(width, x + radius)
        if top >= bottom or left >= right:
            continue  # the joint lies outside the picture, farther than its patch reaches
        patch = edges[top:bottom, left:right]
        rows, columns = patch.shape
        to_top, to_left = max(0, to_y - rows // 2), max(0, to_x - columns // 2)
        fits = min(rows, height - to_top), min(columns, width - to_left)
        if min(fits) <= 0:
            continue
        cut = patch[: fits[0], : fits[1]]
        if border == "legacy" and fits != patch.shape:
            cut = patch.ravel()[: fits[0] * fits[1]].reshape(fits)
        shifted[joint, to_top : to_top + fits[0], to_left : to_left + fits[1]] = cut
    return 255 - shifted


def as_input(values: npt.NDArray[np.uint8], scale: PlateScale = "unit") -> npt.NDArray[np.float32]:
    """Plates as a network sees them: [-1, 1], or [-1, 509] as the authors' own weights do."""
    scaled = values.astype(np.float32)
    return scaled / np.float32(127.5) - 1 if scale == "unit" else scaled * 2 - 1
