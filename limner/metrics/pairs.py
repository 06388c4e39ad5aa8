"""The mean of a score over pairs of images: generated and true, or two of anything."""

from __future__ import annotations

import math
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor
from torchmetrics import Metric

from limner.errors import ConfigError, DataError, ShapeError, quoted
from limner.metrics.arguments import check_tensors


@runtime_checkable  # for the run-time type checks of the tests
class PairScore(Protocol):
    """A pure function of two batches of images, with what a protocol must say of it: `SSIM()`, `PSNR()`, `L1()`, ..."""

    name: str
    higher_is_better: bool

    @property
    def settings(self) -> str:
        """Its parameters, for `Protocol.settings`."""

    def __call__(
        self, first: Float[Tensor, "batch 3 height width"], second: Float[Tensor, "*shape"]
    ) -> Float[Tensor, " batch"]:
        """The score of each pair; images in [-1, 1]."""


class PairMean(Metric):
    """Mean of a `PairScore` over all pairs; the state is a sum in float64, so any batching and world size agree.

    Example:
        >>> metric = PairMean(L1())
        >>> metric.update(torch.zeros(2, 3, 8, 8), torch.full((2, 3, 8, 8), 0.5))
        >>> float(metric.compute())
        0.5
    """

    is_differentiable = False
    full_state_update = False
    total: Tensor
    count: Tensor

    def __init__(self, score: PairScore, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._score = (score,)  # not a submodule: the network of a learned score is not saved here
        self.add_state("total", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    @property
    def higher_is_better(self) -> bool:  # type: ignore[override]
        """As the score says."""
        return self._score[0].higher_is_better

    @torch.no_grad()
    def update(self, first: Float[Tensor, "batch channels height width"], second: Float[Tensor, "*shape"]) -> None:
        """Add pairs.

        Raises:
            ShapeError: if the shapes differ, or as the score says.
        """
        scores = self._score[0](first, second)
        self.total += scores.double().sum().to(self.total.device)
        self.count += len(scores)

    def compute(self) -> Float[Tensor, ""]:
        """The mean.

        Raises:
            DataError: if there was no pair.
        """
        if not int(self.count):
            raise DataError(f"{self._score[0].name} needs at least one pair of images.")
        return self.total / self.count


ValueRange = tuple[float, float]
"""Smallest and largest value that a pixel may have."""
IN_NETWORKS: ValueRange = (-1.0, 1.0)


def check_pair(
    first: Tensor, second: Tensor, *, name: str, smallest: int = 1, value_range: ValueRange = IN_NETWORKS
) -> tuple[Tensor, Tensor]:
    """Both batches in float64.

    Args:
        first: images.
        second: images.
        name: of the score, for messages.
        smallest: side in pixels.
        value_range: of the pixels. Networks may overshoot it; by half its width it is another range.

    Raises:
        ShapeError: if they have other shapes than (batch, channels, height, width), or an image is too small.
        ConfigError: if their values are not those of the range, or one is no tensor.
        DataError: if a value is NaN.
    """
    check_tensors(name, first=first, second=second)
    if first.shape != second.shape or first.ndim != 4 or min(first.shape[-2:]) < smallest:
        raise ShapeError(
            f"{name} compares two batches of images of one size, at least {smallest} px, not {tuple(first.shape)} and "
            f"{tuple(second.shape)}."
        )
    low, high = value_range
    most = (high - low) / 2
    for image in (first, second):
        found = (float(image.min()), float(image.max())) if image.numel() else value_range
        is_whole = not image.is_floating_point() and most <= 1
        if any(map(math.isnan, found)):
            raise DataError(f"{name} compares images, but of these some values are no numbers (NaN).")
        if is_whole or found[0] < low - most or found[1] > high + most:
            raise ConfigError(
                f"{name} compares images with values in [{low:g}, {high:g}], but these are {image.dtype} from "
                f"{found[0]:g} to {found[1]:g}: scale them; PSNR and SSIM can be told another value_range."
            )
    return first.double(), second.double()


def check_value_range(value_range: ValueRange, *, name: str) -> None:
    """Refuse a range of pixels that no images have.

    Raises:
        ConfigError: if it is not two finite numbers, the smaller first.
    """
    try:
        low, high = map(float, value_range)
    except (TypeError, ValueError):
        low = high = math.nan
    if not -math.inf < low < high < math.inf:
        raise ConfigError(
            f"The value range of {name} is {quoted(value_range)}; it must be two finite numbers, the smaller first, "
            "such as (-1, 1)."
        )
