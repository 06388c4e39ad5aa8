"""R-precision: how often a picture's own caption is nearer to it than captions that are false of it.

Xu et al.: "AttnGAN", CVPR 2018, arXiv:1711.10485, Sec. 4: 99 random captions beside the true one, cosines of DAMSM's
codes, mean and deviation over ten folds.

Difference: captions that are known to be true of the picture as well are never among the 99. With random ones a perfect
model cannot reach 1.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from limner.errors import ShapeError, counted
from limner.metrics.bootstrap import mean_interval
from limner.metrics.protocol import Measurement, Protocol

NUM_NEGATIVES = 99
FOLDS = 10


TrueOf = Callable[[int], npt.NDArray[np.bool_]]
"""Number of a picture -> (n,) which captions are true of it."""


def r_precision(
    pictures: Float[Tensor, "n e"],
    captions: Float[Tensor, "m e"],
    *,
    true_of: TrueOf | None = None,
    num_negatives: int = NUM_NEGATIVES,
    seed: int = 0,
) -> Bool[Tensor, " n"]:
    """Whether each picture's own caption, that of the same row, is the nearest of all that it is compared with.

    Args:
        pictures: codes.
        captions: codes.
        true_of: which captions are true of a picture; none: its own alone.
        num_negatives: captions beside the own one; all that are false where there are fewer. Where there are none, the
            own one is the nearest; see `is_compared`.
        seed: of the choice, which depends on the picture's number alone.

    Raises:
        ShapeError: if there are not as many captions as pictures, or none.
    """
    if pictures.shape != captions.shape or not len(pictures):
        raise ShapeError(
            f"There are codes of pictures {tuple(pictures.shape)} and of captions {tuple(captions.shape)}; both must "
            "have one shape, and at least a row."
        )
    near, said = (functional.normalize(codes.double().cpu(), dim=1).numpy() for codes in (pictures, captions))
    hits = np.zeros(len(near), dtype=bool)
    for number in range(len(near)):
        false = np.ones(len(near), dtype=bool) if true_of is None else ~true_of(number)
        false[number] = False
        others = np.flatnonzero(false)
        if len(others) > num_negatives:
            others = np.random.default_rng((seed, number)).choice(others, num_negatives, replace=False)
        own = near[number] @ said[number]
        hits[number] = not len(others) or own > (said[others] @ near[number]).max()
    return torch.from_numpy(hits)


def folds(hits: Bool[Tensor, " n"], *, count: int = FOLDS) -> tuple[float, float]:
    """Mean and standard deviation over `count` consecutive parts, as AttnGAN reports it; fewer where there are few."""
    parts = hits.double().tensor_split(min(count, len(hits)))
    means = torch.stack([part.mean() for part in parts])
    return float(means.mean()), float(means.std(correction=0))


def is_compared(number: int, *, true_of: TrueOf | None = None) -> Bool[Tensor, " n"]:
    """Whether there is a caption that is false of each of so many pictures; else its own one is told from nothing."""
    if true_of is None:
        return torch.full((number,), number > 1)
    return torch.tensor([not np.delete(true_of(row), row).all() for row in range(number)], dtype=torch.bool)


def r_precision_measurement(
    pictures: Float[Tensor, "n e"],
    captions: Float[Tensor, "n e"],
    protocol: Protocol,
    *,
    true_of: TrueOf | None = None,
    seed: int = 0,
) -> Measurement | None:
    """The share of pictures whose own caption is the nearest, of those of which some caption is false.

    Args:
        pictures: codes.
        captions: codes.
        protocol: of the number, with its name.
        true_of: see `r_precision`.
        seed: of the captions that a picture is compared with, and of the interval.

    Returns:
        The number, or none where no caption is false of any picture, as in a set of one class.
    """
    hits = r_precision(pictures, captions, true_of=true_of, seed=seed)
    hits = hits[is_compared(len(hits), true_of=true_of)]
    if not len(hits):
        return None
    mean, deviation = folds(hits)
    words = "ten parts" if len(hits) >= FOLDS else counted(len(hits), "part")
    return Measurement(
        float(hits.double().mean()),
        dataclasses.replace(protocol, count=len(hits)),
        is_share=True,
        interval=mean_interval(hits.double(), seed=seed) if len(hits) > 1 else None,
        note=f"over {words} {100 * mean:.2f} ± {100 * deviation:.2f} %.",
    )
