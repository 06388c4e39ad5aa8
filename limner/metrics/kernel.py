"""KID: the squared maximum mean discrepancy of two sets of feature vectors under a cubic kernel.

Bińkowski et al., "Demystifying MMD GANs", ICLR 2018, arXiv:1801.01401. It is unbiased: unlike the Fréchet distance its
mean does not depend on the number of images, so it is the one to use for small sets. The paper averages it over random
subsets to save time; the estimate here uses every pair once, which has the same mean and less spread.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from limner.errors import DataError, ShapeError
from limner.metrics.arguments import check_vectors

SETTINGS = "kernel (x.y/d + 1)^3, all pairs"
_BLOCK = 256  # rows of the kernel matrix at a time; few, as a symmetric one is made from its diagonal on


def kernel_distance(real: Float[Tensor, "n d"], fake: Float[Tensor, "m d2"]) -> Float[Tensor, ""]:
    """Unbiased estimate of the squared discrepancy, in float64; it may be a little below 0.

    Raises:
        ConfigError: if one is no tensor.
        ShapeError: if d and d2 differ, or one has another shape.
        DataError: if a set has fewer than two vectors, or the kernel of two vectors is not finite.
    """
    check_vectors("KID", real=real, fake=fake)
    return resampled_kernel_distances(real, fake, fake.new_ones(1, len(fake), dtype=torch.float64))[0]


def resampled_kernel_distances(
    real: Float[Tensor, "n d"], fake: Float[Tensor, "m d2"], weights: Float[Tensor, "resamples m"]
) -> Float[Tensor, " resamples"]:
    """The same for resamples of the generated images, for intervals.

    Args:
        real: feature vectors.
        fake: feature vectors.
        weights: how often each generated image occurs in each resample. An image is never paired with itself, nor
            with its copies in a resample.

    Returns:
        NaN for a resample that holds one image only.

    Raises:
        ShapeError: if d and d2 differ.
        DataError: if a set has fewer than two vectors, or the kernel of two vectors is not finite.
    """
    if real.shape[1] != fake.shape[1]:
        raise ShapeError(f"Feature vectors of {real.shape[1]} and of {fake.shape[1]} numbers cannot be compared.")
    if min(len(real), len(fake)) < 2:
        raise DataError(f"KID needs at least two images of each kind, not {len(real)} and {len(fake)}.")
    real, fake = real.double(), fake.double()
    weights, ones = weights.to(fake), real.new_ones(1, len(real))
    within = _mean_of_pairs(fake, weights) + _mean_of_pairs(real, ones)
    across = _sum_across(real, fake, weights) / (len(real) * weights.sum(1))
    return within - 2 * across


def _mean_of_pairs(vectors: Tensor, weights: Tensor) -> Tensor:
    """Weighted mean of the kernel over all pairs of two different vectors, for each row of weights."""
    diagonal = _kernel((vectors * vectors).sum(1), vectors.shape[1])
    squares = weights.square()
    pairs = _sum_within(vectors, weights) - squares @ diagonal
    count = weights.sum(1).square() - squares.sum(1)
    # Without a pair, the sum over none is a rounding, which divided by 0 would be infinite.
    return (pairs / count).where(count > 0, torch.nan)


def _sum_within(vectors: Tensor, weights: Tensor) -> Tensor:
    """Sum over i and j of w_i w_j k(v_i, v_j), for each row of weights; each pair's kernel is made once."""
    total = weights.new_zeros(len(weights))
    for start in range(0, len(vectors), _BLOCK):
        end = min(start + _BLOCK, len(vectors))
        kernel = _kernel(vectors[start:end] @ vectors[start:].T, vectors.shape[1])
        own, others = kernel[:, : end - start], kernel[:, end - start :]
        met = weights[:, start:end] @ own + 2 * (weights[:, end:] @ others.T)
        total += (weights[:, start:end] * met).sum(1)
    return _checked(total)


def _sum_across(real: Tensor, fake: Tensor, weights: Tensor) -> Tensor:
    """Sum over i and j of w_j k(real_i, fake_j), for each row of weights."""
    sums = [_kernel(real @ rows.T, real.shape[1]).sum(0) for rows in fake.split(_BLOCK)]
    return _checked(weights @ torch.cat(sums))


def _checked(total: Tensor) -> Tensor:
    if not total.isfinite().all():
        raise DataError(
            "KID needs features that are finite and whose kernel is; check the images that they were made of."
        )
    return total


def _kernel(products: Tensor, num_features: int) -> Tensor:
    """(x.y / d + 1)^3; Sec. 4 of the paper."""
    base = products / num_features + 1
    return base * base * base
