"""Peak signal-to-noise ratio."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from limner.metrics.pairs import check_data_range, check_pair


@dataclass(frozen=True)
class PSNR:
    """10 log10(range^2 / mean squared difference) in decibels; infinite for equal images.

    The mean over a set is that of the images' ratios, as papers report it; torchmetrics takes the ratio of the pooled
    squared differences, which is another and lower number.

    Attributes:
        data_range: largest minus smallest possible value of a pixel, above 0.
    """

    data_range: float = 2.0
    name: ClassVar[str] = "PSNR"
    higher_is_better: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_data_range(self.data_range, name=self.name)

    @property
    def settings(self) -> str:
        """For the protocol."""
        return f"data range {self.data_range:g}, mean of the images' ratios"

    def __call__(self, first: Float[Tensor, "batch c h w"], second: Float[Tensor, "*shape"]) -> Float[Tensor, " batch"]:
        """The ratio of each pair, float64.

        Raises:
            ShapeError: if the shapes differ.
        """
        first, second = check_pair(first, second, name=self.name)
        return 10 * (self.data_range**2 / (first - second).square().mean(dim=(1, 2, 3))).log10()
