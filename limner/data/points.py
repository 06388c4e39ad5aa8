"""Points of faces and bodies as maps that a network sees: heat maps, lines, groups. Pure functions on any device.

Points are (batch, n, 2) x and y in pixels of the map, (0, 0) being the middle of the upper left pixel; NaN: not seen.
Points may lie outside of the map.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

_NOTHING = 2.0**-24
"""Half of float32's step below 1. Smaller values of a map are 0: no network tells them from it, and where they get as
small as denormal numbers, convolutions of them take ten times as long on a CPU."""


def gaussian_heatmaps(
    points: Float[Tensor, "b n 2"], size: tuple[int, int], *, sigma: float
) -> Float[Tensor, "b n h w"]:
    """One map a point: exp(-d^2 / (2 sigma^2)) of the distance d in pixels, so 1 at the point; 0 where it is not seen.

    Args:
        points: see the module.
        size: height and width of the maps.
        sigma: pixels.
    """
    x, y = _distances(points, size)
    maps = _gaussian(x.square(), sigma)[:, :, None, :] * _gaussian(y.square(), sigma)[..., None]
    return functional.threshold(torch.nan_to_num(maps, nan=0.0), _NOTHING, 0.0)


def one_hot_heatmaps(points: Float[Tensor, "b n 2"], size: tuple[int, int]) -> Float[Tensor, "b n h w"]:
    """One map a point: 1 at the nearest pixel, 0 elsewhere; 0 where it is not seen or lies outside."""
    x, y = _distances(points, size)
    # Half a pixel to one side is in, to the other is out: a point between two pixels belongs to one of them.
    columns, rows = ((part >= -0.5) & (part < 0.5) for part in (x, y))
    return (columns[:, :, None, :] & rows[..., None]).float()


def polylines(
    points: Float[Tensor, "b n 2"], lines: Sequence[Sequence[Sequence[int]]], size: tuple[int, int], *, sigma: float
) -> Float[Tensor, "b c h w"]:
    """One map a channel: exp(-d^2 / (2 sigma^2)) of the distance to the nearest of its lines.

    A segment with an end that is not seen is left out.

    Args:
        points: see the module.
        lines: channel -> lines, each through these points in turn.
        size: height and width of the maps.
        sigma: pixels.
    """
    maps = []
    for channel in lines:
        segments = [segment for line in channel for segment in pairwise(line)]
        starts, ends = (points[:, list(places)] for places in zip(*segments, strict=True))
        nearest = _to_segments(starts, ends, size).amin(dim=1)
        maps.append(_gaussian(nearest, sigma))
    return torch.stack(maps, dim=1)


def group_maps(
    points: Float[Tensor, "b n 2"], groups: Sequence[Sequence[int]], size: tuple[int, int], *, sigma: float
) -> Float[Tensor, "b c h w"]:
    """One map a group of points: the largest of their Gaussians at each pixel.

    Args:
        points: see the module.
        groups: channel -> its points.
        size: height and width of the maps.
        sigma: pixels.
    """
    every = gaussian_heatmaps(points, size, sigma=sigma)
    return torch.stack([every[:, list(group)].amax(dim=1) for group in groups], dim=1)


def _gaussian(squared: Tensor, sigma: float) -> Tensor:
    """exp(-d^2 / (2 sigma^2)) of squared distances, 0 where next to nothing is left."""
    return functional.threshold(torch.exp(squared / (-2 * sigma**2)), _NOTHING, 0.0)


def _distances(points: Tensor, size: tuple[int, int]) -> tuple[Float[Tensor, "b n w"], Float[Tensor, "b n h"]]:
    """From every column to each point, and from every row."""
    height, width = size
    columns = torch.arange(width, device=points.device, dtype=torch.float32)
    rows = torch.arange(height, device=points.device, dtype=torch.float32)
    points = points.float()
    return columns - points[..., :1], rows - points[..., 1:]


def _to_segments(
    start: Float[Tensor, "b n 2"], end: Float[Tensor, "b n 2"], size: tuple[int, int]
) -> Float[Tensor, "b n h w"]:
    """Squared distance of every pixel to each segment; without end where one of its ends is not seen."""
    x, y = _distances(start, size)
    x, y = x[:, :, None], y[..., None]
    way = (end - start).float()[..., None, None]
    across, down = way[:, :, 0], way[:, :, 1]
    share = ((x * across + y * down) / (across.square() + down.square()).clamp(min=1e-12)).clamp(0, 1)
    distance = (x - share * across).square() + (y - share * down).square()
    return torch.nan_to_num(distance, nan=torch.inf)
