"""The toy's only network."""

from typing import Any

import torch
from torch import Tensor, nn


class Generator(nn.Module):
    """Words (b, n), noise (b, 4) and moments (b,) in [0, 1] -> frames (b, 3, s, s) in [-1, 1]."""

    def __init__(self, *, num_words: int, image_size: int, width: int) -> None:
        super().__init__()
        self.config: dict[str, Any] = {"num_words": num_words, "image_size": image_size, "width": width}
        self.words = nn.EmbeddingBag(num_words, width, padding_idx=0)
        self.to_image = nn.Linear(width + 4, 3 * image_size**2)

    def forward(self, words: Tensor, noise: Tensor, moment: Tensor) -> Tensor:
        size = self.config["image_size"]
        image = torch.tanh(self.to_image(torch.cat([self.words(words), 0.1 * noise], dim=1)))
        return moment[:, None, None, None] * (image.view(-1, 3, size, size) + 1) - 1
