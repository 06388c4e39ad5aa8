"""The loss of Def-GAN that forgives small shifts (Sec. 3.3), and what it compares without a file of VGG-19."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


class Colours:
    """The pictures themselves in the place of a layer of VGG-19, whose first layers hold little but colours.

    Levels of the shipped parser of faces are no stand-in here: without a difference of colours beside it, heads that
    the parser takes for heads become red and yellow blocks.
    """

    name = "colours"
    channels: tuple[int, ...] = (3,)
    scale = 60.0
    """Of colours in [-1, 1]: the loss then weighs about as much as pix2pix's absolute difference."""

    def __call__(self, image: Float[Tensor, "b 3 h w"]) -> list[Float[Tensor, "b 3 h w"]]:
        """Pictures in [-1, 1] -> one map."""
        return [image.float() * self.scale]


def nearest_neighbour_loss(
    real: Float[Tensor, "b c h w"], fake: Float[Tensor, "b c h w"], *, reach: int
) -> Float[Tensor, ""]:
    """Distance of each position to the most alike of the true ones around it, mean over positions.

    Args:
        real: features of the true pictures; no gradient flows to them.
        fake: of the made ones.
        reach: how many positions to each side are looked at; 0 compares each with its own.

    Returns:
        The sum over channels of absolute differences, averaged over positions and pictures.
    """
    fake, real = fake.float(), real.detach().float()
    height, width = real.shape[-2:]
    nearest = real
    with torch.no_grad():  # which neighbour it is needs no gradient
        least = (fake - real).abs().sum(dim=1, keepdim=True)
        padded = functional.pad(real, (reach,) * 4, mode="replicate")
        for down in range(2 * reach + 1):
            for right in range(2 * reach + 1):
                one = padded[:, :, down : down + height, right : right + width]
                distance = (fake - one).abs().sum(dim=1, keepdim=True)
                nearest = torch.where(distance < least, one, nearest)
                least = torch.minimum(distance, least)
    return (fake - nearest).abs().sum(dim=1).mean()
