"""The generator of AttnGAN: three pictures of growing size, each with a discriminator of its own.

Xu et al.: "AttnGAN", CVPR 2018, arXiv:1711.10485. Trunk and discriminators are in `limner.nn.text_to_image`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from limner.nn.text_to_image import AttentionTrunk, init_orthogonal


class Painted(NamedTuple):
    """What one forward pass gives."""

    images: tuple[Float[Tensor, "b 3 _ _"], Float[Tensor, "b 3 _ _"], Float[Tensor, "b 3 _ _"]]
    """In (-1, 1), of a quarter, a half and all of the size."""
    attention: tuple[Float[Tensor, "b t h2 w2"], Float[Tensor, "b t h3 w3"]]
    """Share of each word at every pixel, at a quarter and at half of the size."""


class Generator(nn.Module):
    """A caption's codes and a latent -> three pictures. Arguments: those of `AttentionTrunk`, at AttnGAN's sizes.

    Raises:
        ShapeError: if the size is not possible.
    """

    def __init__(
        self,
        *,
        image_size: int = 256,
        width: int = 32,
        num_blocks: int = 2,
        code_size: int = 256,
        condition_size: int = 100,
        latent_size: int = 100,
    ) -> None:
        super().__init__()
        self.config: dict[str, Any] = dict(
            image_size=image_size,
            width=width,
            num_blocks=num_blocks,
            code_size=code_size,
            condition_size=condition_size,
            latent_size=latent_size,
        )
        self.trunk = AttentionTrunk(**self.config)
        self.to_rgb = nn.ModuleList(nn.Conv2d(width, 3, 3, padding=1, bias=False) for _ in range(3))
        self.apply(init_orthogonal)

    def forward(
        self,
        latent: Float[Tensor, "b n"],
        condition: Float[Tensor, "b c"],
        words: Float[Tensor, "b e t"],
        is_word: Bool[Tensor, "b t"],
    ) -> Painted:
        """Paint; the arguments are those of `AttentionTrunk.forward`."""
        levels, attention = self.trunk(latent, condition, words, is_word)
        small, middle, large = (torch.tanh(to_rgb(level)) for to_rgb, level in zip(self.to_rgb, levels, strict=True))
        return Painted((small, middle, large), attention)
