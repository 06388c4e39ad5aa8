"""Brows: where they grow on the head's texture, and the ten landmarks along their upper edges."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from limner.people.body import PosedBody
from limner.people.chart import Chart, head_chart, smooth_step
from limner.people.person import Brows
from limner.people.surface import Floats

INNER, SPAN = 0.0125, 0.046
"""Distance from the middle of the face to the inner end of a brow, and from there to its outer end, metres."""
HEIGHT, RISE = 0.0128, 0.0066
"""Height of the middle line of a brow at its inner end, and how much higher its peak is, metres."""
PEAK = 0.65
"""Where the peak is, from the inner (0) to the outer end (1)."""
MARKS = (1.0, 0.8, 0.54, 0.27, 0.02)
"""Places of landmarks 17 to 21, and those of 26 to 22."""
MAP_SIZE = 384
"""Resolution of the map on which brows and beards are placed; that of the skin of pictures of 128 px."""


def along_brow(x: Floats, brows: Brows) -> Floats:
    """How far places at distances `x` from the middle of the face are along a brow: 0 = inner, 1 = outer end."""
    return np.asarray((np.abs(x) - INNER) / (SPAN * brows.length), np.float32)


def brow_mask(chart: Chart, brows: Brows) -> Floats:
    """Where the brows are on the head's texture (size, size): 1 in their middle, 0 outside."""
    box = _forehead(chart.size)
    x, y, z = np.moveaxis(chart.position[box], -1, 0)
    mask = np.zeros((chart.size, chart.size), np.float32)
    mask[box] = brow_profile(along_brow(x, brows), z, brows) * (y < 0.03)
    return mask


def brow_profile(t: Floats, z: Floats, brows: Brows) -> Floats:
    """Cover of a brow at places `t` along it, `z` high."""
    inside = np.clip(t, 0, 1)
    distance = np.abs(z - brow_height(inside, brows)) / _half_width(inside, brows)
    ends = smooth_step(t, -0.04, 0.1) * smooth_step(t, 1.03, 0.9)
    return np.asarray(smooth_step(distance, 1.25, 0.7) * ends, np.float32)


def brow_height(t: npt.NDArray[Any], brows: Brows) -> Floats:
    """Height of a brow's middle line: it rises to the peak and falls ever faster beyond."""
    rise = RISE + 0.0022 * brows.arch
    before, beyond = np.maximum(PEAK - t, 0) / PEAK, np.maximum(t - PEAK, 0) / (1 - PEAK)
    return np.asarray(HEIGHT + rise * (1 - before**2 - 0.92 * beyond**3), np.float32)


def _half_width(t: npt.NDArray[Any], brows: Brows) -> npt.NDArray[Any]:
    return np.maximum(0.0040 * brows.thickness * (0.75 + 0.6 * t - 1.15 * t**2), 0.0004)


def brow_landmarks(brows: Brows, body: PosedBody) -> Floats:
    """Landmarks 17 to 26 (10, 3): along the upper edges, from the outer end of the subject's right brow on."""
    t = np.array(MARKS)
    x = INNER + t * SPAN * brows.length
    z = brow_height(t, brows) + _half_width(t, brows)
    across, up = np.concatenate([-x, x[::-1]]), np.concatenate([z, z[::-1]])
    chart = head_chart(MAP_SIZE)
    box = _forehead(MAP_SIZE)
    position = chart.position[box]
    away = (position[..., 0] - across[:, None, None]) ** 2 + (position[..., 2] - up[:, None, None]) ** 2
    away += position[..., 1] > 0.03
    row, column = np.unravel_index(away.reshape(len(away), -1).argmin(axis=1), position.shape[:2])
    points, _ = chart.points_on(body.part("head"), row + box[0].start, column + box[1].start)
    return points


@lru_cache(maxsize=4)
def _forehead(size: int) -> tuple[slice, slice]:
    """Rows and columns of the head's texture that hold all brows."""
    chart = head_chart(size)
    x, y, z = np.moveaxis(chart.position, -1, 0)
    near = (np.abs(x) < 0.07) & (y < 0.03) & (z > 0.005) & (z < 0.04) & (chart.triangle >= 0)
    near[: size // 8] = False  # there lie the eye sockets
    rows, columns = np.flatnonzero(near.any(axis=1)), np.flatnonzero(near.any(axis=0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
