"""How much images differ that were made from one condition with different latents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torchmetrics import Metric

from limner.errors import DataError, ShapeError
from limner.metrics.arguments import check_tensors
from limner.nn.resampling import gaussian_blur

_SHADING = 1 / 16  # of a picture's height: what is smoother than this is light and shadow, not the shape of parts


def mean_pairwise_distance(
    samples: Float[Tensor, "batch latents *dims"], distance: Callable[[Tensor, Tensor], Tensor] | None = None
) -> Float[Tensor, " batch"]:
    """Mean distance over all pairs of latents, for each condition.

    Args:
        samples: images or feature vectors, `latents` of them for each condition; any range.
        distance: two batches -> the distance of each pair, such as `LearnedSimilarity`; None: the mean absolute
            difference.

    Returns:
        With the mean absolute difference of images in [-1, 1] a value in [0, 2]; 0 means that the latent changes
        nothing.

    Raises:
        ConfigError: if they are no tensor.
        ShapeError: if there are fewer than two latents, or nothing to compare.
    """
    check_tensors("Diversity", samples=samples)
    if samples.ndim < 3 or not samples.numel():
        raise ShapeError(f"Diversity needs samples of the shape (batch, latents, ...), not {tuple(samples.shape)}.")
    count = samples.shape[1]
    if count < 2:
        raise ShapeError(f"Diversity needs at least two latents for each condition, not {count}.")
    first, second = torch.triu_indices(count, count, offset=1, device=samples.device)
    if distance is None:
        return torch.stack([(a[first] - a[second]).abs().mean() for a in samples.double().flatten(2)])
    return torch.stack([distance(a[first], a[second]).mean() for a in samples])


def with_common_shading(samples: Float[Tensor, "batch latents 3 h w"]) -> Float[Tensor, "batch latents 3 h w"]:
    """The pictures of each condition with one shading: what is smooth in them is replaced by its mean over latents.

    Light, shadows and casts of colour are the cheapest ways to differ, in features as in pixels, and they are smooth
    (a Gaussian of a sixteenth of the height). What still differs under one shading is drawn: hair, glasses, wrinkles,
    edges of parts. Differences of colour between large areas count at their borders alone.

    Args:
        samples: images in [-1, 1], `latents` of them for each condition.

    Returns:
        Images that leave [-1, 1] a little where they are bright or dark; a gradient flows through all of it.
    """
    smooth: Tensor = gaussian_blur(samples.flatten(0, 1), _SHADING * samples.shape[-2]).unflatten(0, samples.shape[:2])
    return samples - smooth + smooth.mean(dim=1, keepdim=True)


class PairwiseDiversity(Metric):
    """Mean of `mean_pairwise_distance` over all conditions; the state is a sum in float64.

    Args:
        distance: see `mean_pairwise_distance`.
    """

    higher_is_better = True
    is_differentiable = False
    full_state_update = False
    total: Tensor
    count: Tensor

    def __init__(self, distance: Callable[[Tensor, Tensor], Tensor] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._distance = (distance,)  # not a submodule: the network of a learned distance is not saved here
        self.add_state("total", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    @torch.no_grad()
    def update(self, samples: Float[Tensor, "batch latents *dims"]) -> None:
        """Add conditions, all latents of each.

        Raises:
            ShapeError: if there are fewer than two latents.
        """
        distances = mean_pairwise_distance(samples.double(), *self._distance)
        self.total += distances.double().sum().to(self.total.device)
        self.count += len(distances)

    def compute(self) -> Float[Tensor, ""]:
        """The mean.

        Raises:
            DataError: if there was no condition.
        """
        if not int(self.count):
            raise DataError("Diversity needs the pictures of at least one condition.")
        return self.total / self.count
