"""What the eye sees first and averages hide: how much fine detail pictures have, whether they fall into blocks, and
whether all of them have a spot at the same place."""

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
    return _fine_band(_luma(images)).abs().mean(dim=(1, 2, 3))


def fixed_spot(images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, ""]:
    """How strong the finest band is where it is the same in all pictures: largest value, over places and colours, of
    its mean over the pictures.

    Pictures of different layouts have their edges at different places, whose means go towards 0. What stays is a mark
    that a network leaves everywhere, such as the blob that norms make (Karras et al., CVPR 2020, arXiv:1912.04958,
    Sec. 2: "water droplet" artifacts), and, in aligned faces, something of eyes and mouths: compare with as many real
    pictures.

    Returns:
        One number for all pictures: 0 if nothing is common to them; in [-1, 1] at most 2.
    """
    count, colours = images.shape[:2]
    band = _fine_band(images.float().flatten(0, 1)[:, None]).reshape(count, colours, *images.shape[2:])
    return band.mean(0).abs().amax()


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


def _fine_band(planes: Float[Tensor, "b 1 h w"]) -> Float[Tensor, "b 1 h w"]:
    """Planes minus planes smoothed by a 5x5 binomial."""
    taps = planes.new_tensor(_BINOMIAL)
    smooth = functional.pad(planes, (2, 2, 2, 2), mode="reflect")
    smooth = functional.conv2d(functional.conv2d(smooth, taps.view(1, 1, 1, 5)), taps.view(1, 1, 5, 1))
    return planes - smooth


def _luma(images: Tensor) -> Tensor:
    weights = images.new_tensor(_LUMA, dtype=torch.float32).view(1, 3, 1, 1)
    return (images.float() * weights).sum(1, keepdim=True)
