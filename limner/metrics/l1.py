"""Mean absolute difference of pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor

from limner.metrics.pairs import check_pair


@dataclass(frozen=True)
class L1:
    """Mean absolute difference of two images; 0 = equal, at most 2 for images in [-1, 1]."""

    name: ClassVar[str] = "L1"
    higher_is_better: ClassVar[bool] = False
    settings: ClassVar[str] = "pixels in [-1, 1]"

    def __call__(self, first: Float[Tensor, "batch c h w"], second: Float[Tensor, "*shape"]) -> Float[Tensor, " batch"]:
        """The difference of each pair, float64.

        Raises:
            ShapeError: if the shapes differ.
        """
        first, second = check_pair(first, second, name=self.name)
        return (first - second).abs().mean(dim=(1, 2, 3))
