"""Differentiable augmentation of what the discriminator sees, for data sets of a few thousand pictures or fewer.

Zhao et al., "Differentiable Augmentation for Data-Efficient GAN Training", NeurIPS 2020, arXiv:2006.10738: the same
random changes go to real and fake pictures, in the updates of both networks, so the generator never learns them.
"""

from __future__ import annotations

from collections.abc import Collection

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

NUM_DRAWS = 4  # uniform numbers that one picture uses


def augment_for_discriminator(
    image: Float[Tensor, "b c h w"], draws: Float[Tensor, "b 4"], kinds: Collection[str]
) -> Float[Tensor, "b c h w"]:
    """Shift each picture by up to an eighth of its side (zeros come in) and blank a square of half its side.

    Args:
        image: in [-1, 1]; further channels, such as those of a label map, move with it.
        draws: uniform in [0, 1): shift x, shift y, square x, square y.
        kinds: any of "translation", "cutout".
    """
    if "translation" in kinds:
        image = _translate(image, draws[:, 0], draws[:, 1])
    if "cutout" in kinds:
        image = _cut_out(image, draws[:, 2], draws[:, 3])
    return image


def _translate(image: Tensor, u: Tensor, v: Tensor) -> Tensor:
    size = image.shape[-1]
    reach = size // 8
    padded = functional.pad(image, [reach] * 4)
    offset = torch.arange(size, device=image.device)
    columns = (u * (2 * reach + 1)).long()[:, None] + offset  # (b, w)
    rows = (v * (2 * reach + 1)).long()[:, None] + offset  # (b, h)
    batch = torch.arange(len(image), device=image.device)[:, None, None]
    # Integer shifts by indexing: exact, and the gradient is a scatter of the same pixels.
    return padded[batch, :, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def _cut_out(image: Tensor, u: Tensor, v: Tensor) -> Tensor:
    size = image.shape[-1]
    half = size // 4
    position = torch.arange(size, device=image.device)
    in_columns = (position - (u * size).long()[:, None]).abs() < half  # (b, w)
    in_rows = (position - (v * size).long()[:, None]).abs() < half  # (b, h)
    blank = (in_rows[:, :, None] & in_columns[:, None, :])[:, None]
    return image * (~blank).to(image.dtype)
