"""The toy's two networks, and the frame that they make together."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn


class Still(nn.Module):
    """Words (b, n) and noise (b, 4) -> pictures (b, 3, s, s) in [-1, 1]."""

    def __init__(self, *, num_words: int, image_size: int) -> None:
        super().__init__()
        self.config: dict[str, Any] = {"num_words": num_words, "image_size": image_size}
        self.words = nn.EmbeddingBag(num_words, 16, padding_idx=0)
        self.to_image = nn.Linear(20, 3 * image_size**2)

    def forward(self, words: Tensor, noise: Tensor) -> Tensor:
        size = self.config["image_size"]
        return torch.tanh(self.to_image(torch.cat([self.words(words), 0.1 * noise], dim=1))).view(-1, 3, size, size)


class Fader(nn.Module):
    """Moments (b,) in [0, 1] -> brightness (b,) in [0, 1]."""

    def __init__(self) -> None:
        super().__init__()
        self.config: dict[str, Any] = {}
        self.curve = nn.Linear(1, 1)

    def forward(self, moment: Tensor) -> Tensor:
        return torch.sigmoid(self.curve(moment[:, None]))[:, 0]


def frame(networks: Mapping[str, nn.Module], words: Tensor, noise: Tensor, moment: Tensor) -> Tensor:
    """Words (b, n), noise (b, 4) and moments (b,) in [0, 1] -> frames (b, 3, s, s) in [-1, 1], black at first."""
    still, fader = networks["still"], networks["fader"]
    frames: Tensor = fader(moment)[:, None, None, None] * (still(words, noise) + 1) - 1
    return frames
