"""Precision and recall of a generator: how many of its images lie among the real ones, and the other way round.

Kynkäänniemi et al., "Improved Precision and Recall Metric for Assessing Generative Models", NeurIPS 2019,
arXiv:1904.06991. Each set is described by balls around its feature vectors that reach to their k-th nearest neighbour;
precision is the share of generated vectors inside of a real ball, recall that of real ones inside of a generated ball.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from limner.errors import DataError, ShapeError
from limner.metrics.arguments import check_count, check_vectors

NEIGHBOURS = 3  # the paper's k
_BLOCK = 256  # rows of the distance matrix at a time; few, as a symmetric one is made from its diagonal on
_ROUNDING = 1e-13  # of a squared distance, in units of the squared lengths that it is the difference of


class PrecisionRecall(NamedTuple):
    """Shares in [0, 1]."""

    precision: Float[Tensor, ""]
    recall: Float[Tensor, ""]


def inside_manifold(
    vectors: Float[Tensor, "n d"], manifold: Float[Tensor, "m d2"], *, neighbours: int = NEIGHBOURS
) -> Bool[Tensor, " n"]:
    """Whether each vector lies in a ball around a vector of `manifold` that reaches to its k-th nearest neighbour.

    Squared distances are computed in float64 about the manifold's mean; those within rounding of 0 are 0, so that
    copies of one image are at distance 0 from each other.

    Raises:
        ShapeError: if d and d2 differ.
        ConfigError: if `neighbours` is below 1.
        DataError: if the manifold has no more than `neighbours` vectors, or a squared distance is not finite.
    """
    _check(vectors, manifold, neighbours)
    centre = manifold.double().mean(0)
    vectors, manifold = vectors.double() - centre, manifold.double() - centre
    radii = _squared_radii(manifold, neighbours)
    return torch.cat([(d <= radii).any(1) for d in _squared_distances(vectors, manifold)])


def inside_each_other(
    real: Float[Tensor, "n d"], fake: Float[Tensor, "m d2"], *, neighbours: int = NEIGHBOURS
) -> tuple[Bool[Tensor, " m"], Bool[Tensor, " n"]]:
    """`inside_manifold` of the generated vectors among the real ones, and the other way round, in half of the work.

    Raises:
        ShapeError, ConfigError, DataError: as `inside_manifold`.
    """
    _check(fake, real, neighbours)
    _check(real, fake, neighbours)
    real, fake = real.double(), fake.double()
    centre = real.mean(0)
    real_radii = _squared_radii(real - centre, neighbours)
    fake_radii = _squared_radii(fake - fake.mean(0), neighbours)
    fake_inside: list[Tensor] = []
    real_inside = torch.zeros(len(real), dtype=torch.bool, device=real.device)
    blocks = _squared_distances(fake - centre, real - centre)
    for distances, radii in zip(blocks, fake_radii.split(_BLOCK), strict=True):
        fake_inside.append((distances <= real_radii).any(1))
        real_inside |= (distances <= radii[:, None]).any(0)
    return torch.cat(fake_inside), real_inside


def precision_and_recall(
    real: Float[Tensor, "n d"], fake: Float[Tensor, "m d2"], *, neighbours: int = NEIGHBOURS
) -> PrecisionRecall:
    """Precision and recall of generated feature vectors.

    Raises:
        ShapeError, ConfigError, DataError: as `inside_manifold`.
    """
    precision, recall = inside_each_other(real, fake, neighbours=neighbours)
    return PrecisionRecall(precision.double().mean(), recall.double().mean())


def _check(vectors: Tensor, manifold: Tensor, neighbours: int) -> None:
    """Raises: as `inside_manifold`."""
    check_vectors("Precision and recall", vectors=vectors, manifold=manifold)
    if vectors.shape[1] != manifold.shape[1]:
        raise ShapeError(f"Feature vectors of {vectors.shape[1]} and {manifold.shape[1]} numbers cannot be compared.")
    check_count("Precision and recall", "neighbours", neighbours)
    if len(manifold) <= neighbours:
        raise DataError(f"Balls to the neighbour number {neighbours} need more images than that, not {len(manifold)}.")


def _squared_radii(manifold: Tensor, neighbours: int) -> Tensor:
    """From each vector to its k-th nearest neighbour, squared; each pair's distance is made once."""
    kept = neighbours + 1  # the smallest distance is that of a vector to itself
    nearest = manifold.new_full((len(manifold), kept), torch.inf)
    for start in range(0, len(manifold), _BLOCK):
        (distances,) = _squared_distances(manifold[start : start + _BLOCK], manifold[start:])
        size = len(distances)
        nearest[start : start + size] = _smallest(nearest[start : start + size], distances)
        nearest[start + size :] = _smallest(nearest[start + size :], distances[:, size:].T)
    return nearest.amax(1)


def _smallest(nearest: Tensor, distances: Tensor) -> Tensor:
    """The smallest of each row of both."""
    count = nearest.shape[1]
    return torch.cat([nearest, distances], dim=1).topk(count, largest=False, sorted=False).values


def _squared_distances(first: Tensor, second: Tensor) -> Iterator[Tensor]:
    """Blocks of rows of the matrix of squared distances."""
    norms = second.square().sum(1)
    for rows in first.split(_BLOCK):
        both = rows.square().sum(1, keepdim=True) + norms
        if not both.isfinite().all():  # comparisons with these would be false, or true of everything
            raise DataError(
                "Precision and recall need features that are finite and whose squared distances are; check the images "
                "that they were made of."
            )
        distances = both - 2 * rows @ second.T
        yield distances.where(distances > _ROUNDING * both, 0)
