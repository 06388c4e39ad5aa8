"""The hairy scalp: where hair grows, and the head's shape as hair and hats see it.

Places on the average head decide what grows where, so that a style looks alike on all heads. Coordinates are those of
the head's frame (to the subject's left, to the back, up; the origin is midway between the eyes), metres.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from limner.people.body import PosedBody
from limner.people.chart import average_head
from limner.people.strands import unit
from limner.people.surface import Floats, cross

MIDDLE = np.array([0.0, 0.085, 0.02], np.float32)
"""Middle of the skull."""
NUM_ROOTS = 4200
"""Roots that are spread over the scalp."""
_PROXY_HEAD, _PROXY_BODY = 0.008, 0.012
"""Metres between the points that stand for the surface of the head and of the body when strands are kept outside."""

# The hairline: its height over the direction around the head, from the forehead (0) over the ears to the nape (pi).
_LINE_AZIMUTH = (0.0, 0.3, 0.55, 0.8, 0.98, 1.1, 1.2, 1.32, 1.42, 1.55, 1.72, 1.88, 2.05, 2.35, 3.15)
_LINE_HEIGHT = (0.072, 0.073, 0.072, 0.066, 0.050, 0.025, 0.0, -0.018, 0.002, 0.026, 0.026, 0.0, -0.03, -0.056, -0.064)


def hairline_height(azimuth: Floats) -> Floats:
    """Height of the usual hairline over directions around the head: 0 is the face, pi the back; sides are alike."""
    return np.asarray(np.interp(np.abs(azimuth), _LINE_AZIMUTH, _LINE_HEIGHT), np.float32)


def scalp_depth(points: Floats, *, recession: float = 0.0, ring: bool = False) -> Floats:
    """How far points (..., 3) of the average head lie inside the hairy scalp, metres; negative outside.

    Args:
        points: in the head's frame.
        recession: 0 = the usual hairline, 1 = bald to the crown.
        ring: only the ring over ears and nape is left.
    """
    line = hairline_height(np.arctan2(points[..., 0], MIDDLE[1] - points[..., 1]))
    depth = np.asarray(points[..., 2] - line, np.float32)
    return receded(depth, points, recession=recession, ring=ring)


def receded(depth: Floats, points: Floats, *, recession: float, ring: bool) -> Floats:
    """`scalp_depth` of a head that has lost hair, from that of one with all of it."""
    x, y, z = points[..., 0], points[..., 1], points[..., 2]
    if ring:
        return np.asarray(np.minimum(depth, 0.045 - z), np.float32)
    if recession <= 0:
        return depth
    # The corners above the temples recede first; a tongue of hair stays in the middle.
    corners = 0.72 + 0.28 * np.clip((np.abs(x) - 0.01) / 0.035, 0, 1)
    front = -0.035 + 0.14 * recession * corners
    return np.asarray(np.where(z > 0.04, np.minimum(depth, y - front), depth), np.float32)


def hat_band(y: Floats) -> Floats:
    """Height of the lower edge of hats on the average head: low on the forehead, lower in the neck."""
    return np.asarray(0.056 - 0.22 * np.clip(y, 0, None), np.float32)


@dataclass(frozen=True, eq=False)
class Scalp:
    """Roots on the average head, and points that stand for its surface; the same for everybody."""

    faces: npt.NDArray[np.int32]  # (R, 3) vertices around every root
    weights: Floats  # (R, 3)
    places: Floats  # (R, 3) on the average head
    cap: npt.NDArray[np.int32]  # (F, 3) triangles of the hairy scalp
    proxies: npt.NDArray[np.int64]  # vertices, thinned out
    ears: npt.NDArray[np.bool_]  # which proxies are ears
    width_vertices: list[npt.NDArray[np.int64]]  # vertices in front of the ears at _WIDTH_LEVELS


_WIDTH_LEVELS = np.arange(-0.12, 0.101, 0.02, dtype=np.float32)


@lru_cache(maxsize=1)
def scalp() -> Scalp:
    """Made once; the roots are in random order, so that any first part of them covers the whole scalp."""
    head = average_head()
    points = head.vertices
    corners = points[head.faces]
    middle = corners.mean(axis=1)
    outside = np.linalg.norm(middle - MIDDLE, axis=1) > 0.06  # not the inside of the mouth
    wanted = (scalp_depth(middle) > -0.012) & outside & ~is_ear(middle)
    random = np.random.Generator(np.random.PCG64(0))
    area = np.linalg.norm(cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) * wanted
    steps = (np.arange(NUM_ROOTS) + 0.5) / NUM_ROOTS
    face = np.searchsorted(np.cumsum(area) / area.sum(), steps)
    first, second = np.sqrt(random.random(NUM_ROOTS)), random.random(NUM_ROOTS)
    weights = np.stack([1 - first, first * (1 - second), first * second], axis=1).astype(np.float32)
    order = random.permutation(NUM_ROOTS)
    faces, weights = head.faces[face][order], weights[order]
    proxies = _thin(points, _PROXY_HEAD, np.linalg.norm(points - MIDDLE, axis=1) > 0.05)
    level = [
        np.flatnonzero((np.abs(points[:, 2] - z) < 0.012) & (np.abs(points[:, 1] - 0.03) < 0.014))
        for z in _WIDTH_LEVELS
    ]
    return Scalp(
        faces=faces,
        weights=weights,
        places=np.einsum("rk,rkc->rc", weights, points[faces]),
        cap=head.faces[(scalp_depth(middle) > 0.008) & outside & ~is_ear(middle)],
        proxies=proxies,
        ears=is_ear(points[proxies]),
        width_vertices=level,
    )


def is_ear(points: Floats) -> npt.NDArray[np.bool_]:
    """Whether points of the average head belong to the ears, which stand off the skull."""
    x, y, z = np.abs(points[..., 0]), points[..., 1], points[..., 2]
    return np.asarray((x > 0.0765) & (y > 0.055) & (y < 0.125) & (z > -0.06) & (z < 0.035))


def _thin(points: Floats, spacing: float, allowed: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Indices of points, one in every cube of side `spacing`."""
    cubes = np.floor(points / spacing).astype(np.int64)
    candidates = np.flatnonzero(allowed)
    _, first = np.unique(cubes[candidates], axis=0, return_index=True)
    return candidates[np.sort(first)]


class PosedHead:
    """A posed head in its own frame, in units of the average head."""

    def __init__(self, body: PosedBody) -> None:
        common = scalp()
        part = body.part("head")
        self.frame = body.head
        local = self.frame.to_local(part.vertices)
        spread = local[common.faces[:, 0]].std(axis=0)
        self.scale = float(np.linalg.norm(spread) / np.linalg.norm(common.places.std(axis=0)))
        local = local / self.scale
        normals = part.normals @ self.frame.axes.T
        self.vertices, self.normals = local, normals
        self.roots = np.einsum("rk,rkc->rc", common.weights, local[common.faces])
        self.root_normals = unit(np.einsum("rk,rkc->rc", common.weights, normals[common.faces]))
        self.down = self.frame.axes @ np.array([0, 0, -1], np.float32)
        self.shoulders, self.shoulder_normals = self._near_body(body)
        half = [np.abs(local[index, 0]).max() if len(index) else 0.0 for index in common.width_vertices]
        self.half_widths = np.asarray(half, np.float32)

    def _near_body(self, body: PosedBody) -> tuple[Floats, Floats]:
        part = body.part("body")
        local = self.frame.to_local(part.vertices) / self.scale
        near = (local[:, 2] > -0.4) & (np.abs(local[:, 0]) < 0.32)
        chosen = _thin(local, _PROXY_BODY, near)
        return local[chosen], (part.normals @ self.frame.axes.T)[chosen]

    def face_width(self, z: Floats) -> Floats:
        """Half the width of the face in front of the ears at heights."""
        return np.interp(z, _WIDTH_LEVELS, self.half_widths).astype(np.float32)

    def to_world(self, points: Floats) -> Floats:
        return self.frame.to_world(points * self.scale)

    def directions(self, vectors: Floats) -> Floats:
        return np.asarray(vectors @ self.frame.axes, np.float32)


def facing(points: Floats) -> Floats:
    """Where hair at points looks: away from the skull's middle, below it away from the vertical axis."""
    away = points - MIDDLE
    away[..., 2] = np.maximum(away[..., 2], 0.0)
    return unit(away)
