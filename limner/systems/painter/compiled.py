"""The loops of the exact brush, compiled by numba: the same bits as the arrays of `rasterizer`, in a third of the time.

Imported by `rasterizer` alone, where numba is installed (extra `brush`). The machine code is kept beside this file or
in numba's cache folder, so that it is made once. None of these functions holds the interpreter's lock.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limner.optional import optional

numba = optional("numba", extra="brush")

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
def _half_chords(radius: int, row: int, halves: Ints) -> None:
    """Samples on each side of the centre of a disc in each row, -1 for none; its centre lies in row `row`."""
    for place in range(len(halves)):
        square = float(radius) * radius - float(place - row) * (place - row)
        halves[place] = np.int32(np.sqrt(max(square, 0.0))) if square >= 0 else -1


@_compile
def draw(x: Ints, y: Ints, radius: Ints, value: Floats, left: int, top: int, alpha: Floats) -> None:
    """Opacity of one stroke in a part of a picture.

    Args:
        x, y, radius, value: its discs, (discs,) each, as in `rasterizer.Discs`.
        left, top: column and row of the part's first pixel.
        alpha: (height, width), is filled.
    """
    height, width = alpha.shape
    samples = np.empty((2 * _BAND, 2 * width), np.float32)
    halves, next_halves = np.empty(2 * _BAND, np.int32), np.empty(2 * _BAND, np.int32)
    num = len(x)
    for start in range(0, height, _BAND):
        rows = min(_BAND, height - start)
        samples[: 2 * rows] = 0
        above = 2 * (top + start)
        _half_chords(radius[0], y[0] - above, next_halves)
        for disc in range(num):
            halves, next_halves = next_halves, halves
            next_column = 0
            if disc + 1 < num:
                _half_chords(radius[disc + 1], y[disc + 1] - above, next_halves)
                next_column = x[disc + 1] - 2 * left
            else:
                next_halves[:] = -1  # nothing covers the last disc
            reach, row, column, shade = radius[disc], y[disc] - above, x[disc] - 2 * left, value[disc]
            # What the next disc leaves is a crescent, in each row left of it, right of it, or both.
            for place in range(max(0, row - reach), min(2 * rows, row + reach + 1)):
                half, covered = halves[place], next_halves[place]
                begin, end = max(0, column - half), min(2 * width, column + half + 1)
                for sample in range(begin, min(end, next_column - covered)):
                    samples[place, sample] = shade
                for sample in range(max(begin, next_column + covered + 1), end):
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
