"""The networks of HDGAN: one generator with pictures of three sizes at its sides, a discriminator for each.

Zhang, Xie, Yang: "Photographic Text-to-Image Synthesis with a Hierarchically-Nested Adversarial Network", CVPR 2018,
arXiv:1802.09178. Sizes follow facts of the authors' published code.

Differences: sentences come from DAMSM's encoder, in place of a char-CNN-RNN of 1,024 numbers; smaller pictures shorten
the generator.

Letters: e = numbers in the code of a sentence, c = of the condition, n = of the latent.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from limner.nn.configured import Configured
from limner.nn.text_to_image import START, Blend, CaptionGenerator, Judged, Kept, check_image_size


class ResidualBlock(nn.Module):
    """x + [pad by reflection - conv3 - BN - ReLU - pad - conv3 - BN]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *(nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3, bias=False), nn.BatchNorm2d(channels), nn.ReLU()),
            *(nn.ReflectionPad2d(1), nn.Conv2d(channels, channels, 3, bias=False), nn.BatchNorm2d(channels)),
        )

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        return x + self.layers(x)


def scale_channels(image_size: int, width: int) -> list[int]:
    """Channels at 4, 8, ... `image_size` pixels: they halve at every second size, and at the last one (256: 1024, 512,
    512, 256, 256, 128, 64 for a width of 64)."""
    doublings = int(math.log2(image_size // START))
    channels = [width]
    for level in range(doublings - 1, -1, -1):
        halves = level == doublings - 1 or (doublings - 1 - level) % 2 == 1
        channels.insert(0, channels[0] * 2 if halves else channels[0])
    return channels


class Generator(CaptionGenerator):
    """A sentence and a latent -> pictures of a quarter, a half and all of the size.

    Args:
        image_size: of the largest, a power of two of at least 32 (256).
        width: channels at full size (64).
        code_size: e (1,024 in the paper).
        condition_size: c (128).
        latent_size: n (100).

    Raises:
        ShapeError: if the size is not possible.
    """

    def __init__(
        self,
        *,
        image_size: int = 256,
        width: int = 64,
        code_size: int = 1_024,
        condition_size: int = 128,
        latent_size: int = 100,
    ) -> None:
        super().__init__()
        check_image_size(image_size, least=32)
        channels = scale_channels(image_size, width)
        self.augmentation = nn.Linear(code_size, 2 * condition_size)
        self.stem = nn.Linear(condition_size + latent_size, channels[0] * START**2)
        self.stem_norm = nn.BatchNorm1d(channels[0] * START**2)
        self.grow = nn.ModuleList(
            nn.Sequential(nn.ReflectionPad2d(1), nn.Conv2d(i, o, 3, bias=False), nn.BatchNorm2d(o), nn.ReLU())
            if i != o
            else nn.Identity()
            for i, o in zip([channels[0], *channels[:-1]], channels, strict=True)
        )
        self.refine = nn.ModuleList(ResidualBlock(count) for count in channels)
        self.to_rgb = nn.ModuleList(
            nn.Sequential(nn.ReflectionPad2d(1), nn.Conv2d(count, 3, 3, bias=False)) for count in channels[-3:]
        )

    def condition(
        self, sentence: Float[Tensor, "b e"], noise: Float[Tensor, "b c"]
    ) -> tuple[Float[Tensor, "b c"], Float[Tensor, "b c"], Float[Tensor, "b c"]]:
        """See `CaptionGenerator`; the network gives the logarithm of the deviation."""
        mean, log_deviation = functional.leaky_relu(self.augmentation(sentence), 0.2).chunk(2, dim=1)
        return mean + noise * log_deviation.exp(), mean, 2 * log_deviation

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
        """See `CaptionGenerator`; words are not looked at."""
        x = functional.relu(self.stem_norm(self.stem(torch.cat([condition, latent], dim=1))))
        x = x.unflatten(1, (-1, START, START))
        images = []
        first = len(self.refine) - len(self.to_rgb)
        for number, (grow, refine) in enumerate(zip(self.grow, self.refine, strict=True)):
            if number:
                x = functional.interpolate(x, scale_factor=2.0)
            x = refine(grow(x))
            if number >= first:
                images.append(torch.tanh(self.to_rgb[number - first](x)))
        return tuple(images), ()


class Discriminator(Configured):
    """Pictures of one size: does the sentence belong to it, and is each part of it real?

    Args:
        image_size: a power of two, at least 16.
        width: channels of the first layer; 128, 64 and 32 for 64, 128 and 256 px.
        sentence_size: e.
        condition_size: numbers that the sentence becomes (128).
        most: channels of the last layers (512).

    Raises:
        ShapeError: if the size is not possible.
    """

    def __init__(
        self,
        *,
        image_size: int,
        width: int = 128,
        sentence_size: int = 1_024,
        condition_size: int = 128,
        most: int = 512,
    ) -> None:
        super().__init__()
        check_image_size(image_size, least=16)
        layers: list[nn.Module] = []
        channels, before = width, 3
        for _ in range(int(math.log2(image_size // START))):
            layers += [nn.Conv2d(before, channels, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(channels)]
            layers.append(nn.LeakyReLU(0.2))
            before, channels = channels, min(2 * channels, most)
        self.trunk = nn.Sequential(*layers)
        self.compress = nn.Linear(sentence_size, condition_size)
        self.join = nn.Sequential(
            nn.Conv2d(before + condition_size, before, 1, bias=False), nn.BatchNorm2d(before), nn.LeakyReLU(0.2)
        )
        self.pair_head = nn.Conv2d(before, 1, START)
        self.local = nn.Sequential(
            nn.Conv2d(before, before, 4, padding=2, bias=False), nn.BatchNorm2d(before), nn.LeakyReLU(0.2)
        )
        self.picture_head = nn.Conv2d(before, 1, 1)

    def forward(self, image: Float[Tensor, "b 3 h w"], *sentences: Float[Tensor, "b e"]) -> Judged:
        """A picture in [-1, 1]: scores of 5x5 parts (b, 1, 5, 5), and one with each of the sentences."""
        features = self.trunk(image)
        pairs = []
        for sentence in sentences:
            code = functional.leaky_relu(self.compress(sentence), 0.2)[:, :, None, None].expand(-1, -1, START, START)
            joined = self.join(torch.cat([features, code.to(features.dtype)], dim=1))
            pairs.append(self.pair_head(joined).flatten())
        return Judged(self.picture_head(self.local(features)), tuple(pairs))
