"""The training side of SCA-GAN: one stage a run; the rules of each are in `stages`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

import torch

from limner.data.spec import DataSpec
from limner.engine.data import TrainingData
from limner.engine.stages import StagedSystem
from limner.systems.scagan.config import SCAGANConfig
from limner.systems.scagan.data import ContentBatch, open_content_pairs
from limner.systems.scagan.pipeline import SCAGANPipeline
from limner.systems.scagan.stages import ContentStage, ImageStage, TransferStage


class SCAGAN(StagedSystem[SCAGANConfig, ContentBatch]):
    """PCT-Net (stage content) or IS-Net (stage image), against two discriminators."""

    name: ClassVar[str] = "scagan"
    pipeline_class: ClassVar[type[Any]] = SCAGANPipeline
    # Poses are learned first, hues last, and a difference of colours falls while all garments are grey.
    best_metric: ClassVar[tuple[str, Literal["max", "min"]]] = ("error", "min")
    stage: TransferStage

    def __init__(self, config: SCAGANConfig, spec: DataSpec) -> None:
        super().__init__(config, spec, (ImageStage if config.stage.name == "image" else ContentStage)(config))

    @classmethod
    def open_data(cls, config: SCAGANConfig, path: Path | None) -> TrainingData:
        """Pairs of pictures of one person with key points."""
        return open_content_pairs(config, path, asked_by=cls.name)

    @property
    def ema_networks(self) -> tuple[str, ...]:
        """The network that is trained (an option of ours; the authors' code has no averaging)."""
        return (self.stage.painter,)

    def prepare(self, device: torch.device) -> None:
        """Refuse an untrained PCT-Net, and open the network that the perceptual losses compare in.

        Raises:
            ConfigError: if stage image has no PCT-Net to build on.
            WeightsError: if a file is not what it should be.
        """
        super().prepare(device)
        self.stage.open_losses(device)
