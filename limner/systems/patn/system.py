"""Training of PATN: a generator against a discriminator of appearance and one of shape (arXiv:1904.03349, Sec. 3.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from limner.data.spec import DataSpec
from limner.pose_transfer.data import PairBatch
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

    def paint(self, batch: PairBatch, networks: Mapping[str, nn.Module]) -> Float[Tensor, "b 3 h w"]:
        """See `PoseSystem.paint`."""
        poses = (self.heatmaps(points) for points in (batch.source_points, batch.target_points))
        picture: Tensor = networks["generator"](batch.source, *poses)
        return picture
