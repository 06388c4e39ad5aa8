"""The networks of Def-GAN: two encoders, a decoder that is given the parts of the body where they are wanted, and D.

Siarohin, Sangineto, Lathuilière, Sebe: "Deformable GANs for Pose-Based Human Image Generation", CVPR 2018,
arXiv:1801.00055, Sec. 3.1 and 3.2.

Differences: widths are parameters, and the number of levels follows from the height. With first and last convolutions
of 3x3 and stride 1, and no bias before a norm, the generator has 82.08 million parameters, as PATN's authors counted.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn

from limner.nn.configured import Configured
from limner.nn.pose_transfer import NUM_JOINTS, SeededDropout, init_normal
from limner.systems.defgan.deformation import Deformation, deform

NUM_DEFORMED = 4
"""Levels, from the finest, whose features of appearance are moved part by part."""
_NUM_DROPPING = 3


def num_levels(height: int) -> int:
    """Levels of the generator for pictures of that height: 7 at 256, 6 at 128; the smallest map has 4 rows."""
    return int(math.log2(height)) - 1


class Generator(Configured):
    """Photo, its pose, the wanted one, and how the parts move -> the person in the wanted pose.

    Args:
        width: channels of the first level (64).
        levels: of encoders and decoder (7 at 256).
        dropout: share of values dropped in the decoder's first three levels (0.5).
        heatmap: how joints are drawn: "one_hot" or "gaussian"; kept for those who draw them.
        sigma: of Gaussians, in pixels of a picture 128 high; likewise.
    """

    def __init__(
        self, *, width: int = 64, levels: int = 7, dropout: float = 0.5, heatmap: str = "gaussian", sigma: float = 6.0
    ) -> None:
        super().__init__()
        widths = [width * min(8, 2**level) for level in range(levels)]
        self.appearance = Encoder(3 + NUM_JOINTS, widths)
        self.pose = Encoder(NUM_JOINTS, widths)
        coming = [2 * widths[-1], *(after + 2 * beside for after, beside in pairwise(widths[::-1]))]
        self.decoders = nn.ModuleList(
            _Up(i, o, dropout if number < _NUM_DROPPING else 0.0)
            for number, (i, o) in enumerate(zip(coming[:-1], widths[:0:-1], strict=True))
        )
        self.to_rgb = nn.Sequential(nn.ReLU(), nn.Conv2d(coming[-1], 3, 3, padding=1), nn.Tanh())
        self.apply(init_normal)

    def forward(
        self,
        source: Float[Tensor, "b 3 h w"],
        source_pose: Float[Tensor, "b 18 h w"],
        pose: Float[Tensor, "b 18 h w"],
        maps: Float[Tensor, "b 10 2 3"],
        masks: Float[Tensor, "b 10 h w"],
    ) -> Float[Tensor, "b 3 h w"]:
        """Photo in [-1, 1], joints drawn in [0, 1], and the two parts of a `Deformation` -> picture in (-1, 1)."""
        moved = Deformation(maps, masks)
        appearance, poses = self.appearance(torch.cat([source, source_pose], dim=1)), self.pose(pose)
        x = torch.cat([appearance[-1], poses[-1]], dim=1)
        for level, decoder in zip(reversed(range(len(self.decoders))), self.decoders, strict=True):
            beside = deform(appearance[level], moved) if level < NUM_DEFORMED else appearance[level]
            x = torch.cat([decoder(x, poses[level]), beside, poses[level]], dim=1)
        picture: Tensor = self.to_rgb(x)
        return picture


class Encoder(nn.Module):
    """A map a level, each at half of the size of that before.

    Args:
        in_channels: of what is encoded.
        widths: channels of the levels.
    """

    def __init__(self, in_channels: int, widths: list[int]) -> None:
        super().__init__()
        self.first = nn.Conv2d(in_channels, widths[0], 3, padding=1)
        self.downs = nn.ModuleList(
            nn.Sequential(nn.LeakyReLU(0.2), nn.Conv2d(i, o, 4, stride=2, padding=1, bias=False), nn.InstanceNorm2d(o))
            for i, o in pairwise(widths)
        )

    def forward(self, x: Float[Tensor, "b c h w"]) -> list[Float[Tensor, "b _ _ _"]]:
        """The finest first."""
        maps = [self.first(x)]
        for down in self.downs:
            maps.append(down(maps[-1]))
        return maps


class Critic(Configured):
    """D: source, its pose, a picture and its pose -> a logit a patch.

    Args:
        width: channels of the first layer (64).
    """

    def __init__(self, *, width: int = 64) -> None:
        super().__init__()
        channels = [2 * (3 + NUM_JOINTS), width, 2 * width, 4 * width, 8 * width]
        layers: list[nn.Module] = []
        for number, (i, o) in enumerate(pairwise(channels)):
            layers.append(nn.Conv2d(i, o, 4, stride=2, padding=1, bias=not number))
            layers += [nn.InstanceNorm2d(o)] if number else []
            layers.append(nn.LeakyReLU(0.2))
        self.layers = nn.Sequential(*layers, nn.Conv2d(channels[-1], 1, 4, stride=2, padding=1))
        self.apply(init_normal)

    def forward(
        self,
        source: Float[Tensor, "b 3 h w"],
        source_pose: Float[Tensor, "b 18 h w"],
        picture: Float[Tensor, "b 3 h w"],
        pose: Float[Tensor, "b 18 h w"],
    ) -> Float[Tensor, "b 1 _ _"]:
        """Pictures in [-1, 1], joints drawn in [0, 1] -> logits."""
        verdict: Tensor = self.layers(torch.cat([source, source_pose, picture, pose], dim=1))
        return verdict


class _Up(nn.Module):
    """ReLU - transposed convolution to twice the size - IN - dropout."""

    def __init__(self, i: int, o: int, dropout: float) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(i, o, 4, stride=2, padding=1, bias=False)
        self.after = nn.Sequential(nn.InstanceNorm2d(o), SeededDropout(dropout))

    def forward(self, x: Tensor, beside: Tensor) -> Tensor:
        """To the size of `beside`, which may be odd."""
        raised = self.up(nn.functional.relu(x), output_size=beside.shape[-2:])
        found: Tensor = self.after(raised)
        return found
