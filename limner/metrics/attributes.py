"""Accuracy of predicted attributes."""

from __future__ import annotations

from typing import Literal

from jaxtyping import Bool, Float
from torch import Tensor


def attributes_correct(
    logits: Float[Tensor, "batch attributes"],
    target: Float[Tensor, "batch attributes"],
    kind: Literal["multi_label", "exclusive"],
) -> Bool[Tensor, "batch decisions"]:
    """Whether each decision is right; the mean of the result is the accuracy.

    Args:
        logits: unbounded.
        target: 0 or 1; of fractional ones the nearer counts (multi-label) or the largest (exclusive).
        kind: "multi_label" makes one decision for each attribute at probability 0.5, "exclusive" one for each image.
    """
    if kind == "exclusive":
        return (logits.argmax(1) == target.argmax(1))[:, None]
    return (logits > 0) == (target > 0.5)
