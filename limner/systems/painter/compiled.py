"""The loops of the exact brush, compiled by numba: the same bits as the arrays of `rasterizer`, in a third of the time.

Imported by `rasterizer` alone, where numba is installed (extra `brush`). The machine code is kept beside this file or
in numba's cache folder, so that it is made once. None of these functions holds the interpreter's lock.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

_BAND = 16  # rows of pixels that are painted together: their samples stay in a processor's cache


def _compile(function: Callable[..., Any]) -> Any:
    try:
        return numba.njit(nogil=True, cache=True)(function)
    except RuntimeError:  # no folder where the machine code could be kept
        return numba.njit(nogil=True)(function)


def num_threads() -> int:
    """As many as numba may use (`NUMBA_NUM_THREADS`, else the cores that this process may use)."""
    return int(numba.get_num_threads())


@_compile
def _half_chords(low: int, high: int) -> Any:
    """Row r - low, column d: samples on each side of the centre of a disc of radius r, d rows away; for d <= r."""
    chords = np.empty((high - low + 1, high + 1), np.int32)
    for radius in range(low, high + 1):
        half = radius
        for offset in range(radius + 1):
            while half * half + offset * offset > radius * radius:
                half -= 1
            chords[radius - low, offset] = half
    return chords


@_compile
def draw(x: Ints, y: Ints, radius: Ints, value: Floats, left: int, top: int, alpha: Floats) -> None:
    """Opacity of one stroke in a part of a picture.

    Args:
        x, y, radius, value: its discs, (discs,) each, as in `rasterizer.Discs`.
        left, top: column and row of the part's first pixel.
        alpha: (height, width), is filled.
    """
    height, width = alpha.shape
    low = radius.min()
    chords = _half_chords(low, radius.max())
    samples = np.empty((2 * _BAND, 2 * width), np.float32)
    for start in range(0, height, _BAND):
        rows = min(_BAND, height - start)
        samples[: 2 * rows] = 0
        above = 2 * (top + start)
        for disc in range(len(x)):
            reach, row, column = radius[disc], y[disc] - above, x[disc] - 2 * left
            first, last = max(0, row - reach), min(2 * rows, row + reach + 1)
            if first >= last:
                continue
            halves, shade = chords[reach - low], value[disc]
            # What the next disc leaves is a crescent, in each row left of it, right of it, or both.
            following = min(disc + 1, len(x) - 1)
            next_reach = radius[following] if following > disc else -1  # nothing covers the last disc
            next_row, next_column = y[following] - above, x[following] - 2 * left
            next_halves = chords[radius[following] - low]
            for place in range(first, last):
                half, away = halves[abs(place - row)], abs(place - next_row)
                begin, end = max(0, column - half), min(2 * width, column + half + 1)
                if away <= next_reach:
                    covered = next_halves[away]
                    for sample in range(begin, min(end, next_column - covered)):
                        samples[place, sample] = shade
                    begin = max(begin, next_column + covered + 1)
                for sample in range(begin, end):
                    samples[place, sample] = shade
        for row in range(rows):
            for column in range(width):
                before = samples[2 * row, 2 * column] + samples[2 * row + 1, 2 * column]
                behind = samples[2 * row, 2 * column + 1] + samples[2 * row + 1, 2 * column + 1]
                alpha[start + row, column] = (before + behind) * np.float32(0.25)


@_compile
def set_color(part: Floats, alpha: Floats, color: Floats) -> None:
    """C <- C (1 - alpha) + alpha colour in a part (3, height, width) of a canvas."""
    for row in range(alpha.shape[0]):
        for channel in range(3):
            for column in range(alpha.shape[1]):
                opacity = alpha[row, column]
                rest = part[channel, row, column] * (np.float32(1) - opacity)
                part[channel, row, column] = rest + opacity * color[channel]
