"""Structural similarity at one and at several scales.

Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity", IEEE TIP 2004, and "Multi-scale
Structural Similarity for Image Quality Assessment", Asilomar 2003.

Windows that would reach beyond the border are left out, as in the authors' program and scikit-image; torchmetrics
(1.9) mirrors the border and counts them, which moves the value by some thousandths at 64 pixels. Each colour channel
counts alike. Whatever range the images come in, they are compared on [0, 1] with the data range 1, as published numbers
are (0..255 with 255 is the same): SSIM compares means too, so on [-1, 1] it is another and lower number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from limner.errors import ConfigError
from limner.metrics.pairs import IN_NETWORKS, ValueRange, check_pair, check_value_range

WINDOW = 11  # Gaussian, sigma 1.5; Sec. III-C of the first paper
_SIGMA = 1.5
_K1, _K2 = 0.01, 0.03
SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # Sec. 3.2 of the second paper; their sum is 1.0001
_SETTINGS = f"Gaussian window {WINDOW}, sigma {_SIGMA}, no border, images on [0, 1], data range 1"


@dataclass(frozen=True)
class SSIM:
    """Structural similarity of two images: 1 = equal, at least -1.

    Attributes:
        value_range: smallest and largest possible value of a pixel, of the images as they come.
    """

    value_range: ValueRange = IN_NETWORKS
    name: ClassVar[str] = "SSIM"
    higher_is_better: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_value_range(self.value_range, name=self.name)

    @property
    def settings(self) -> str:
        """For the protocol."""
        return _SETTINGS

    def __call__(self, first: Float[Tensor, "batch c h w"], second: Float[Tensor, "*shape"]) -> Float[Tensor, " batch"]:
        """The similarity of each pair, float64.

        Raises:
            ShapeError: if the shapes differ or the images are smaller than the window.
            ConfigError: if the values are not those of the range.
        """
        first, second = _pair_on_unit_range(first, second, self.value_range, name=self.name, smallest=WINDOW)
        similarity, _ = _similarity_and_contrast(first, second)
        return similarity.mean(1)


@dataclass(frozen=True)
class MultiScaleSSIM:
    """Product over scales of powers of the contrast terms, and of the similarity at the coarsest scale; in [0, 1].

    A scale is half the size of the one before (mean of 2x2 pixels; an odd last row or column is left out). A negative
    term, which has no such power, counts as 0.

    Attributes:
        value_range: smallest and largest possible value of a pixel, of the images as they come.
        weights: exponent of each scale, finest first. The five of the paper need images of at least 176 pixels; for
            smaller ones take fewer, `SCALE_WEIGHTS[:3]`, and they are divided by their sum. The five are taken as they
            are printed.
    """

    value_range: ValueRange = IN_NETWORKS
    weights: tuple[float, ...] = SCALE_WEIGHTS
    name: ClassVar[str] = "MS-SSIM"
    higher_is_better: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_value_range(self.value_range, name=self.name)
        if not self.weights or min(self.weights) <= 0:
            raise ConfigError(f"MS-SSIM needs a positive weight for each of at least one scale, not {self.weights}.")

    @property
    def settings(self) -> str:
        """For the protocol."""
        return f"{len(self.weights)} scales, {_SETTINGS}"

    def __call__(self, first: Float[Tensor, "batch c h w"], second: Float[Tensor, "*shape"]) -> Float[Tensor, " batch"]:
        """The similarity of each pair, float64.

        Raises:
            ShapeError: if the shapes differ or the coarsest scale is smaller than the window.
            ConfigError: if the values are not those of the range.
        """
        smallest = WINDOW * 2 ** (len(self.weights) - 1)
        first, second = _pair_on_unit_range(first, second, self.value_range, name=self.name, smallest=smallest)
        total = 1.0 if self.weights == SCALE_WEIGHTS else sum(self.weights)
        result = first.new_ones(first.shape[:2])
        for scale, weight in enumerate(self.weights):
            if scale:
                first, second = F.avg_pool2d(first, 2), F.avg_pool2d(second, 2)
            similarity, contrast = _similarity_and_contrast(first, second)
            term = similarity if scale == len(self.weights) - 1 else contrast
            result = result * term.clamp_min(0) ** (weight / total)
        return result.mean(1)


def _pair_on_unit_range(
    first: Tensor, second: Tensor, value_range: ValueRange, *, name: str, smallest: int
) -> tuple[Tensor, Tensor]:
    """Both batches in float64, black 0 and white 1."""
    first, second = check_pair(first, second, name=name, smallest=smallest, value_range=value_range)
    low, high = value_range
    return (first - low) / (high - low), (second - low) / (high - low)


def _similarity_and_contrast(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """SSIM and its contrast-structure part, (batch, channels): means over all whole windows; Eq. 13, L = 1."""
    c1, c2 = _K1**2, _K2**2
    mean1, mean2 = _blurred(first), _blurred(second)
    variance1 = _blurred(first * first) - mean1 * mean1
    variance2 = _blurred(second * second) - mean2 * mean2
    covariance = _blurred(first * second) - mean1 * mean2
    contrast = (2 * covariance + c2) / (variance1 + variance2 + c2)
    luminance = (2 * mean1 * mean2 + c1) / (mean1 * mean1 + mean2 * mean2 + c1)
    return (luminance * contrast).mean(dim=(2, 3)), contrast.mean(dim=(2, 3))


def _blurred(image: Tensor) -> Tensor:
    """Gaussian mean about every pixel whose window lies inside of the image."""
    places = torch.arange(WINDOW, dtype=image.dtype, device=image.device) - WINDOW // 2
    line = torch.exp(-places.square() / (2 * _SIGMA**2))
    line = (line / line.sum()).expand(image.shape[1], 1, 1, WINDOW)
    groups = image.shape[1]
    return F.conv2d(F.conv2d(image, line, groups=groups), line.transpose(2, 3), groups=groups)
