"""R-precision: how often a picture's own caption is nearer to it than captions that are false of it.

Xu et al.: "AttnGAN", CVPR 2018, arXiv:1711.10485, Sec. 4: 99 random captions beside the true one, cosines of DAMSM's
codes, mean and deviation over ten folds.

Difference: captions that are known to be true of the picture as well are never among the 99. With random ones a perfect
model cannot reach 1.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from limner.errors import ShapeError

NUM_NEGATIVES = 99
FOLDS = 10


def r_precision(
    pictures: Float[Tensor, "n e"],
    captions: Float[Tensor, "m e"],
    *,
    true_of: Callable[[int], npt.NDArray[np.bool_]] | None = None,
    num_negatives: int = NUM_NEGATIVES,
    seed: int = 0,
) -> Bool[Tensor, " n"]:
    """Whether each picture's own caption, that of the same row, is the nearest of all that it is compared with.

    Args:
        pictures: codes.
        captions: codes.
        true_of: number of a picture -> (n,) which captions are true of it; none: its own alone.
        num_negatives: captions beside the own one; all that are false where there are fewer.
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
