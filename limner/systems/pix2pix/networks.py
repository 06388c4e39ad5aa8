"""The generator of pix2pix, a U-Net; the discriminator is `limner.nn.patch_discriminator`.

Isola, Zhu, Zhou, Efros: "Image-to-Image Translation with Conditional Adversarial Networks", CVPR 2017,
arXiv:1611.07004, Sec. 3.2 and appendix 6.1. Written from the paper.

Differences from the paper: convolutions before a batch norm have no bias, which it would take away; sizes other than
256 have fewer or more of the innermost levels; what dropout drops is an input, so that a seed gives the same picture in
any company.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from limner.errors import ShapeError
from limner.nn.configured import Configured

MAX_WIDTH = 8  # the deepest levels have 8 times the channels of the first
DROPOUT_BLOCKS = 3  # the first ones of the decoder after the innermost (appendix 6.1.1: CD512 three times)


class Generator(Configured):
    """U-Net: every level halves the size down to 1x1, and every level of the way back sees the one beside it.

    encoder: conv4 s2 (64, 128, 256, 512, 512, ...), LeakyReLU before each but the first, batch norm but for the first
             and the innermost.
    decoder: ReLU, transposed conv4 s2, batch norm, [dropout], concatenation; the last one gives the picture by tanh.

    Args:
        num_classes: of the label map.
        condition: how it comes: as a "palette" picture of 3 channels or "one_hot".
        image_size: a power of two, at least 32.
        width: channels of the first level (paper: 64).
        dropout: share of the values dropped in three blocks of the decoder.
        test_noise: whether pictures are made with dropout too; only recorded here.
        test_statistics: what batch norm uses in evaluation: the "picture" itself or the "running" averages.

    Raises:
        ShapeError: if the size is not possible.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        condition: Literal["palette", "one_hot"],
        image_size: int,
        width: int = 64,
        dropout: float = 0.5,
        test_noise: bool = True,
        test_statistics: Literal["picture", "running"] = "picture",
    ) -> None:
        super().__init__()
        if image_size < 32 or image_size & (image_size - 1):
            raise ShapeError(f"pix2pix's image_size is {image_size}; it must be a power of two of at least 32.")
        self.dropout = dropout
        num_levels = int(math.log2(image_size))
        channels = [width * min(2**level, MAX_WIDTH) for level in range(num_levels)]  # 64, 128, 256, 512, 512, ...

        def norm(number: int) -> nn.Module:
            return _BatchNorm(number, of_picture=test_statistics == "picture")

        in_channels = num_classes if condition == "one_hot" else 3
        self.encoder = nn.ModuleList([nn.Conv2d(in_channels, width, 4, stride=2, padding=1)])
        for level, (i, o) in enumerate(pairwise(channels), start=1):
            innermost = level == num_levels - 1
            conv = nn.Conv2d(i, o, 4, stride=2, padding=1, bias=innermost)
            self.encoder.append(nn.Sequential(nn.LeakyReLU(0.2), conv, nn.Identity() if innermost else norm(o)))
        self.decoder = nn.ModuleList()
        for level in range(num_levels - 1, 0, -1):
            i = channels[level] if level == num_levels - 1 else 2 * channels[level]
            up = nn.ConvTranspose2d(i, channels[level - 1], 4, stride=2, padding=1, bias=False)
            self.decoder.append(nn.Sequential(nn.ReLU(), up, norm(channels[level - 1])))
        self.to_rgb = nn.Sequential(nn.ReLU(), nn.ConvTranspose2d(2 * width, 3, 4, stride=2, padding=1), nn.Tanh())
        # The innermost block gives 2x2, the next three 4x4, 8x8, 16x16; the last one of small pictures is `to_rgb`.
        blocks = range(1, min(1 + DROPOUT_BLOCKS, num_levels - 1)) if dropout else range(0)
        self._noise_shapes = {
            block: (channels[num_levels - 2 - block], 2 ** (block + 1), 2 ** (block + 1)) for block in blocks
        }

    @property
    def num_noise(self) -> int:
        """Numbers that decide what one picture's dropout drops."""
        return sum(math.prod(shape) for shape in self._noise_shapes.values())

    def forward(
        self, condition: Float[Tensor, "b c h w"], noise: Float[Tensor, "b n"] | None = None
    ) -> Float[Tensor, "b 3 h w"]:
        """Condition, and noise uniform in [0, 1) (none: nothing is dropped) -> image in (-1, 1)."""
        masks = {} if noise is None else self._masks(noise)
        maps = [self.encoder[0](condition)]
        for down in self.encoder[1:]:
            maps.append(down(maps[-1]))
        x = maps.pop()
        for block, up in enumerate(self.decoder):
            x = up(x)
            if block in masks:
                x = x * masks[block].to(x.dtype)
            x = torch.cat([maps.pop(), x], dim=1)
        return self.to_rgb(x)

    def _masks(self, noise: Tensor) -> dict[int, Tensor]:
        """Block of the decoder -> factors: 0 for what is dropped, and for the rest what keeps the mean."""
        parts = noise.split([math.prod(shape) for shape in self._noise_shapes.values()], dim=1)
        kept = 1 / (1 - self.dropout)
        return {
            block: (part.unflatten(1, shape) >= self.dropout) * kept
            for (block, shape), part in zip(self._noise_shapes.items(), parts, strict=True)
        }


class _BatchNorm(nn.BatchNorm2d):
    """Batch norm that can normalise each picture by itself in evaluation, as a batch of one does in training."""

    def __init__(self, channels: int, *, of_picture: bool) -> None:
        super().__init__(channels)
        self.of_picture = of_picture

    def forward(self, input: Tensor) -> Tensor:
        if self.of_picture and not self.training:
            return functional.instance_norm(input, weight=self.weight, bias=self.bias, eps=self.eps)
        return super().forward(input)
