"""The generator of AttnGAN: three pictures of growing size, each with a discriminator of its own.

Xu et al.: "AttnGAN", CVPR 2018, arXiv:1711.10485. Trunk and discriminators are in `limner.nn.text_to_image`.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from limner.nn.text_to_image import AttentionTrunk, Blend, CaptionGenerator, Kept, init_orthogonal


class Generator(CaptionGenerator):
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
        self.trunk = AttentionTrunk(**self.config)
        self.to_rgb = nn.ModuleList(nn.Conv2d(width, 3, 3, padding=1, bias=False) for _ in range(3))
        self.apply(init_orthogonal)

    def condition(
        self, sentence: Float[Tensor, "b e"], noise: Float[Tensor, "b c"]
    ) -> tuple[Float[Tensor, "b c"], Float[Tensor, "b c"], Float[Tensor, "b c"]]:
        """See `CaptionGenerator`."""
        return self.trunk.condition(sentence, noise)

    def paint(
        self,
        latent: Float[Tensor, "b n"],
        condition: Float[Tensor, "b c"],
        words: Float[Tensor, "b e t"],
        is_word: Bool[Tensor, "b t"],
        *,
        blend: Blend | None = None,
        kept: Kept | None = None,
    ) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """See `CaptionGenerator`; there are three pictures, of a quarter, a half and all of the size."""
        levels, attention = self.trunk(latent, condition, words, is_word, blend=blend, kept=kept)
        images = tuple(torch.tanh(to_rgb(level)) for to_rgb, level in zip(self.to_rgb, levels, strict=True))
        return images, attention
