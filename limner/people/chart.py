"""The head's texture seen as a map: where each texel lies on the average head."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from limner.people.body import BodyShape, Part, body_model
from limner.people.surface import Floats


@dataclass(frozen=True, eq=False)
class Chart:
    """Positions of texels on the average adult's head with a neutral face, metres, in the frame of the head."""

    position: Floats
    """(size, size, 3): to the subject's left, to the back, up; origin midway between the eyes. Row 0 is v = 1."""
    triangle: npt.NDArray[np.int32]
    """(size, size) triangle of the head that each texel lies on; -1 outside, where `position` is one near by."""
    weights: Floats
    """(size, size, 3) barycentric weights in that triangle."""

    @property
    def size(self) -> int:
        """Texels along a side."""
        return len(self.triangle)

    def points_on(
        self, head: Part, rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64]
    ) -> tuple[Floats, Floats]:
        """Where texels of the mesh lie on a posed head: points (n, 3) and unit normals."""
        corners = head.faces[self.triangle[rows, columns]]
        weights = self.weights[rows, columns]
        points = np.einsum("nk,nkc->nc", weights, head.vertices[corners])
        normals = np.einsum("nk,nkc->nc", weights, head.normals[corners])
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        return points.astype(np.float32), normals.astype(np.float32)


@lru_cache(maxsize=1)
def average_head() -> Part:
    """The head of the average adult, in the frame of the head."""
    body = body_model().pose(BodyShape())
    part = body.part("head")
    return Part(body.head.to_local(part.vertices), part.normals, part.faces, part.uv)


@lru_cache(maxsize=4)
def head_chart(size: int) -> Chart:
    """The chart of the head's texture at a resolution; made once."""
    head = average_head()
    triangle, weights = rasterize(head.uv, head.faces, size)
    covered = triangle >= 0
    position = np.einsum("hwk,hwkc->hwc", weights, head.vertices[head.faces[triangle]])
    position[~covered] = 0
    known = covered.copy()
    for _ in range(4):  # bilinear reads at the border must not meet empty texels
        position, known = _grow(position, known)
    return Chart(position.astype(np.float32), triangle, weights)


def smooth_step(x: npt.ArrayLike, low: float, high: float) -> Floats:
    """0 at `low`, 1 at `high`, smooth between; `low` may be the larger one."""
    t = np.clip((np.asarray(x) - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def rasterize(uv: Floats, faces: npt.NDArray[np.int32], size: int) -> tuple[npt.NDArray[np.int32], Floats]:
    """Triangle of every texel's middle, (size, size), -1 where there is none, and its barycentric weights there."""
    triangle = np.full((size, size), -1, np.int32)
    weights = np.zeros((size, size, 3), np.float32)
    corners = np.stack([uv[:, 0] * size - 0.5, (1 - uv[:, 1]) * size - 0.5], axis=1)[faces].astype(np.float64)
    lows = np.ceil(corners.min(axis=1) - 1e-6).astype(int).clip(0, size)
    highs = np.floor(corners.max(axis=1) + 1e-6).astype(int).clip(-1, size - 1)
    for index in np.flatnonzero((highs >= lows).all(axis=1)):
        (left, top), (right, bottom) = lows[index], highs[index]
        (ax, ay), (bx, by), (cx, cy) = corners[index]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if abs(area) < 1e-12:
            continue
        y, x = np.mgrid[top : bottom + 1, left : right + 1]
        second = ((x - ax) * (cy - ay) - (y - ay) * (cx - ax)) / area
        third = ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) / area
        inside = (second >= -1e-6) & (third >= -1e-6) & (second + third <= 1 + 1e-6)
        rows, columns = y[inside], x[inside]
        triangle[rows, columns] = index
        weights[rows, columns] = np.stack([1 - second - third, second, third], axis=-1)[inside]
    return triangle, weights


def _grow(values: Floats, known: npt.NDArray[np.bool_]) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Fill the texels beside known ones with the mean of those."""
    total = np.zeros_like(values)
    count = np.zeros(known.shape, np.float32)
    for axis, step in ((0, 1), (0, -1), (1, 1), (1, -1)):
        total += np.roll(values * known[..., None], step, axis)
        count += np.roll(known, step, axis)
    new = ~known & (count > 0)
    values = values.copy()
    values[new] = total[new] / count[new][:, None]
    return values, known | new
