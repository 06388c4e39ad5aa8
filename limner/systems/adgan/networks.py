"""The generator of ADGAN: one code for each part of a person, and a pose painted with them.

Men, Mao, Jiang, Ma, Lian: "Controllable Person Image Synthesis with Attribute-Decomposed GAN", CVPR 2020,
arXiv:2003.12267; layers follow facts of the authors' code. `limner.nn.pose_transfer` has the discriminators.

Differences: widths are parameters, and the frozen features beside each layer of the style encoder may be of another
network than VGG-19, named by its channels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from limner.nn.configured import Configured
from limner.nn.pose_transfer import NUM_JOINTS, init_normal

NUM_PARTS = 8
"""Background, hair, face, upper clothes, pants, arms, legs and skirt: classes of human parsing, merged."""
VGG_LAYERS = ("conv1_1", "conv2_1", "conv3_1", "conv4_1")
"""Layers of VGG-19 beside the style encoder's, at 1, 1/2, 1/4 and 1/8 of the size."""
VGG_CHANNELS = (64, 128, 256, 512)
CODE = 64
"""Numbers that say what one part looks like."""
Features = Callable[[Tensor], Sequence[Tensor]]
"""Photos in [-1, 1] -> maps at 1, 1/2, 1/4 and 1/8 of the size, from a frozen network."""


class Generator(Configured):
    """The wanted pose, painted with a code for each part of the source (Sec. 3.2).

    Args:
        width: channels of the first layers (64).
        num_blocks: residual blocks of the pose's code, and of the decoder (8).
        feature_channels: of the maps of the frozen network.
        features: name of that network, "vgg19" or "people"; kept for those who open it.
        heatmap: how joints are drawn: "one_hot" or "gaussian"; kept for those who draw them.
        sigma: of Gaussians, in pixels of a picture 128 high; likewise.
    """

    def __init__(
        self,
        *,
        width: int = 64,
        num_blocks: int = 8,
        feature_channels: Sequence[int] = VGG_CHANNELS,
        features: str = "vgg19",
        heatmap: str = "one_hot",
        sigma: float = 6.0,
    ) -> None:
        super().__init__()
        wide = 4 * width
        pose: list[nn.Module] = [*_conv(NUM_JOINTS, width, 7), nn.InstanceNorm2d(width), nn.ReLU()]
        for i, o in ((width, 2 * width), (2 * width, wide)):
            pose += [*_conv(i, o, 4, stride=2), nn.InstanceNorm2d(o), nn.ReLU()]
        self.pose_encoder = nn.Sequential(*pose, *[_ResidualBlock(wide) for _ in range(num_blocks)])
        self.style_encoder = PartEncoder(width=width, feature_channels=feature_channels)
        self.merge = nn.Linear(NUM_PARTS * CODE, NUM_PARTS * CODE)
        self.to_modulation = nn.Sequential(
            nn.Linear(NUM_PARTS * CODE, wide),
            nn.ReLU(),
            nn.Linear(wide, wide),
            nn.ReLU(),
            nn.Linear(wide, num_blocks * 4 * wide),
        )
        self.blocks = nn.ModuleList(_ModulatedBlock(wide) for _ in range(num_blocks))
        up: list[nn.Module] = []
        for i, o in ((wide, 2 * width), (2 * width, width)):
            up += [nn.Upsample(scale_factor=2, mode="nearest"), *_conv(i, o, 5), nn.GroupNorm(1, o), nn.ReLU()]
        self.decoder = nn.Sequential(*up, *_conv(width, 3, 7), nn.Tanh())
        self.apply(init_normal)

    def forward(
        self,
        source: Float[Tensor, "b 3 h w"],
        parts: Float[Tensor, "b 8 h w"],
        pose: Float[Tensor, "b 18 h w"],
        features: Features,
    ) -> Float[Tensor, "b 3 h w"]:
        """Photo in [-1, 1], masks of its parts, heat maps of the wanted pose -> picture in (-1, 1).

        Height and width must be divisible by 4.
        """
        return self.paint(pose, self.codes(source, parts, features))

    def codes(
        self, source: Float[Tensor, "b 3 h w"], parts: Float[Tensor, "b 8 h w"], features: Features
    ) -> Float[Tensor, "b 8 code"]:
        """One code a part; codes of several people may be put together to dress one in another's clothes."""
        cut = (source[:, None] * parts[:, :, None]).flatten(0, 1)
        return self.style_encoder(cut, features(cut)).unflatten(0, (-1, NUM_PARTS))

    def paint(self, pose: Float[Tensor, "b 18 h w"], codes: Float[Tensor, "b 8 code"]) -> Float[Tensor, "b 3 h w"]:
        """A pose painted with the codes of all parts."""
        modulation = self.to_modulation(self.merge(codes.flatten(1)))
        x = self.pose_encoder(pose)
        for block, numbers in zip(self.blocks, modulation.chunk(len(self.blocks), dim=1), strict=True):
            x = block(x, numbers)
        return self.decoder(x)


class PartEncoder(nn.Module):
    """A photo of one part -> its code; at each size the maps of a frozen network are taken in beside its own.

    Args:
        width: channels of the first layer.
        feature_channels: of the frozen network's maps.
    """

    def __init__(self, *, width: int, feature_channels: Sequence[int]) -> None:
        super().__init__()
        own = [width, 2 * width, 4 * width, 8 * width]
        self.stem = nn.Sequential(*_conv(3, width, 7), nn.ReLU())
        self.downs = nn.ModuleList(
            nn.Sequential(*_conv(i + extra, o, 4, stride=2), nn.ReLU())
            for (i, o), extra in zip(pairwise(own), feature_channels, strict=False)
        )
        self.to_code = nn.Conv2d(own[-1] + feature_channels[-1], CODE, 1)

    def forward(self, part: Float[Tensor, "n 3 h w"], maps: Sequence[Tensor]) -> Float[Tensor, "n code"]:
        """Photo in [-1, 1], 0 outside of the part."""
        x = self.stem(part)
        for down, features in zip(self.downs, maps, strict=False):
            x = down(torch.cat([x, _as_large(features, x)], dim=1))
        return self.to_code(torch.cat([x, _as_large(maps[-1], x)], dim=1).mean(dim=(2, 3), keepdim=True)).flatten(1)


class _ResidualBlock(nn.Module):
    """x + [conv3 - IN - ReLU - conv3 - IN], reflected at the border."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        first, second = (nn.Sequential(*_conv(channels, channels, 3), nn.InstanceNorm2d(channels)) for _ in range(2))
        self.body = nn.Sequential(first, nn.ReLU(), second)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x)


class _ModulatedBlock(nn.Module):
    """The same with a scale and a shift of each channel after the norms, from outside."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Sequential(*_conv(channels, channels, 3))
        self.second = nn.Sequential(*_conv(channels, channels, 3))

    def forward(self, x: Tensor, numbers: Float[Tensor, "b n"]) -> Tensor:
        shift_1, scale_1, shift_2, scale_2 = numbers[..., None, None].chunk(4, dim=1)
        hidden = functional.relu(functional.instance_norm(self.first(x)) * scale_1 + shift_1)
        return x + functional.instance_norm(self.second(hidden)) * scale_2 + shift_2


def _conv(i: int, o: int, kernel: int, stride: int = 1) -> list[nn.Module]:
    """A convolution, reflected at the border, that keeps the size or halves it."""
    before, after = ((kernel - 1) // 2, kernel // 2) if stride == 1 else (1, 1)
    return [nn.ReflectionPad2d((before, after, before, after)), nn.Conv2d(i, o, kernel, stride=stride)]


def _as_large(features: Tensor, x: Tensor) -> Tensor:
    """Maps at the size of x; of sizes that are not divisible the two differ by a pixel."""
    return features if features.shape[-2:] == x.shape[-2:] else functional.interpolate(features, size=x.shape[-2:])
