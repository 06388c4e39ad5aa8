"""Maps of a frozen network in which pictures are compared: VGG's, or those of a parser that stands in for it by name.

Johnson, Alahi, Fei-Fei: "Perceptual Losses for Real-Time Style Transfer and Super-Resolution", ECCV 2016,
arXiv:1603.08155. Numbers of one network say nothing about those of another: say which one it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from jaxtyping import Float
from torch import Tensor

from limner.backbones.vgg import VGG, imagenet_normalized
from limner.losses.features import feature_distance
from limner.nn.parsing import ParsingNetwork


@runtime_checkable
class PerceptualFeatures(Protocol):
    """Pictures to maps."""

    name: str
    """What a report calls the network."""
    channels: tuple[int, ...]
    """Of the maps."""

    def __call__(self, image: Float[Tensor, "b 3 h w"]) -> list[Float[Tensor, "b _ _ _"]]:
        """Pictures in [-1, 1] -> one map a layer."""


class VGGFeatures:
    """Layers of a frozen VGG.

    Args:
        vgg: the network, from `VGG.from_file`.
        layers: names such as "relu1_2".
    """

    def __init__(self, vgg: VGG, layers: Sequence[str]) -> None:
        self.vgg, self.layers = vgg, tuple(layers)
        self.name = f"VGG-{vgg.depth} ({', '.join(layers)})"
        widths = {1: 64, 2: 128, 3: 256, 4: 512, 5: 512}
        self.channels = tuple(widths[int(layer.removeprefix("conv").removeprefix("relu")[0])] for layer in layers)

    def __call__(self, image: Float[Tensor, "b 3 h w"]) -> list[Float[Tensor, "b _ _ _"]]:
        """Pictures in [-1, 1] -> one map a layer."""
        maps: list[Tensor] = self.vgg(imagenet_normalized(image.float()), self.layers)
        return maps


class ParserFeatures:
    """Levels of the encoder of a frozen parser: what there is where no file of VGG is at hand.

    Args:
        parser: the network.
        name: of its weights.
        levels: 0 is at full size, each further one at half of the size of that before.
    """

    def __init__(self, parser: ParsingNetwork, name: str, levels: Sequence[int]) -> None:
        self.parser, self.levels = parser.eval().requires_grad_(False), tuple(levels)
        self.name = f"parser {name} (levels {', '.join(map(str, levels))})"
        self.channels = tuple(parser.level_channels[level] for level in levels)

    def __call__(self, image: Float[Tensor, "b 3 h w"]) -> list[Float[Tensor, "b _ _ _"]]:
        """Pictures in [-1, 1] -> one map a level."""
        maps = self.parser.encode(image.float(), num_levels=max(self.levels) + 1)
        return [maps[level] for level in self.levels]


def perceptual_loss(
    features: PerceptualFeatures,
    real: Float[Tensor, "b 3 h w"],
    fake: Float[Tensor, "b 3 h w"],
    weights: Sequence[float] | None = None,
) -> Float[Tensor, ""]:
    """Weighted sum over layers of the mean absolute difference; no gradient flows to the real pictures.

    Args:
        features: of a frozen network.
        real: in [-1, 1].
        fake: in [-1, 1].
        weights: one a layer; none: all 1.
    """
    return feature_distance(features(real), features(fake), weights or [1.0] * len(features.channels))
