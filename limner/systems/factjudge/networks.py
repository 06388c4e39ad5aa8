"""The network of the judge of facts: convolutions, and one answer to each question."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from limner.nn.configured import Configured

PLACES = 4
"""Places along a side: a colour of the garment is below, one of the hair above."""
SEPARATOR = ": "
"""Between question and answer in a name such as "hair color: red"."""


def by_question(names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Names of answers -> question -> its answers, in order."""
    found: dict[str, tuple[str, ...]] = {}
    for name in names:
        question, _, answer = name.partition(SEPARATOR)
        found[question] = (*found.get(question, ()), answer)
    return found


class FactNetwork(Configured):
    """Pictures -> logits of all answers, question after question.

    Args:
        answers: names such as "hair color: red"; those of a question follow each other.
        width: channels of the first layer.
        num_halvings: how often the size is halved.
    """

    counts: Tensor

    def __init__(self, *, answers: Sequence[str], width: int = 32, num_halvings: int = 4) -> None:
        super().__init__()
        channels = [width * min(8, 2**level) for level in range(num_halvings + 1)]
        layers: list[nn.Module] = [_conv(3, width)]
        for i, o in pairwise(channels):
            layers += [_conv(i, o, stride=2), _conv(o, o)]
        self.layers = nn.Sequential(*layers)
        self.head = nn.Linear((PLACES**2 + 1) * channels[-1], len(answers))
        self.register_buffer("counts", torch.ones(len(answers)))

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b n"]:
        """Pictures in [-1, 1]; answers of all questions compete as if they were equally frequent."""
        maps = self.layers(image)
        means, most = functional.adaptive_avg_pool2d(maps, PLACES), functional.adaptive_max_pool2d(maps, 1)
        logits: Tensor = self.head(torch.cat([means.flatten(1), most.flatten(1)], dim=1))
        return logits


def _conv(in_channels: int, out_channels: int, *, stride: int = 1) -> nn.Sequential:
    conv = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(out_channels), nn.ReLU())
