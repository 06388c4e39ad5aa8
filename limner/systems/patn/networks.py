"""The generator of PATN: a stream of the picture and one of the poses, which says where the picture may change.

Zhu, Huang, Shi, Yu, Wang, Bai: "Progressive Pose Attention Transfer for Person Image Generation", CVPR 2019,
arXiv:1904.03349. The authors' code is MIT-licensed (facts only). `limner.nn.pose_transfer` has the discriminators.

Differences: widths and number of blocks are parameters.
"""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from limner.nn.configured import Configured
from limner.nn.pose_transfer import NUM_JOINTS, SeededDropout, init_normal

Norm = Literal["instance", "batch"]
Heatmap = Literal["one_hot", "gaussian"]


class Generator(Configured):
    """Photo, its pose and the wanted one -> the person in the wanted pose (Sec. 3.1).

    Args:
        width: channels of the first layer (64).
        num_blocks: pose-attentional transfer blocks (9).
        norm: "instance" on DeepFashion, "batch" on Market-1501.
        dropout: share of values dropped inside the blocks (0.5).
        heatmap: how joints are drawn: "one_hot" or "gaussian"; kept for those who draw them.
        sigma: of Gaussians, in pixels of a picture 128 high; likewise.
    """

    def __init__(
        self,
        *,
        width: int = 64,
        num_blocks: int = 9,
        norm: Norm = "instance",
        dropout: float = 0.5,
        heatmap: Heatmap = "one_hot",
        sigma: float = 6.0,
    ) -> None:
        super().__init__()
        self.image_stem = _stem(3, width, norm)
        self.pose_stem = _stem(2 * NUM_JOINTS, width, norm)
        self.blocks = nn.ModuleList(
            TransferBlock(4 * width, pose_channels=4 * width if first else 8 * width, norm=norm, dropout=dropout)
            for first in [True] + [False] * (num_blocks - 1)
        )
        decoder: list[nn.Module] = []
        for i, o in ((4 * width, 2 * width), (2 * width, width)):
            bias = norm == "instance"
            up = nn.ConvTranspose2d(i, o, 3, stride=2, padding=1, output_padding=1, bias=bias)
            decoder += [up, _norm(norm, o), nn.ReLU()]
        self.decoder = nn.Sequential(*decoder, nn.Conv2d(width, 3, 7, padding=3, padding_mode="reflect"), nn.Tanh())
        self.apply(init_normal)

    def forward(
        self,
        source: Float[Tensor, "b 3 h w"],
        source_pose: Float[Tensor, "b 18 h w"],
        pose: Float[Tensor, "b 18 h w"],
    ) -> Float[Tensor, "b 3 h w"]:
        """Photo in [-1, 1] and heat maps in [0, 1], height and width divisible by 4 -> picture in (-1, 1)."""
        image, poses = self.image_stem(source), self.pose_stem(torch.cat([source_pose, pose], dim=1))
        for block in self.blocks:
            image, poses = block(image, poses)
        return self.decoder(image)


class TransferBlock(nn.Module):
    """One step: M = sigmoid(pose), image + M * f(image); then the pose stream is told of the new image (Eq. 3 to 5).

    Args:
        channels: of the image stream.
        pose_channels: of the pose stream as it comes in: `channels`, or twice as many after the first block.
        norm: see `Generator`.
        dropout: see `Generator`.
    """

    def __init__(self, channels: int, *, pose_channels: int, norm: Norm, dropout: float) -> None:
        super().__init__()
        self.image = nn.Sequential(
            *_inner(channels, norm, dropout), _conv(channels, channels, norm), _norm(norm, channels)
        )
        self.pose = nn.Sequential(*_inner(pose_channels, norm, dropout), _conv(pose_channels, channels, norm))

    def forward(
        self, image: Float[Tensor, "b c h w"], poses: Float[Tensor, "b p h w"]
    ) -> tuple[Float[Tensor, "b c h w"], Float[Tensor, "b p2 h w"]]:
        """Codes of the image and of the poses -> the same after one step."""
        posed = self.pose(poses)
        image = image + posed.sigmoid() * self.image(image)
        return image, torch.cat([posed, image], dim=1)


def _stem(in_channels: int, width: int, norm: Norm) -> nn.Sequential:
    first = nn.Conv2d(in_channels, width, 7, padding=3, padding_mode="reflect", bias=norm == "instance")
    layers: list[nn.Module] = [first, _norm(norm, width), nn.ReLU()]
    for i, o in ((width, 2 * width), (2 * width, 4 * width)):
        layers += [nn.Conv2d(i, o, 3, stride=2, padding=1, bias=norm == "instance"), _norm(norm, o), nn.ReLU()]
    return nn.Sequential(*layers)


def _inner(channels: int, norm: Norm, dropout: float) -> list[nn.Module]:
    return [_conv(channels, channels, norm), _norm(norm, channels), nn.ReLU(), SeededDropout(dropout)]


def _conv(i: int, o: int, norm: Norm) -> nn.Conv2d:
    return nn.Conv2d(i, o, 3, padding=1, padding_mode="reflect", bias=norm == "instance")


def _norm(norm: Norm, channels: int) -> nn.Module:
    return nn.BatchNorm2d(channels) if norm == "batch" else nn.InstanceNorm2d(channels)
