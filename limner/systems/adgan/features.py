"""The frozen network beside ADGAN's style encoder, by the name that its weights keep."""

from __future__ import annotations

from typing import cast

import torch

from limner import hub
from limner.features import open_features
from limner.losses.perceptual import PerceptualFeatures
from limner.nn.parsing import ParsingNetwork
from limner.pipelines import load
from limner.systems.adgan.networks import VGG_CHANNELS, VGG_LAYERS

LEVELS = (0, 1, 2, 3)
"""Of the parser's encoder, at 1, 1/2, 1/4 and 1/8 of the size."""


def channels_of(features: str) -> tuple[int, ...]:
    """Channels of its maps."""
    if features == "vgg19":
        return VGG_CHANNELS
    parser = cast(ParsingNetwork, load(hub.PEOPLE_FEATURES).components["parser"])
    return tuple(parser.level_channels[level] for level in LEVELS)


def open_style_features(features: str, vgg_weights: str | None, device: torch.device) -> PerceptualFeatures:
    """The network itself.

    Args:
        features: "people" or "vgg19".
        vgg_weights: file of VGG-19; none: the one in the cache.
        device: where it runs.

    Raises:
        ConfigError: if the file of VGG-19 is not there.
        WeightsError: if it is of another network.
    """
    file = None if features != "vgg19" else vgg_weights or str(hub.published_file("vgg19").path)
    return open_features(file, device, layers=VGG_LAYERS, levels=LEVELS)
