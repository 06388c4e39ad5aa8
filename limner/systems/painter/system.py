"""The painter's training: one stage at a time, each a run of its own.

The rules of each stage are in `stages`; here is what the engine needs of all of them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal

from torch import nn

from limner.data.batch import TensorBatch
from limner.data.spec import DataSpec
from limner.engine.data import TrainingData
from limner.engine.stages import Stage, StagedSystem
from limner.systems.painter.config import PainterConfig
from limner.systems.painter.data import open_stage_data
from limner.systems.painter.pipeline import PainterPipeline
from limner.systems.painter.schedule import lr_factor
from limner.systems.painter.stages.agent import AgentStage
from limner.systems.painter.stages.attention import AttentionStage
from limner.systems.painter.stages.renderer import RendererStage

_STAGES: dict[str, type[Stage[PainterConfig, Any]]] = {
    "renderer": RendererStage,
    "attention": AttentionStage,
    "agent": AgentStage,
    "joint": AgentStage,
}


class Painter(StagedSystem[PainterConfig, TensorBatch]):
    """Renderer, attention, agent, or agent and attention together."""

    name: ClassVar[str] = "painter"
    best_metric: ClassVar[tuple[str, Literal["max", "min"]]] = ("error", "min")
    pipeline_class: ClassVar[type[PainterPipeline]] = PainterPipeline

    def __init__(self, config: PainterConfig, spec: DataSpec) -> None:
        super().__init__(config, spec, _STAGES[config.stage.name](config))

    @classmethod
    def open_data(cls, config: PainterConfig, path: Path | None) -> TrainingData:
        """Strokes for the renderer, which needs no folder; pictures for the other stages."""
        return open_stage_data(config, path, asked_by=cls.name)

    def network_lr_scale(self, network: str, images_seen: int) -> float:
        """The stage's own schedule for each network."""
        done, config = images_seen / self.config.train.images, self.config
        return lr_factor(network, done, stage=config.stage.name, fall=config.optimizer.fall)

    def pipeline(self, networks: dict[str, nn.Module]) -> PainterPipeline:
        """What the stage has to show: slow copies and the like stay in the checkpoint."""
        known = self.pipeline_class.network_classes()
        kept = {name: network for name, network in networks.items() if name in known}
        return self.pipeline_class(spec=self.spec, size=self.config.model.image_size, **kept)
