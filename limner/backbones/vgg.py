"""VGG-16 and VGG-19 up to their last pooling: the feature networks of perceptual losses and of LPIPS.

Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015,
arXiv:1409.1556, configurations D and E. Names of the tensors are those of torchvision's checkpoints (BSD-3-Clause), so
its files fit; their classifier is not used here.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from jaxtyping import Float
from torch import Tensor, nn

from limner.backbones.state import load_network, read_state
from limner.errors import ConfigError, nearest

CONVOLUTIONS = {16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
"""Depth -> convolutions of each of the five blocks; a pooling ends each block."""
_WIDTHS = (64, 128, 256, 512, 512)
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's RGB in [0, 1]


class VGG(nn.Module):
    """Image to the maps of chosen layers.

    Layers have the names of the literature: `relu3_2` is the second activation of the third block; `conv3_2` is the
    same before the activation, `pool3` the pooling that ends the block.

    Args:
        depth: 16 or 19.
    """

    def __init__(self, depth: Literal[16, 19]) -> None:
        super().__init__()
        self.depth = depth
        layers: list[nn.Module] = []
        self.layer_names: list[str] = []
        in_channels = 3
        for block, (count, width) in enumerate(zip(CONVOLUTIONS[depth], _WIDTHS, strict=True), start=1):
            for number in range(1, count + 1):
                # Not in place: a layer's map must survive the next layer.
                layers += [nn.Conv2d(in_channels, width, 3, padding=1), nn.ReLU()]
                self.layer_names += [f"conv{block}_{number}", f"relu{block}_{number}"]
                in_channels = width
            layers.append(nn.MaxPool2d(2))
            self.layer_names.append(f"pool{block}")
        self.features = nn.Sequential(*layers)

    @classmethod
    def from_file(cls, path: str | Path, depth: Literal[16, 19]) -> VGG:
        """The network with the weights of a file (torchvision's, whole or only its features), frozen.

        Raises:
            WeightsError: if the file is not of this network.
        """
        return load_network(lambda: cls(depth), read_state(path), where=path, unused=("classifier.",))

    def forward(
        self, image: Float[Tensor, "batch 3 height width"], layers: Sequence[str]
    ) -> list[Float[Tensor, "batch _ _ _"]]:
        """Maps of the layers, in the order in which they are named; nothing deeper is computed.

        Args:
            image: as the network was trained: `imagenet_normalized`. SPADE's and pix2pixHD's losses give it [-1, 1].
            layers: names such as "relu1_1".

        Raises:
            ConfigError: if there is no such layer.
        """
        for name in layers:
            if name not in self.layer_names:
                raise ConfigError(f'VGG-{self.depth} has no layer "{name}".{nearest(name, self.layer_names)}')
        deepest = max((self.layer_names.index(name) for name in layers), default=-1)
        maps = {}
        for name, layer in zip(self.layer_names[: deepest + 1], self.features, strict=False):
            image = layer(image)
            if name in layers:
                maps[name] = image
        return [maps[name] for name in layers]


def imagenet_normalized(image: Float[Tensor, "batch 3 height width"]) -> Float[Tensor, "batch 3 height width"]:
    """Images in [-1, 1] as networks trained on ImageNet by torchvision want them: mean 0, deviation 1 a channel."""
    mean, deviation = (image.new_tensor(values)[:, None, None] for values in (_MEAN, _DEVIATION))
    return ((image + 1) / 2 - mean) / deviation
