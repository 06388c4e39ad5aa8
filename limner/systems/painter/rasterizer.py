"""The exact brush: what a stroke looks like, at any size, as the painter's neural renderer has to learn it.

The stroke model is that of Huang, Heng and Zhou, "Learning to Paint with Model-based Deep Reinforcement Learning", ICCV
2019, arXiv:1903.04411: a quadratic Bézier curve along which discs of changing radius and opacity are set down, each
disc replacing what the stroke has painted before. At `size` pixels the discs lie on a grid of S = 2 `size` samples a
side, at whole samples, and blocks of 2 x 2 samples are averaged. The disc of radius r holds the samples whose distance
from its centre is at most r.

What is new is how it is computed. A sample shows the last disc that covers it. Disc k therefore only has to be set down
where disc k + 1 does not cover it, which is a thin crescent: all crescents of a stroke are as many samples as the
stroke has, not as many as all its discs. NumPy only, so that strokes can be drawn again where no torch is; `compiled`
has the same loops for numba, which are used where it is installed (extra `brush`) and give the same bits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limner.errors import ConfigError, MissingExtraError

Floats = NDArray[np.floating[Any]]
Doubles = NDArray[np.float64]
Ints = NDArray[np.int32]

SUPERSAMPLING = 2
MIN_DISCS = 100
MAX_SIZE = 16_384
"""Largest picture in pixels a side."""

_BLOCK = 30_000  # rows of discs that are looked at together: what fits into a processor's cache
_SHARED = 256  # side of a canvas from which on threads share it


@cache
def compiled() -> ModuleType | None:
    """The compiled loops, or None where numba is missing."""
    try:
        return import_module("limner.systems.painter.compiled")
    except MissingExtraError:
        return None


@dataclass(frozen=True)
class Discs:
    """The discs of strokes, (strokes, discs) each, in the order in which they are set down.

    Attributes:
        x: centre column, samples.
        y: centre row, samples.
        radius: samples.
        value: opacity in [0, 1].
    """

    x: Ints
    y: Ints
    radius: Ints
    value: NDArray[np.float32]


def num_discs(size: int) -> int:
    """Discs of a stroke in a picture of that size: so many that they overlap closely."""
    return max(MIN_DISCS, size // 2)


def place_discs(points: Floats, radii: Floats, alphas: Floats, size: int) -> Discs:
    """Where the discs of strokes lie on the grid of a picture.

    Args:
        points: (n, 3, 2) start, control point and end as (x, y), fractions of the side in [0, 1].
        radii: (n, 2) at start and end, fractions of the side.
        alphas: (n, 2) opacity at start and end, in [0, 1].
        size: side of the picture in pixels.

    Raises:
        ConfigError: if the size is out of range.
    """
    if not 1 <= size <= MAX_SIZE:
        raise ConfigError(f"A picture of {size} pixels a side cannot be painted; the side must be 1 to {MAX_SIZE}.")
    samples = SUPERSAMPLING * size
    corners = np.floor(np.asarray(points, np.float64) * (samples - 1) + 0.5).astype(np.int64)
    radius = 1 + np.floor(np.asarray(radii, np.float64) * samples).astype(np.int64)
    # t = k / n is never 1: the last disc lies just before the end. Whole numbers, because the floating-point curve
    # between three equal points trembles about the sample that they lie on.
    n = num_discs(size)
    k = np.arange(n)
    first, second, third = (n - k) ** 2, 2 * k * (n - k), k**2
    x, y = (
        ((first * p[:, :1] + second * p[:, 1:2] + third * p[:, 2:]) // n**2).astype(np.int32)
        for p in (corners[..., 0], corners[..., 1])
    )
    between = (((n - k) * radius[:, :1] + k * radius[:, 1:]) // n).astype(np.int32)
    start, end = (np.asarray(alphas, np.float64)[:, place : place + 1] for place in (0, 1))
    return Discs(x, y, between, (start + (end - start) * (k / n)).astype(np.float32))


def stroke_alphas(params: Floats, size: int) -> NDArray[np.float32]:
    """Opacity maps of single strokes.

    Args:
        params: (n, 10) in [0, 1] in the renderer's order x0, y0, x1, y1, x2, y2, r0, r2, w0, w2, where x is the row
            and the control point is relative to the box of the ends (`strokes.StrokeList.from_params`).
        size: side in pixels.

    Returns:
        (n, size, size) in [0, 1].
    """
    points, radii, alphas = unpack_params(params)
    discs = place_discs(points, radii, alphas, size)
    maps: NDArray[np.float32] = np.zeros((len(params), size, size), np.float32)
    for number in range(len(params)):
        found = _boxed_alpha(nth_stroke(discs, number), (0, 0), (size, size))
        if found is not None:
            alpha, left, top = found
            maps[number, top : top + alpha.shape[0], left : left + alpha.shape[1]] = alpha
    return maps


def unpack_params(params: Floats) -> tuple[Doubles, Doubles, Doubles]:
    """(n, 10) in the renderer's order -> points (n, 3, 2) as absolute (x, y), radii (n, 2), alphas (n, 2)."""
    numbers = np.asarray(params, np.float64)
    points = numbers[:, :6].reshape(-1, 3, 2).copy()
    points[:, 1] = points[:, 0] + (points[:, 2] - points[:, 0]) * points[:, 1]
    # r = z / 4: the paper's brush has at most a quarter of the side as its radius (13 numbers, z * W / 2 samples).
    return points[..., ::-1], numbers[:, 6:8] / 4, numbers[:, 8:10]


def paint_strokes(
    canvas: NDArray[np.float32],
    points: Floats,
    radii: Floats,
    alphas: Floats,
    colors: Floats,
    clips: Floats,
) -> None:
    """Set down strokes one after the other: C <- C (1 - alpha) + alpha colour.

    Args:
        canvas: (3, size, size), changed in place.
        points, radii, alphas: as in `place_discs`.
        colors: (n, 3) in [0, 1].
        clips: (n, 4) x, y, width, height of the box that the stroke may change, fractions of the side.
    """
    loops, size = compiled(), canvas.shape[-1]
    threads = 1 if loops is None or size < _SHARED else loops.num_threads()
    ends = [size * number // threads for number in range(threads + 1)]
    discs = place_discs(points, radii, alphas, size)

    def paint_rows(first: int, last: int) -> None:
        for number, alpha, box in _opacities(discs, clips, size, first, last):
            _set_color(canvas[box], alpha, colors[number])

    if threads == 1:
        paint_rows(0, size)
        return
    # Rows know nothing of each other, and the compiled loops leave the interpreter's lock to the other threads.
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(paint_rows, ends[:-1], ends[1:]))


def paint_corrected(
    canvas: NDArray[np.float32],
    target: NDArray[np.float32],
    points: Floats,
    radii: Floats,
    alphas: Floats,
    colors: Floats,
    clips: Floats,
    *,
    share: float,
    palette: Floats | None = None,
) -> Doubles:
    """`paint_strokes` with colours that are moved towards the best ones, stroke by stroke.

    The best colour of a stroke on a canvas C leaves the smallest squared distance to the target I: for each channel the
    sum of alpha (I - C (1 - alpha)) over the sum of alpha squared, cut to [0, 1].

    Args:
        canvas: (3, size, size), changed in place.
        target: (3, size, size) in [0, 1], what the canvas should become.
        points, radii, alphas, colors, clips: as in `paint_strokes`.
        share: of the way to the best colour, from 0 (colours stay) to 1.
        palette: (k, 3) colours that strokes may have: the nearest one is taken.

    Returns:
        The colours that were painted, (n, 3); that of a stroke which nobody can see is as it was.
    """
    painted = np.array(colors, np.float64)
    size = canvas.shape[-1]
    for number, alpha, box in _opacities(place_discs(points, radii, alphas, size), clips, size, 0, size):
        covered = np.square(alpha).sum(dtype=np.float64)
        if share > 0 and covered > 0:
            below = canvas[box] * (1 - alpha)
            best = (alpha * (target[box] - below)).sum(axis=(1, 2), dtype=np.float64) / covered
            painted[number] += share * (best.clip(0, 1) - painted[number])
        if palette is not None:
            painted[number] = palette[np.square(palette - painted[number]).sum(axis=1).argmin()]
        _set_color(canvas[box], alpha, painted[number])
    return painted


def _opacities(
    discs: Discs, clips: Floats, size: int, first: int, last: int
) -> Iterator[tuple[int, Floats, tuple[slice, slice, slice]]]:
    """What each stroke does to the rows `first` to `last`, if anything.

    Yields:
        Its number, its opacity map, and the part of (3, size, size) where it lies.
    """
    low = np.floor(clips[:, :2] * size + 0.5).astype(np.int64)
    high = np.floor((clips[:, :2] + clips[:, 2:]) * size + 0.5).astype(np.int64)
    low[:, 1], high[:, 1] = np.maximum(low[:, 1], first), np.minimum(high[:, 1], last)
    for number in range(len(clips)):
        found = _boxed_alpha(nth_stroke(discs, number), low[number].tolist(), high[number].tolist())
        if found is not None:
            alpha, left, top = found
            yield number, alpha, (slice(None), slice(top, top + len(alpha)), slice(left, left + alpha.shape[1]))


def _set_color(part: NDArray[np.float32], alpha: Floats, color: Floats) -> None:
    """C <- C (1 - alpha) + alpha colour in a part of a canvas."""
    color = color.astype(np.float32)
    loops = compiled()
    if loops is not None:
        loops.set_color(part, alpha, color)
        return
    rest = 1 - alpha
    for channel, value in zip(part, color, strict=True):
        channel *= rest
        channel += alpha * value


def _boxed_alpha(stroke: Discs, low: Sequence[int], high: Sequence[int]) -> tuple[Floats, int, int] | None:
    """The opacity map of one stroke where it is not 0, with the column and row of its first pixel.

    Args:
        stroke: its discs.
        low, high: column and row of the first pixel that it may change, and of the first one that it may not any more.
    """
    left = max(int((stroke.x - stroke.radius).min()) // SUPERSAMPLING, low[0])
    top = max(int((stroke.y - stroke.radius).min()) // SUPERSAMPLING, low[1])
    right = min(int((stroke.x + stroke.radius).max()) // SUPERSAMPLING + 1, high[0])
    bottom = min(int((stroke.y + stroke.radius).max()) // SUPERSAMPLING + 1, high[1])
    if left >= right or top >= bottom:
        return None
    loops = compiled()
    if loops is not None:
        alpha = np.empty((bottom - top, right - left), np.float32)
        loops.draw(stroke.x, stroke.y, stroke.radius, stroke.value, left, top, alpha)
        return alpha, left, top
    grid = np.zeros((SUPERSAMPLING * (bottom - top), SUPERSAMPLING * (right - left)), np.float32)
    moved = Discs(stroke.x - SUPERSAMPLING * left, stroke.y - SUPERSAMPLING * top, stroke.radius, stroke.value)
    _set_down(grid, moved)
    return _average(grid[None])[0], left, top


def nth_stroke(discs: Discs, number: int) -> Discs:
    """One stroke, (discs,) each, without the discs that the next one covers exactly."""
    x, y, radius, value = (getattr(discs, name)[number] for name in ("x", "y", "radius", "value"))
    same = (x[:-1] == x[1:]) & (y[:-1] == y[1:]) & (radius[:-1] == radius[1:])
    keep = np.append(~same, True)
    return Discs(x[keep], y[keep], radius[keep], value[keep])


def _set_down(grid: NDArray[np.float32], stroke: Discs) -> None:
    """Give every sample of the grid (height, width) the value of the last disc that covers it."""
    width = 2 * int(stroke.radius.max()) + 1
    block = max(1, _BLOCK // width)
    num = len(stroke.x)
    for start in range(0, num, block):
        stop = min(start + block, num)
        places, counts = _crescents(stroke, start, stop, grid.shape)
        grid.reshape(-1)[places] = np.repeat(stroke.value[start:stop], counts)


def _crescents(
    discs: Discs, start: int, stop: int, shape: tuple[int, ...]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Samples of the discs `start` to `stop` that the next disc of the stroke does not cover.

    Args:
        discs: all discs of one stroke.
        start, stop: those to set down; their crescents are returned in this order.
        shape: height and width of the grid; what lies outside is left out.

    Returns:
        places: index of each sample in the grid read row by row; where one occurs twice, the later entry counts.
        counts: (stop - start,) how many of them belong to each disc.
    """
    height, width = shape
    x, y, radius = (values[start:stop, None] for values in (discs.x, discs.y, discs.radius))
    following = np.minimum(np.arange(start + 1, stop + 1), len(discs.x) - 1)
    next_x, next_y, next_radius = (values[following, None] for values in (discs.x, discs.y, discs.radius))
    reach = int(radius.max())
    offsets = np.arange(-reach, reach + 1, dtype=np.int32)
    rows = y + offsets
    half, next_half = _half_chords(radius, offsets[None]), _half_chords(next_radius, rows - next_y)
    if stop == len(discs.x):
        next_half[-1] = -1  # nothing covers the last disc
    # What the next disc leaves of a row lies left of it, right of it, or both. With a half chord of -1 its interval is
    # empty and parts the row at its centre, so that the two runs together are the whole row.
    starts = np.empty((len(rows), 2, len(offsets)), np.int32)
    lengths = np.empty_like(starts)
    np.subtract(x, half, out=starts[:, 0])
    np.maximum(starts[:, 0], next_x + 1 + next_half, out=starts[:, 1])
    np.maximum(starts, 0, out=starts)
    lengths[:, 1] = np.minimum(x + half, width - 1)
    np.minimum(lengths[:, 1], next_x - 1 - next_half, out=lengths[:, 0])
    lengths -= starts - 1
    np.maximum(lengths, 0, out=lengths)
    if int(rows[:, 0].min()) < 0 or int(rows[:, -1].max()) >= height:
        lengths *= ((rows >= 0) & (rows < height))[:, None]
    starts += rows[:, None] * np.int32(width)
    used = lengths > 0
    counts = lengths.sum(axis=(1, 2), dtype=np.int64)
    lengths = lengths[used]
    before = np.cumsum(lengths) - lengths
    places = np.repeat(starts[used] - before, lengths)
    places += np.arange(len(places))
    return places, counts


def _half_chords(radius: Ints, offsets: Ints) -> Ints:
    """Samples (m, n) on each side of the centre of disc m (m, 1), `offsets` (m, n) rows below it; -1 for none."""
    # Whole roots are exact in float32 while the squares are below 2 ** 24.
    kind: type[np.floating[Any]] = np.float32 if int(radius.max()) < 4096 else np.float64
    square: Floats = np.square(radius, dtype=kind) - np.square(offsets, dtype=kind)
    inside = square >= 0
    np.maximum(square, 0, out=square)
    half = np.sqrt(square, out=square).astype(np.int32)
    half += inside
    half -= 1
    return half


def _average(grid: NDArray[np.float32]) -> NDArray[np.float32]:
    """Means of the 2 x 2 blocks of (n, height, width)."""
    rows = grid[:, ::2] + grid[:, 1::2]
    return (rows[:, :, ::2] + rows[:, :, 1::2]) * np.float32(0.25)
