"""The Fréchet distance between two sets of feature vectors, each summed up by its mean and covariance.

Heusel et al., "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium", NeurIPS 2017,
arXiv:1706.08500, call it FID when the features are Inception-v3's. With any other feature network it is another number
and has another name here: "FID-people" with the shipped network, else "FD-<network>".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Shaped
from numpy.typing import NDArray
from torch import Tensor
from torchmetrics import Metric

from limner.errors import DataError, ShapeError
from limner.metrics.arguments import check_count, check_is_real
from limner.metrics.features import feature_vectors

_NEGATIVE = 1e-3  # how far below 0 rounding may carry an eigenvalue, in units of what was rounded

Array = Tensor | NDArray[np.floating[Any]]


def frechet_distance(mu1: Array, sigma1: Array, mu2: Array, sigma2: Array) -> Float[Tensor, ""]:
    """|mu1 - mu2|^2 + tr(sigma1 + sigma2 - 2 (sigma1 sigma2)^(1/2)), computed in float64; Eq. 6 of arXiv:1706.08500.

    The trace of the root of the product is the sum of the singular values of A1^T A2 for any A1 A1^T = sigma1 and
    A2 A2^T = sigma2, as these are the roots of the eigenvalues of sigma1 sigma2. Unlike a root of the unsymmetric
    product it needs no full rank: with fewer samples than features it neither fails nor turns complex, and two equal
    sets give 0 up to rounding.

    Args:
        mu1: mean of the first set, (d,).
        sigma1: its covariance, (d, d).
        mu2: mean of the second set, (d,).
        sigma2: its covariance, (d, d).

    Raises:
        ShapeError: if there are other shapes, or d is 0.
        DataError: if a value is complex or not finite, or a matrix has a negative eigenvalue beyond rounding, which no
            covariance has.
    """
    given = [torch.as_tensor(value) for value in (mu1, sigma1, mu2, sigma2)]
    if any(value.is_complex() for value in given):
        raise DataError("Means and covariances must be real, not complex.")
    values = [value.double() for value in given]
    mean1, covariance1, mean2, covariance2 = values
    shapes, size = [tuple(value.shape) for value in values], mean1.numel()
    if not size or shapes != [(size,), (size, size), (size,), (size, size)]:
        raise ShapeError(f"Means and covariances must have shapes (d,), (d, d), (d,), (d, d), d >= 1, not {shapes}.")
    if not all(bool(value.isfinite().all()) for value in values):
        raise DataError("Means and covariances must be finite; check the features that they were made of.")
    shift = (mean1 - mean2).square().sum()
    cross = torch.linalg.svdvals(_factor(covariance1, mean1).T @ _factor(covariance2, mean2)).sum()
    # The true value is never negative; the difference of two equal traces may be, by a rounding.
    distance: Tensor = shift + covariance1.trace() + covariance2.trace() - 2 * cross
    return distance.clamp_min(0)


def mean_and_covariance(
    count: int | Tensor, total: Float[Tensor, " d"], outer: Float[Tensor, "d d"]
) -> tuple[Float[Tensor, " d"], Float[Tensor, "d d"]]:
    """Mean and unbiased covariance of `count` vectors from their sum and the sum of their outer products."""
    mean = total / count
    return mean, (outer - count * torch.outer(mean, mean)) / (count - 1)


def resampled_frechet_distances(
    mean: Float[Tensor, " d"],
    covariance: Float[Tensor, "d d"],
    vectors: Float[Tensor, "n d"],
    weights: Float[Tensor, "resamples n"],
) -> Float[Tensor, " resamples"]:
    """Distance of a fixed set to each resample of `vectors`, for intervals.

    Here the cross term is the sum of the roots of the eigenvalues of A1^T C2 A1 with A1 A1^T = C1, or of the smaller
    matrix that shares them where there are fewer vectors than features: less work than in `frechet_distance`, and a
    rounding of about 1e-8 of the traces, which does not matter beside the spread.

    Args:
        mean: of the fixed set.
        covariance: of the fixed set.
        vectors: feature vectors of the other set.
        weights: how often each vector occurs in each resample.
    """
    mean, covariance, vectors = mean.double(), covariance.double(), vectors.double()
    factor, trace = _factor(covariance, mean), covariance.trace()
    distances = []
    for row in weights.to(vectors):
        count = row.sum()
        mean2 = row @ vectors / count
        deviations = (row / (count - 1)).sqrt()[:, None] * (vectors - mean2)  # their squares sum to C2
        seen = deviations @ factor
        product = seen.T @ seen if len(vectors) > factor.shape[1] else seen @ seen.T
        cross = torch.linalg.eigvalsh(product).clamp_min(0).sqrt().sum()
        distances.append((mean - mean2).square().sum() + trace + deviations.square().sum() - 2 * cross)
    return torch.stack(distances)


def _factor(covariance: Tensor, mean: Tensor) -> Tensor:
    """A matrix A of as many columns as the covariance has ranks, A A^T = covariance.

    Raises:
        DataError: if an eigenvalue is negative beyond the rounding of a covariance about that mean.
    """
    factor, left = _pivoted_cholesky((covariance + covariance.T) / 2)
    # What a covariance in float64 leaves is its rounding. One of half precision leaves more, and may need eigenvalues.
    rounding = float(covariance.diagonal().max()) * len(covariance) * torch.finfo(covariance.dtype).eps
    return factor if left <= rounding else _square_root(covariance, mean)


def _pivoted_cholesky(matrix: Float[Tensor, "d d"]) -> tuple[Float[Tensor, "d rank"], float]:
    """Cholesky's factor, columns in the order of the largest variances that are left, and the largest value left over.

    A fifth of the work of eigenvalues and their vectors. It ends where nothing is left but rounding, so that a
    covariance of fewer samples than features has a factor of fewer columns; what is left over of a matrix with negative
    eigenvalues is not small. Rows are not moved, so the factor is triangular only up to their order.
    """
    size, block = len(matrix), 64
    variances = matrix.diagonal().clone()
    least = float(variances.max()) * size * torch.finfo(matrix.dtype).eps
    left, parts, rank = matrix.clone(), [], 0
    while rank < size:
        part = left.new_zeros(size, min(block, size - rank))  # columns of a block see those before it in `left`
        done = 0
        while done < part.shape[1]:
            pivot = int(variances.argmax())
            if not (variance := float(variances[pivot])) > least:
                break
            column = (left[pivot] - part[:, :done] @ part[pivot, :done]) / variance**0.5
            variances -= column.square()
            variances[pivot] = 0.0  # in place of a rounding that could be chosen again
            part[:, done] = column
            done += 1
        parts.append(part[:, :done])
        left.addmm_(parts[-1], parts[-1].T, alpha=-1)
        rank += done
        if done < part.shape[1]:
            break
    return torch.cat(parts, 1), float(left.abs().max())


def _square_root(covariance: Tensor, mean: Tensor) -> Tensor:
    """The symmetric root of a positive semi-definite matrix, with eigenvalues that are only rounding set to zero.

    Raises:
        DataError: if an eigenvalue is negative beyond the rounding of a covariance about that mean.
    """
    values, vectors = torch.linalg.eigh((covariance + covariance.T) / 2)
    # A covariance is a difference of squares about as large as those of the mean, and may come in half precision.
    if float(values.min()) < -_NEGATIVE * float(values.abs().max() + mean.square().sum()):
        raise DataError(f"A covariance matrix has no negative eigenvalue, but this one has {float(values.min()):.3g}.")
    noise = values.abs().max() * len(values) * torch.finfo(values.dtype).eps
    root: Tensor = (vectors * values.where(values > noise, 0).sqrt()) @ vectors.T
    return root


class FrechetDistance(Metric):
    """`frechet_distance` between real and generated images in the space of a feature network.

    The states are sums in float64, so the result depends neither on the batch size nor on the number of processes, and
    the memory not on the number of images.

    Args:
        features: (batch, 3, height, width) -> (batch, num_features), such as a `FeatureNetwork`; called without
            gradients; it is not a part of the state and stays on its device. None: `update` is given feature vectors.
        num_features: length of a feature vector.
        reset_real: whether `reset` also forgets the real images; False to compare several sets with the same real one.

    Example:
        >>> metric = FrechetDistance(None, num_features=1)
        >>> metric.update(torch.tensor([[0.0], [2.0]]), real=True)
        >>> metric.update(torch.tensor([[3.0], [5.0]]), real=False)
        >>> float(metric.compute())
        9.0
    """

    higher_is_better = False
    is_differentiable = False
    # The other way adds up the states before and after a `reset`, and would count kept ones twice.
    full_state_update = True
    real_count: Tensor
    real_sum: Tensor
    real_outer: Tensor
    fake_count: Tensor
    fake_sum: Tensor
    fake_outer: Tensor

    def __init__(
        self, features: Callable[[Tensor], Tensor] | None, *, num_features: int, reset_real: bool = True, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        check_count("The Fréchet distance", "num_features", num_features, most=8192)
        # In a tuple, so that a network is not registered as a submodule: it belongs to its owner and is not saved here.
        self._features = (features,)
        self.num_features = num_features
        self.reset_real = reset_real
        for kind in ("real", "fake"):
            self.add_state(f"{kind}_count", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")
            self.add_state(f"{kind}_sum", torch.zeros(num_features, dtype=torch.float64), dist_reduce_fx="sum")
            outer = torch.zeros(num_features, num_features, dtype=torch.float64)
            self.add_state(f"{kind}_outer", outer, dist_reduce_fx="sum")

    def update(self, images: Shaped[Tensor, "batch ..."], *, real: bool) -> None:
        """Add images (or their feature vectors) to the real or to the generated set.

        Raises:
            ConfigError: if `real` is neither True nor False.
            ShapeError: if there are not `num_features` features.
            DataError: if a feature is not finite.
        """
        check_is_real(real)
        vectors = feature_vectors(*self._features, images, self.num_features, device=self.real_sum.device)
        if real:
            self.real_count += len(vectors)
            self.real_sum += vectors.sum(0)
            self.real_outer += vectors.T @ vectors
        else:
            self.fake_count += len(vectors)
            self.fake_sum += vectors.sum(0)
            self.fake_outer += vectors.T @ vectors

    def compute(self) -> Float[Tensor, ""]:
        """The distance, at least 0.

        Raises:
            DataError: if a set has fewer than two images, which have no covariance.
        """
        if min(int(self.real_count), int(self.fake_count)) < 2:
            raise DataError(
                "The Fréchet distance needs at least two images of each kind, "
                f"not {int(self.real_count)} real and {int(self.fake_count)} generated ones."
            )
        return frechet_distance(
            *mean_and_covariance(self.real_count, self.real_sum, self.real_outer),
            *mean_and_covariance(self.fake_count, self.fake_sum, self.fake_outer),
        )

    def reset(self) -> None:
        """Forget the generated images, and the real ones too unless `reset_real` is False."""
        kept = {} if self.reset_real else {name: getattr(self, name) for name in self._defaults if "real" in name}
        super().reset()
        for name, value in kept.items():
            setattr(self, name, value)
