"""A lip reader: a 3-D convolution, ResNet-18 on every frame, two layers of bidirectional GRU.

After Stafylakis and Tzimiropoulos: "Combining Residual Networks with LSTMs for Lipreading", Interspeech 2017,
arXiv:1703.04105, with the GRU and the smaller trunk of Feng et al.: "Learn an Effective Lip Reading Model without
Pains", 2020, arXiv:2011.07557 (facts only).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from limner.nn.configured import Configured

SIZE = 88
"""Of the mouths that the published network sees, in pixels."""
_MIDDLE = (0.5, 0.75)  # of the mouth, as shares of the face's side
_GREY = (0.299, 0.587, 0.114)
_MEAN, _DEVIATION = 0.413621, 0.1700239  # of grey mouths in [0, 1]


class Reading(NamedTuple):
    """What one pass says of every frame."""

    logits: Float[Tensor, "b f words"]
    points: Float[Tensor, "b f p 2"]
    """Of the mouth: x and y as shares of the face's side; p may be 0."""


class WordNetwork(Configured):
    """A clip of a mouth -> logits of words.

    Args:
        num_words: classes (500 of LRW).
        width: channels of the first layer (64).
        mouth_size: the mouth is enlarged to so many pixels (88).
        num_points: of the mouth, that a head of ours finds in every frame (0).
    """

    def __init__(self, *, num_words: int = 500, width: int = 64, mouth_size: int = SIZE, num_points: int = 0) -> None:
        super().__init__()
        self.mouth_size = mouth_size
        self.front = nn.Sequential(
            nn.Conv3d(1, width, (5, 7, 7), stride=(1, 2, 2), padding=(2, 3, 3), bias=False),
            nn.BatchNorm3d(width),
            nn.ReLU(),
            nn.MaxPool3d((1, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1)),
        )
        blocks = []
        for level in range(4):
            i, o = width * 2 ** max(0, level - 1), width * 2**level
            blocks += [_BasicBlock(i, o, stride=1 if level == 0 else 2), _BasicBlock(o, o, stride=1)]
        self.trunk = nn.Sequential(*blocks)
        self.follow = nn.GRU(8 * width, 8 * width, num_layers=2, batch_first=True, bidirectional=True)
        self.to_words = nn.Linear(16 * width, num_words)
        self.to_points = nn.Linear(8 * width, 2 * num_points) if num_points else None
        if self.to_points is not None:  # from the middle of the mouth on
            nn.init.zeros_(self.to_points.weight)
            self.to_points.bias.data.copy_(torch.tensor(_MIDDLE).repeat(num_points))

    def forward(
        self, frames: Float[Tensor, "b f 3 h w"], every_frame: bool = False
    ) -> Float[Tensor, "b words"] | Reading:
        """Aligned faces in [-1, 1] -> logits, the mean of those of all frames; or what is read in every frame."""
        reading = self.read(frames)
        return reading if every_frame else reading.logits.mean(dim=1)

    def read(self, frames: Float[Tensor, "b f 3 h w"]) -> Reading:
        """Logits and points at every frame."""
        batch, count = frames.shape[:2]
        mouths = self._mouths(frames.flatten(0, 1)).unflatten(0, (batch, count))
        x = self.front(mouths.transpose(1, 2))  # batch, channels, frames, height, width
        codes = self.trunk(x.transpose(1, 2).flatten(0, 1)).mean(dim=(2, 3)).unflatten(0, (batch, count))
        points = codes.new_zeros(batch, count, 0, 2)
        if self.to_points is not None:
            points = self.to_points(codes).unflatten(2, (-1, 2))
        return Reading(self.to_words(self.follow(codes)[0]), points)

    def _mouths(self, faces: Float[Tensor, "n 3 h w"]) -> Float[Tensor, "n 1 s s"]:
        """The mouth of faces that are aligned: the middle half of the width, the lower half of the height; in grey."""
        height, width = faces.shape[2:]
        left = (width * 33) // 128
        cut = faces[:, :, height // 2 :, left : left + width // 2]
        grey = torch.einsum("nchw,c->nhw", (cut + 1) / 2, cut.new_tensor(_GREY))[:, None]
        size = (self.mouth_size, self.mouth_size)
        return (functional.interpolate(grey, size=size, mode="bilinear", align_corners=False) - _MEAN) / _DEVIATION


class _BasicBlock(nn.Module):
    """ResNet's block: relu(x + [conv3 - BN - ReLU - conv3 - BN]), with a 1x1 shortcut where the shape changes."""

    def __init__(self, i: int, o: int, *, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(i, o, 3, stride=stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(o)
        self.conv2 = nn.Conv2d(o, o, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(o)
        shortcut: list[nn.Module] = []
        if stride > 1 or i != o:
            shortcut = [nn.Conv2d(i, o, 1, stride=stride, bias=False), nn.BatchNorm2d(o)]
        self.shortcut = nn.Sequential(*shortcut)

    def forward(self, x: Tensor) -> Tensor:
        hidden = functional.relu(self.norm1(self.conv1(x)))
        return functional.relu(self.norm2(self.conv2(hidden)) + self.shortcut(x))
