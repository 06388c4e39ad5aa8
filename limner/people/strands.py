"""Ribbons along curves: how strands of hair, brows, lashes and beards become triangles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from limner.people.surface import Floats, cross


@dataclass(frozen=True, eq=False)
class Ribbons:
    """Flat strips along N curves of P points; all arrays but `faces` have one row per vertex, 2 * N * P of them."""

    vertices: Floats
    faces: npt.NDArray[np.int32]
    normals: Floats
    """Rounded: they turn outwards towards the edges, so that a strip is shaded like a lock."""
    tangents: Floats
    """Unit vectors from root to tip."""

    @staticmethod
    def spread(values: Floats) -> Floats:
        """Values per point (N, P, ...) as values per vertex."""
        return np.repeat(values.reshape(-1, *values.shape[2:]), 2, axis=0)


def make_ribbons(curves: Floats, widths: Floats, facing: Floats, *, rounding: float = 0.7) -> Ribbons:
    """Strips along curves, turned so that their broad side looks along `facing`.

    Args:
        curves: (N, P, 3) points from root to tip.
        widths: (N, P) metres.
        facing: (N, P, 3) unit vectors; only the part across the curve counts.
        rounding: sideways part of the normals at the edges.
    """
    num, points, _ = curves.shape
    tangents = unit(np.gradient(curves, axis=1))
    side = unit(cross(tangents, facing))
    normals = cross(side, tangents)
    offset = 0.5 * widths[..., None] * side
    vertices = np.stack([curves - offset, curves + offset], axis=2)
    rounded = unit(np.stack([normals - rounding * side, normals + rounding * side], axis=2))
    return Ribbons(
        vertices.reshape(-1, 3).astype(np.float32),
        _strip_faces(num, points),
        rounded.reshape(-1, 3).astype(np.float32),
        Ribbons.spread(tangents.astype(np.float32)),
    )


def _strip_faces(num: int, points: int) -> npt.NDArray[np.int32]:
    start = 2 * (points * np.arange(num)[:, None] + np.arange(points - 1)).reshape(-1, 1)
    strip = np.array([0, 1, 3, 0, 3, 2])
    return np.asarray((start + strip).reshape(-1, 3), np.int32)


def unit(vectors: Floats) -> Floats:
    """Vectors (..., 3) scaled to length one; nearly zero ones stay so."""
    squares = np.einsum("...i,...i->...", vectors, vectors)
    return np.asarray(vectors / np.sqrt(np.maximum(squares, 1e-18))[..., None])


def resample(curves: Floats, fractions: Floats) -> Floats:
    """The first `fractions` (N,) of curves (N, P, 3), with as many points."""
    num, points, _ = curves.shape
    place = fractions[:, None] * np.linspace(0, points - 1, points, dtype=np.float32)
    low = np.minimum(place.astype(np.int64), points - 2)
    part = (place - low)[..., None].astype(np.float32)
    rows = np.arange(num)[:, None]
    return np.asarray(curves[rows, low] * (1 - part) + curves[rows, low + 1] * part)
