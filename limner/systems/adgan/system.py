"""Training of ADGAN: codes of parts paint a pose, against two discriminators (arXiv:2003.12267, Sec. 3.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from limner.data.size import Size
from limner.data.spec import DataSpec
from limner.engine.data import TrainingData, required
from limner.losses.perceptual import PerceptualFeatures
from limner.pose_transfer.data import FIELDS, KEYPOINTS, PairBatch, PosePair, collate_pairs, label_map_of, open_pairs
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
        size, dataset = Size.of(config.model.image_size), config.dataset
        train, validation = open_pairs(
            required(path, cls.name),
            kind=dataset.kind,
            size=size,
            flip=dataset.flip,
            seed=config.train.seed,
            fields=(*FIELDS, "label_map"),
        )
        check_parsing(train.samples.manifest)
        return TrainingData(DataSpec(keypoints=KEYPOINTS), train, validation, collate_parts)

    def prepare(self, device: torch.device) -> None:
        """Open the frozen networks.

        Raises:
            ConfigError: if VGG-19 is wanted beside the style encoder and its file is not there.
            WeightsError: if a file is not of VGG-19.
        """
        super().prepare(device)
        self.style_features = open_style_features(self.config.model.features, self.config.loss.vgg_weights, device)

    def collated(self, pairs: list[Any]) -> PartBatch:
        """See `PairSystem.collated`."""
        return collate_parts(pairs)

    def paint(self, batch: PartBatch, generator: nn.Module) -> Float[Tensor, "b 3 h w"]:
        """See `PairSystem.paint`."""
        if self.style_features is None:
            self.style_features = open_style_features(
                self.config.model.features, self.config.loss.vgg_weights, batch.source.device
            )
        masks = part_masks(batch.parts)
        picture: Tensor = generator(batch.source, masks, self.heatmaps(batch.target_points), self.style_features)
        return picture
