"""AlexNet up to its last activation: the feature network of LPIPS and of identity terms.

Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014, arXiv:1404.5997 (one tower). Names
of the tensors are those of torchvision's checkpoint (BSD-3-Clause), so its file fits; its classifier is not used here.
"""

from __future__ import annotations

from pathlib import Path

from jaxtyping import Float
from torch import Tensor, nn

from limner.backbones.state import load_network, read_state

WIDTHS = (64, 192, 384, 256, 256)
"""Channels of the five activations."""


class AlexNet(nn.Module):
    """Image to the maps of its five activations."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, 11, stride=4, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2),
            nn.Conv2d(64, 192, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(3, stride=2),
            nn.Conv2d(192, 384, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(384, 256, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(256, 256, 3, padding=1),
            nn.ReLU(),
        )

    @classmethod
    def from_file(cls, path: str | Path) -> AlexNet:
        """The network with the weights of a file (torchvision's, whole or only its features), frozen.

        Raises:
            WeightsError: if the file is not of this network.
        """
        return load_network(cls, read_state(path), where=path, unused=("classifier.",))

    def forward(self, image: Float[Tensor, "batch 3 height width"]) -> list[Float[Tensor, "batch _ _ _"]]:
        """The five maps, widest first; the image is normalised as the caller's method wants it."""
        maps = []
        for layer in self.features:
            image = layer(image)
            if isinstance(layer, nn.ReLU):
                maps.append(image)
        return maps
