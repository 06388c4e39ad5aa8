"""Mean landmarks and mean age of each group, counted over the training pictures and kept with the weights."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from limner.nn.configured import Configured

NUM_LANDMARKS = 68


class AgeShapes(Configured):
    """Sums of landmarks and years by age group.

    Args:
        num_groups: age groups.
    """

    landmarks: Tensor
    years: Tensor
    number: Tensor

    def __init__(self, *, num_groups: int) -> None:
        super().__init__()
        self.register_buffer("landmarks", torch.zeros(num_groups, NUM_LANDMARKS, 2))
        self.register_buffer("years", torch.zeros(num_groups))
        self.register_buffer("number", torch.zeros(num_groups))

    @torch.no_grad()
    def count(self, landmarks: Float[Tensor, "b 68 2"], group: Int64[Tensor, " b"], years: Float[Tensor, " b"]) -> None:
        """Add pictures: a mean that moves, so that float32 keeps its digits in the longest run."""
        for number in group.unique().tolist():
            chosen = group == number
            self.number[number] += chosen.sum()
            share = chosen.sum() / self.number[number]
            self.landmarks[number] += share * (landmarks[chosen].mean(0) - self.landmarks[number])
            self.years[number] += share * (years[chosen].mean() - self.years[number])

    def mean_shape(self) -> Float[Tensor, "68 2"]:
        """Mean over all pictures; the middle of the picture where none were counted."""
        total = self.number.sum()
        if total == 0:
            return torch.full_like(self.landmarks[0], 0.5)
        return (self.landmarks * self.number[:, None, None]).sum(0) / total

    def mean_years(self) -> Float[Tensor, " n"]:
        """Mean age of each group; 0 where none were counted."""
        return self.years

    def moved(
        self, landmarks: Float[Tensor, "b 68 2"], source: Int64[Tensor, " b"], target: Int64[Tensor, " b"]
    ) -> Float[Tensor, "b 68 2"]:
        """Landmarks moved by what the mean shapes of two groups differ in; as they are where one is not known."""
        known = ((self.number[source] > 0) & (self.number[target] > 0))[:, None, None]
        return torch.where(known, landmarks + self.landmarks[target] - self.landmarks[source], landmarks)
