"""The generator of StackGAN: a small picture from a sentence, then a large one from the small one and the sentence.

Zhang et al.: "StackGAN", ICCV 2017, arXiv:1612.03242, at the sizes of the authors' PyTorch configuration for COCO. Both
discriminators are those of `limner.nn.text_to_image`, on the mean of the condition.

Differences: sentences come from DAMSM's encoder, in place of a char-CNN-RNN of 1,024 numbers; both stages share the
layer that makes the condition; one run trains both, one after the other.

Letters: e = numbers in the code of a sentence, c = of the condition, n = of the latent.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from limner.nn.resampling import double_and_convolve
from limner.nn.text_to_image import START, Blend, CaptionGenerator, Kept, check_image_size


class UpBlock(nn.Module):
    """Nearest x2, conv3, BN, ReLU."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(out_channels)

    def forward(self, x: Float[Tensor, "b i h w"]) -> Float[Tensor, "b o h2 w2"]:
        return functional.relu(self.norm(double_and_convolve(self.conv, x)))


class ResidualBlock(nn.Module):
    """ReLU of x + [conv3 - BN - ReLU - conv3 - BN]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *(nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels), nn.ReLU()),
            *(nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)),
        )

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        return functional.relu(x + self.layers(x))


class Generator(CaptionGenerator):
    """A sentence and a latent -> a picture of a quarter of the size, and one of all of it.

    Args:
        image_size: of the larger, a power of two of at least 32 (256).
        width: channels of the smaller picture (96).
        num_blocks: residual blocks of the second stage (2).
        code_size: e (1,024 in the paper).
        condition_size: c (128).
        latent_size: n (100).

    Attributes:
        stage: 1 while only the first stage is trained: the large picture is then the small one enlarged.

    Raises:
        ShapeError: if the size is not possible.
    """

    stage: Tensor

    def __init__(
        self,
        *,
        image_size: int = 256,
        width: int = 96,
        num_blocks: int = 2,
        code_size: int = 1_024,
        condition_size: int = 128,
        latent_size: int = 100,
    ) -> None:
        super().__init__()
        check_image_size(image_size, least=32)
        self.register_buffer("stage", torch.tensor(2))
        self.augmentation = nn.Linear(code_size, 2 * condition_size)
        doublings = int(math.log2(image_size // 4 // START))
        channels = [width * 2**level for level in range(doublings, -1, -1)]
        self.stem = nn.Linear(condition_size + latent_size, channels[0] * START**2, bias=False)
        self.stem_norm = nn.BatchNorm1d(channels[0] * START**2)
        self.first = nn.Sequential(*[UpBlock(i, o) for i, o in pairwise(channels)])
        self.first_to_rgb = nn.Conv2d(width, 3, 3, padding=1, bias=False)
        w2, w4, w8 = 2 * width, 4 * width, 8 * width
        self.encoder = nn.Sequential(
            *(nn.Conv2d(3, w2, 3, padding=1, bias=False), nn.ReLU()),
            *(nn.Conv2d(w2, w4, 4, stride=2, padding=1, bias=False), nn.BatchNorm2d(w4), nn.ReLU()),
            *(nn.Conv2d(w4, w8, 4, stride=2, padding=1, bias=False), nn.BatchNorm2d(w8), nn.ReLU()),
        )
        self.join = nn.Sequential(
            nn.Conv2d(w8 + condition_size, w8, 3, padding=1, bias=False), nn.BatchNorm2d(w8), nn.ReLU()
        )
        self.refine = nn.Sequential(*[ResidualBlock(w8) for _ in range(num_blocks)])
        last = max(1, width // 2)
        self.second = nn.Sequential(*[UpBlock(i, o) for i, o in pairwise((w8, w4, w2, width, last))])
        self.to_rgb = nn.Conv2d(last, 3, 3, padding=1, bias=False)

    def condition(
        self, sentence: Float[Tensor, "b e"], noise: Float[Tensor, "b c"]
    ) -> tuple[Float[Tensor, "b c"], Float[Tensor, "b c"], Float[Tensor, "b c"]]:
        """See `CaptionGenerator`."""
        mean, log_variance = functional.relu(self.augmentation(sentence)).chunk(2, dim=1)
        return mean + noise * (0.5 * log_variance).exp(), mean, log_variance

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
        """See `CaptionGenerator`; words are not looked at. In stage 2 the first stage gets no gradient."""
        return self.paint_in(int(self.stage), latent, condition), ()

    def paint_in(
        self, stage: int, latent: Float[Tensor, "b n"], condition: Float[Tensor, "b c"]
    ) -> tuple[Tensor, Tensor]:
        """The small and the large picture of a stage, whatever `stage` of the network says."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and stage == 1):
            x = functional.relu(self.stem_norm(self.stem(torch.cat([condition, latent], dim=1))))
            small = torch.tanh(self.first_to_rgb(self.first(x.unflatten(1, (-1, START, START)))))
        if stage == 1:
            return small, functional.interpolate(small, scale_factor=4.0)
        features = self.encoder(small)
        tiled = condition[:, :, None, None].expand(-1, -1, *features.shape[2:])
        joined = self.refine(self.join(torch.cat([features, tiled.to(features.dtype)], dim=1)))
        return small, torch.tanh(self.to_rgb(self.second(joined)))
