"""Training of PATN: a generator against a discriminator of appearance and one of shape (arXiv:1904.03349, Sec. 3.2)."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from limner.data.size import Size
from limner.data.spec import DataSpec
from limner.engine.data import TrainingData, required
from limner.pose_transfer.data import KEYPOINTS, PairBatch, collate_pairs, open_pairs
from limner.pose_transfer.system import PairSystem
from limner.systems.patn.config import PATNConfig
from limner.systems.patn.networks import Generator
from limner.systems.patn.pipeline import PATNPipeline


class PATN(PairSystem[PATNConfig, PairBatch]):
    """A generator with attention to the pose, and two discriminators."""

    name: ClassVar[str] = "patn"
    pipeline_class: ClassVar[type[Any]] = PATNPipeline

    def __init__(self, config: PATNConfig, spec: DataSpec) -> None:
        model = config.model
        generator = Generator(
            width=model.width,
            num_blocks=model.num_blocks,
            norm=model.norm,
            dropout=model.dropout,
            heatmap=model.heatmap,
            sigma=model.sigma,
        )
        super().__init__(config, spec, generator)

    @classmethod
    def open_data(cls, config: PATNConfig, path: Path | None) -> TrainingData:
        """Pairs of pictures of one person with key points."""
        size, dataset = Size.of(config.model.image_size), config.dataset
        train, validation = open_pairs(
            required(path, cls.name), kind=dataset.kind, size=size, flip=dataset.flip, seed=config.train.seed
        )
        return TrainingData(DataSpec(keypoints=KEYPOINTS), train, validation, collate_pairs)

    def collated(self, pairs: list[Any]) -> PairBatch:
        """See `PairSystem.collated`."""
        return collate_pairs(pairs)

    def paint(self, batch: PairBatch, generator: nn.Module) -> Float[Tensor, "b 3 h w"]:
        """See `PairSystem.paint`."""
        poses = (self.heatmaps(points) for points in (batch.source_points, batch.target_points))
        picture: Tensor = generator(batch.source, *poses)
        return picture
