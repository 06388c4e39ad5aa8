"""LPIPS: a distance between two images in the maps of a classification network, weighted to agree with people.

Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric", CVPR 2018, arXiv:1801.03924,
version 0.1. The weights of the heads come with this package (heads/README.md says from where); those of AlexNet or
VGG-16 are torchvision's.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Literal, cast

import torch
from jaxtyping import Float
from safetensors.torch import load
from torch import Tensor, nn

from limner.backbones.alexnet import AlexNet
from limner.backbones.vgg import VGG, imagenet_normalized
from limner.errors import ShapeError

LAYERS = ("relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3")
"""Layers of VGG-16; of AlexNet it takes all five activations."""
SMALLEST = 32
"""Height and width below which the last map of AlexNet would be empty."""

NetworkName = Literal["alex", "vgg"]


class LPIPS(nn.Module):
    """Two images to their distance, at least 0.

    Args:
        network: AlexNet (the authors' choice for measuring) or VGG-16 (their choice for training).
        heads: one vector of weights for each of its five maps.
    """

    def __init__(self, network: AlexNet | VGG, heads: list[Tensor]) -> None:
        super().__init__()
        self.network = network
        for number, head in enumerate(heads):
            self.register_buffer(f"head{number}", head)
        self.num_heads = len(heads)

    @classmethod
    def from_file(cls, path: str | Path, *, network: NetworkName = "alex") -> LPIPS:
        """LPIPS with the weights of torchvision's AlexNet or VGG-16 from a file, frozen.

        Raises:
            WeightsError: if the file is not of that network.
        """
        built = AlexNet.from_file(path) if network == "alex" else VGG.from_file(path, depth=16)
        return cls(built, read_heads(network)).eval()

    def forward(
        self, first: Float[Tensor, "batch 3 height width"], second: Float[Tensor, "*shape"]
    ) -> Float[Tensor, " batch"]:
        """Distance of each pair; images of one shape in [-1, 1].

        Raises:
            ShapeError: if the shapes differ or the images are smaller than 32 pixels.
        """
        if first.shape != second.shape or min(first.shape[-2:]) < SMALLEST:
            raise ShapeError(
                f"LPIPS compares images of one size, at least {SMALLEST} px, not {tuple(first.shape)} and "
                f"{tuple(second.shape)}."
            )
        distance = first.new_zeros(len(first))
        heads = [self.get_buffer(f"head{number}") for number in range(self.num_heads)]
        for head, one, other in zip(heads, self._maps(first), self._maps(second), strict=True):
            distance = distance + layer_distance(one, other, head)
        return distance

    def _maps(self, image: Tensor) -> list[Tensor]:
        normalized = imagenet_normalized(image)
        if isinstance(self.network, VGG):
            return cast(list[Tensor], self.network(normalized, LAYERS))
        return cast(list[Tensor], self.network(normalized))


def layer_distance(
    first: Float[Tensor, "batch c h w"], second: Float[Tensor, "batch c h w"], head: Float[Tensor, " c"]
) -> Float[Tensor, " batch"]:
    """Mean over positions of the weighted squared difference of unit vectors; Eq. 1 of the paper."""
    # 1e-20: where a position has no activation at all, the root would have no gradient.
    unit_first, unit_second = (
        maps / (maps.square().sum(dim=1, keepdim=True).clamp_min(1e-20).sqrt() + 1e-10) for maps in (first, second)
    )
    squares = (unit_first - unit_second).square()
    return torch.einsum("bchw,c->bhw", squares, head.to(squares.dtype)).mean(dim=(1, 2))


def read_heads(network: NetworkName) -> list[Tensor]:
    """The vectors that come with this package."""
    file = resources.files("limner.backbones").joinpath("heads", f"lpips-{network}-0.1.safetensors")
    tensors = load(file.read_bytes())
    return [tensors[f"head{number}"] for number in range(len(tensors))]
