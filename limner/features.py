"""The frozen network that perceptual losses compare in: VGG-19 where its file is named, else a shipped parser."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch

from limner import hub
from limner.backbones.vgg import VGG
from limner.losses.perceptual import ParserFeatures, PerceptualFeatures, VGGFeatures
from limner.nn.parsing import ParsingNetwork
from limner.pipelines import load


def open_features(
    vgg_weights: str | None, device: torch.device, *, layers: Sequence[str], levels: Sequence[int]
) -> PerceptualFeatures:
    """Layers of VGG-19 where its file is named, else levels of the shipped parser that stands in for it.

    Args:
        vgg_weights: the file, if any.
        device: where it runs.
        layers: of VGG-19.
        levels: of the parser's encoder.

    Raises:
        WeightsError: if the file is not of VGG-19.
    """
    if vgg_weights is not None:
        return VGGFeatures(VGG.from_file(vgg_weights, 19).to(device), layers)
    return parser_features(hub.PEOPLE_FEATURES, device, levels=levels)


def parser_features(weights: str, device: torch.device, *, levels: Sequence[int]) -> ParserFeatures:
    """Levels of the encoder of a parser.

    Args:
        weights: of the parser: shipped ones by name, a folder, or a run.
        device: where it runs.
        levels: of its encoder.

    Raises:
        WeightsError: if there are no such weights, or they are of another system.
    """
    parser = cast(ParsingNetwork, load(weights, system="parser").to(device).components["parser"])
    return ParserFeatures(parser, weights, levels)
