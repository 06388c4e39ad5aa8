"""Peak signal-to-noise ratio."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from limner.metrics.pairs import IN_NETWORKS, ValueRange, check_pair, check_value_range


@dataclass(frozen=True)
class PSNR:
    """10 log10(range^2 / mean squared difference) in decibels; infinite for equal images.

    The mean over a set is that of the images' ratios, as papers report it; torchmetrics takes the ratio of the pooled
    squared differences, which is another and lower number.

    Attributes:
        value_range: smallest and largest possible value of a pixel; of the difference the ratio is taken.
    """

    value_range: ValueRange = IN_NETWORKS
    name: ClassVar[str] = "PSNR"
    higher_is_better: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_value_range(self.value_range, name=self.name)

    @property
    def settings(self) -> str:
        """For the protocol."""
        low, high = self.value_range
        return f"data range {high - low:g}, mean of the images' ratios"

    def __call__(self, first: Float[Tensor, "batch c h w"], second: Float[Tensor, "*shape"]) -> Float[Tensor, " batch"]:
        """The ratio of each pair, float64.

        Raises:
            ShapeError: if the shapes differ.
            ConfigError: if the values are not those of the range.
        """
        first, second = check_pair(first, second, name=self.name, value_range=self.value_range)
        low, high = self.value_range
        return 10 * ((high - low) ** 2 / (first - second).square().mean(dim=(1, 2, 3))).log10()
