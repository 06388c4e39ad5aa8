"""Intervals of a number, had other pictures of the same kind been drawn: whole pictures are drawn with replacement.

Where several pictures were made from one map, they are not independent, and it is maps that are drawn, each with all of
its pictures. The intervals hold the luck of the draw of test pictures and nothing else: not another training run, not
another data set.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from jaxtyping import Float, Int64, Shaped
from torch import Tensor

_BLOCK = 2**20  # weights at a time, 8 MB

RESAMPLES = 1000
LEVEL = 0.95

Interval = tuple[float, float]


def resample_weights(count: int, *, seed: int, resamples: int = RESAMPLES) -> Float[Tensor, "resamples count"]:
    """How often each of `count` pictures occurs in each resample; rows sum to `count`. float64, on the CPU."""
    return torch.cat([*weight_blocks(count, seed=seed, resamples=resamples)])


def weight_blocks(
    count: int, *, seed: int, resamples: int = RESAMPLES
) -> Iterator[Float[Tensor, "some_resamples count"]]:
    """Rows of `resample_weights`, some at a time: all of a large set would take gigabytes."""
    random = torch.Generator().manual_seed(seed)
    for rows in torch.arange(resamples).split(max(1, _BLOCK // max(1, count))):
        draws = torch.randint(count, (len(rows), count), generator=random)
        weights = torch.zeros(len(rows), count, dtype=torch.float64)
        yield weights.scatter_add_(1, draws, torch.ones_like(weights))


def group_places(groups: Int64[Tensor, " count"]) -> Int64[Tensor, " count"]:
    """The place of each picture's group among the groups there are, 0, 1, ..., in the order of their numbers."""
    places: Tensor = torch.unique(groups.cpu(), return_inverse=True)[1]
    return places


def percentile_interval(values: Float[Tensor, " resamples"], *, level: float = LEVEL) -> Interval:
    """The middle `level` of the resampled values; those that are not a number are left out."""
    ends = torch.tensor([(1 - level) / 2, (1 + level) / 2], dtype=values.dtype, device=values.device)
    low, high = values.nanquantile(ends).tolist()
    return low, high


def centred_interval(
    value: float, values: Float[Tensor, " resamples"], *, shrink: float = 1.0, level: float = LEVEL
) -> Interval:
    """The same, moved so that the resampled values have the mean `value`.

    For distances between sets: a resample holds fewer different pictures than the set, which lifts most distances, so
    the plain percentiles would lie above the value that they are to enclose.

    Args:
        value: of the set itself.
        values: of its resamples; those that are not a number are left out.
        shrink: factor on their spread, where they are of a part of the set: the root of that part.
        level: probability mass.
    """
    return percentile_interval(shrink * (values - values.nanmean()) + value, level=level)


def mean_interval(
    values: Shaped[Tensor, " count"],
    *,
    seed: int,
    groups: Int64[Tensor, " count"] | None = None,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> Interval:
    """Interval of the mean of one value a picture.

    Args:
        values: of the pictures.
        seed: of the resamples.
        groups: any number of the map that each picture was made from; pictures of one map are drawn together. None:
            every picture has a map of its own.
        resamples: how many.
        level: probability mass.
    """
    random = torch.Generator().manual_seed(seed)
    values = values.detach().cpu().double()
    counts = torch.ones_like(values)
    if groups is not None:
        places = group_places(groups)
        values, counts = torch.bincount(places, values), torch.bincount(places, counts)
    # One resample at a time: see `weight_blocks`.
    draws = (torch.randint(len(values), (len(values),), generator=random) for _ in range(resamples))
    means = [values[drawn].sum() / counts[drawn].sum() for drawn in draws]
    return percentile_interval(torch.stack(means), level=level)
