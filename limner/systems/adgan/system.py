"""Training of ADGAN: codes of parts paint a pose, against two discriminators (arXiv:2003.12267, Sec. 3.3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from limner.data.fields import Field
from limner.data.spec import DataSpec
from limner.engine.data import TrainingData
from limner.losses.perceptual import PerceptualFeatures
from limner.pose_transfer.data import FIELDS, PairBatch, PosePair, PosePairs, collate_pairs, label_map_of
from limner.pose_transfer.parts import check_parsing, part_masks, to_parts
from limner.pose_transfer.system import PairSystem
from limner.systems.adgan.config import ADGANConfig
from limner.systems.adgan.features import channels_of, open_style_features
from limner.systems.adgan.networks import Generator
from limner.systems.adgan.pipeline import ADGANPipeline


@dataclass
class PartBatch(PairBatch):
    """Pairs with the parts of their sources."""

    parts: UInt8[Tensor, "b h w"]
    """Numbers of `limner.pose_transfer.parts.PARTS`."""


def collate_parts(pairs: Sequence[PosePair]) -> PartBatch:
    """Stack pairs of one size."""
    parts = np.stack([to_parts(label_map_of(pair.source)) for pair in pairs])
    return PartBatch(**vars(collate_pairs(pairs)), parts=torch.from_numpy(parts))


class ADGAN(PairSystem[ADGANConfig, PartBatch]):
    """A generator with a code for each part, and two discriminators."""

    name: ClassVar[str] = "adgan"
    pipeline_class: ClassVar[type[Any]] = ADGANPipeline
    data_fields: ClassVar[tuple[Field, ...]] = (*FIELDS, "label_map")
    collate: ClassVar[Callable[[Sequence[PosePair]], Any]] = staticmethod(collate_parts)

    def __init__(self, config: ADGANConfig, spec: DataSpec) -> None:
        model = config.model
        generator = Generator(
            width=model.width,
            num_blocks=model.num_blocks,
            feature_channels=channels_of(model.features),
            features=model.features,
            heatmap=model.heatmap,
            sigma=model.sigma,
        )
        super().__init__(config, spec, generator)
        self.style_features: PerceptualFeatures | None = None

    @classmethod
    def open_data(cls, config: ADGANConfig, path: Path | None) -> TrainingData:
        """Pairs of pictures of one person with key points and body parsing.

        Raises:
            DataError: if there is no parsing.
        """
        data = super().open_data(config, path)
        check_parsing(cast(PosePairs, data.train_set).samples.manifest)
        return data

    def prepare(self, device: torch.device) -> None:
        """Open the frozen networks.

        Raises:
            ConfigError: if VGG-19 is wanted beside the style encoder and its file is not there.
            WeightsError: if a file is not of VGG-19.
        """
        super().prepare(device)
        self.style_features = open_style_features(self.config.model.features, self.config.loss.vgg_weights, device)

    def paint(self, batch: PartBatch, networks: Mapping[str, nn.Module]) -> Float[Tensor, "b 3 h w"]:
        """See `PoseSystem.paint`."""
        if self.style_features is None:
            self.style_features = open_style_features(
                self.config.model.features, self.config.loss.vgg_weights, batch.source.device
            )
        masks, pose = part_masks(batch.parts), self.heatmaps(batch.target_points)
        picture: Tensor = networks["generator"](batch.source, masks, pose, self.style_features)
        return picture
