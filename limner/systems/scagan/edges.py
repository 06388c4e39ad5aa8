"""Edge maps: the extended difference of Gaussians, with a soft threshold and without the binary one.

Winnemöller, Kyprianidis, Olsen: "XDoG", Computers & Graphics 2012. SCA-GAN's authors made their maps with this filter
at the values below and keep the grey map.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

SIGMA, RATIO, SHARE, EDGE, SLOPE = 0.8, 1.6, 0.98, -0.1, 200.0
"""Narrow Gaussian in pixels, wide : narrow, share of the wide one, where a line begins, steepness of the threshold."""
_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as Pillow converts to grey
_TRUNCATE = 4.0  # widths of a Gaussian that its kernel reaches


def edge_map(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The edges of a photo (H, W, 3) RGB -> (H, W): 0 on a line, 255 on paper.

    Flat black is mid grey, as the filter has it. A picture without any change is paper throughout.
    """
    grey = image.astype(np.float64) @ np.array(_LUMA) / 255
    difference = _blurred(grey, SIGMA) - SHARE * _blurred(grey, SIGMA * RATIO)
    soft = np.where(difference < EDGE, 1.0, 1.0 + np.tanh(SLOPE * difference))
    low, high = float(soft.min()), float(soft.max())
    if high - low < 1e-12:
        return np.full(grey.shape, 255, np.uint8)
    return np.asarray(np.rint((soft - low) / (high - low) * 255), np.uint8)


def as_content(edges: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """(H, W) with dark lines on paper -> (1, H, W) in [-1, 1] with bright lines on -1: what the networks see."""
    return (1 - edges.astype(np.float32) / 127.5)[None]


def _blurred(values: npt.NDArray[np.float64], sigma: float) -> npt.NDArray[np.float64]:
    """A Gaussian filter; beyond the border the picture is mirrored, edge pixels included."""
    radius = int(_TRUNCATE * sigma + 0.5)
    kernel = np.array([math.exp(-0.5 * (step / sigma) ** 2) for step in range(-radius, radius + 1)])
    kernel /= kernel.sum()
    for axis in (0, 1):
        margins = [(0, 0), (0, 0)]
        margins[axis] = (radius, radius)
        padded = np.pad(values, margins, mode="symmetric")
        length = values.shape[axis]
        total = np.zeros_like(values)
        for step, weight in enumerate(kernel.tolist()):
            total += weight * np.take(padded, range(step, step + length), axis=axis)
        values = total
    return values
