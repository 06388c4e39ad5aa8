"""A residual network of ResNet-18's plan with two heads: an age in years and an embedding of the person.

He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, arXiv:1512.03385; the age is the expectation over
one class a year, as in DEX (Rothe et al., IJCV 2018). What differs: a stem of one 3x3 convolution with stride 2, for
pictures of 64 to 128 pixels.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from limner.nn.configured import Configured

NUM_AGES = 117
"""Years 0 to 116, as in UTKFace."""


class Verdict(NamedTuple):
    """What the network says of a face."""

    age_logits: Float[Tensor, "b 117"]
    """One class a year."""
    embedding: Float[Tensor, "b e"]
    """Of length 1; the cosine of two says how likely they are one person."""

    @property
    def years(self) -> Float[Tensor, " b"]:
        """Expected age."""
        years = torch.arange(NUM_AGES, device=self.age_logits.device, dtype=torch.float32)
        # No matrix product: under autocast it would round ages to half years.
        return (self.age_logits.float().softmax(1) * years).sum(1)


class FaceNetwork(Configured):
    """Face -> age and embedding.

    Args:
        width: channels of the first layer.
        embedding_size: numbers of the embedding.
    """

    def __init__(self, *, width: int = 64, embedding_size: int = 128) -> None:
        super().__init__()
        w = width
        self.stem = nn.Sequential(nn.Conv2d(3, w, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(w), nn.ReLU())
        steps = ((w, w, 1), (w, 2 * w, 2), (2 * w, 4 * w, 2), (4 * w, 8 * w, 2))
        plan = [block for i, o, stride in steps for block in ((i, o, stride), (o, o, 1))]
        self.blocks = nn.Sequential(*(BasicBlock(i, o, stride) for i, o, stride in plan))
        self.age = nn.Linear(8 * w, NUM_AGES)
        self.embed = nn.Linear(8 * w, embedding_size)

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> Verdict:
        """Picture in [-1, 1] -> verdict."""
        features = self.blocks(self.stem(image)).mean(dim=(2, 3))
        return Verdict(self.age(features), functional.normalize(self.embed(features).float(), dim=1))


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside an identity, or beside a 1x1 convolution where the shape changes."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(),
            nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride=stride, bias=False), nn.BatchNorm2d(out_channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        """(b, in, h, w) -> (b, out, h / stride, w / stride)."""
        return functional.relu(self.layers(x) + self.shortcut(x))
