"""The Fréchet distance between two sets of feature vectors, each summed up by its mean and covariance.

Heusel et al., "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium", NeurIPS 2017,
arXiv:1706.08500, call it FID when the features are Inception-v3's. With any other feature network it is another number
and has another name here: "FD-<network>".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float, Shaped
from torch import Tensor
from torchmetrics import Metric

from limner.errors import DataError, ShapeError


def frechet_distance(
    mean1: Float[Tensor, " d"],
    covariance1: Float[Tensor, "d d"],
    mean2: Float[Tensor, " d2"],
    covariance2: Float[Tensor, "d2 d2"],
) -> Float[Tensor, ""]:
    """|mean1 - mean2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)), computed in float64; Eq. 6 of arXiv:1706.08500.

    The trace of the root of C1 C2 is the sum of the singular values of C1^(1/2) C2^(1/2), whose factors come from
    symmetric eigenvalue problems. Unlike a root of the unsymmetric product it needs no full rank: with fewer samples
    than features it neither fails nor turns complex, and two equal sets give 0 up to rounding.

    Raises:
        ShapeError: if d and d2 differ, or there are other shapes.
    """
    size = len(mean1)
    shapes = [tuple(value.shape) for value in (mean1, covariance1, mean2, covariance2)]
    if shapes != [(size,), (size, size), (size,), (size, size)]:
        raise ShapeError(f"Means and covariances must have shapes (d,), (d, d), (d,), (d, d), not {shapes}.")
    covariance1, covariance2 = covariance1.double(), covariance2.double()
    shift = (mean1.double() - mean2.double()).square().sum()
    cross = torch.linalg.svdvals(_square_root(covariance1) @ _square_root(covariance2)).sum()
    # The true value is never negative; the difference of two equal traces may be, by a rounding.
    distance: Tensor = shift + covariance1.trace() + covariance2.trace() - 2 * cross
    return distance.clamp_min(0)


def _square_root(covariance: Tensor) -> Tensor:
    """The symmetric root of a positive semi-definite matrix, with eigenvalues that are only rounding set to zero."""
    values, vectors = torch.linalg.eigh((covariance + covariance.T) / 2)
    noise = values.abs().max() * len(values) * torch.finfo(values.dtype).eps
    root: Tensor = (vectors * values.where(values > noise, 0).sqrt()) @ vectors.T
    return root


class FrechetDistance(Metric):
    """`frechet_distance` between real and generated images in the space of a feature network.

    The states are sums in float64, so the result depends neither on the batch size nor on the number of processes.

    Args:
        features: (batch, 3, height, width) -> (batch, num_features), called without gradients; it is not a part of the
            state and stays on its device. None: `update` is given feature vectors.
        num_features: length of a feature vector.
        reset_real: whether `reset` also forgets the real images; False to compare several sets with the same real one.
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
        # In a tuple, so that a network is not registered as a submodule: it belongs to its owner and is not saved here.
        self._features = (features,)
        self.num_features = num_features
        self.reset_real = reset_real
        for kind in ("real", "fake"):
            self.add_state(f"{kind}_count", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")
            self.add_state(f"{kind}_sum", torch.zeros(num_features, dtype=torch.float64), dist_reduce_fx="sum")
            outer = torch.zeros(num_features, num_features, dtype=torch.float64)
            self.add_state(f"{kind}_outer", outer, dist_reduce_fx="sum")

    @torch.no_grad()
    def update(self, images: Shaped[Tensor, "batch ..."], *, real: bool) -> None:
        """Add images (or their feature vectors) to the real or to the generated set.

        Raises:
            ShapeError: if there are not `num_features` features.
            DataError: if a feature is not finite.
        """
        (features,) = self._features
        vectors = (images if features is None else features(images)).to(self.real_sum)
        if vectors.ndim != 2 or vectors.shape[1] != self.num_features:
            raise ShapeError(
                f"The feature vectors have shape {tuple(vectors.shape)}, not (batch, {self.num_features})."
            )
        if not vectors.isfinite().all():
            raise DataError("Some features are not finite; check the images that they were made of.")
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
            *_moments(self.real_count, self.real_sum, self.real_outer),
            *_moments(self.fake_count, self.fake_sum, self.fake_outer),
        )

    def reset(self) -> None:
        """Forget the generated images, and the real ones too unless `reset_real` is False."""
        kept = {} if self.reset_real else {name: getattr(self, name) for name in self._defaults if "real" in name}
        super().reset()
        for name, value in kept.items():
            setattr(self, name, value)


def _moments(count: Tensor, total: Tensor, outer: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and unbiased covariance of `count` vectors from their sum and the sum of their outer products."""
    mean = total / count
    return mean, (outer - count * torch.outer(mean, mean)) / (count - 1)
