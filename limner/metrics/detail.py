"""What the eye sees first and averages hide: how much fine detail pictures have, and whether they fall into blocks."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

PERIODS = (2, 4, 8)
"""Sides of the blocks that networks with nearest-neighbour enlargement may leave, in pixels."""
_LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601
_BINOMIAL = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)


def fine_detail(images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, " b"]:
    """Mean absolute value of the finest band: luma minus luma smoothed by a 5x5 binomial.

    Args:
        images: any range; in [-1, 1] the result lies in [0, 2].

    Returns:
        One number a picture: 0 for one colour or a slow gradient, higher for edges, wrinkles, hair and noise.
    """
    luma = _luma(images)
    taps = luma.new_tensor(_BINOMIAL)
    smooth = functional.pad(luma, (2, 2, 2, 2), mode="reflect")
    smooth = functional.conv2d(functional.conv2d(smooth, taps.view(1, 1, 1, 5)), taps.view(1, 1, 5, 1))
    return (luma - smooth).abs().mean(dim=(1, 2, 3))


def blockiness(images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, " b"]:
    """How much larger the steps across the borders of blocks are than those inside them, for the worst of `PERIODS`.

    Returns:
        One number a picture: about 1 for a photo, 2 where steps at the borders are twice as large.
    """
    luma = _luma(images)
    ratios = []
    for steps in (luma.diff(dim=3).abs().mean(dim=(1, 2)), luma.diff(dim=2).abs().mean(dim=(1, 3))):
        for period in PERIODS:
            at_border = (torch.arange(steps.shape[1], device=steps.device) + 1) % period == 0
            ratios.append(steps[:, at_border].mean(1) / steps[:, ~at_border].mean(1).clamp_min(1e-6))
    return torch.stack(ratios).amax(0)


def _luma(images: Tensor) -> Tensor:
    weights = images.new_tensor(_LUMA, dtype=torch.float32).view(1, 3, 1, 1)
    return (images.float() * weights).sum(1, keepdim=True)
