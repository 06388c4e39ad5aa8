"""The painter's training: one stage at a time, each a run of its own.

The rules of each stage are in `stages`; here is what the engine needs of all of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.optim import Optimizer

from limner.data.batch import TensorBatch
from limner.data.spec import DataSpec
from limner.engine.data import TrainingData
from limner.engine.engine import Engine
from limner.engine.system import System
from limner.errors import ConfigError
from limner.systems.painter.config import PainterConfig
from limner.systems.painter.data import open_stage_data
from limner.systems.painter.pipeline import PainterPipeline
from limner.systems.painter.schedule import lr_factor
from limner.systems.painter.stages.agent import AgentStage
from limner.systems.painter.stages.attention import AttentionStage
from limner.systems.painter.stages.base import Stage
from limner.systems.painter.stages.renderer import RendererStage

_STAGES: dict[str, type[Stage]] = {
    "renderer": RendererStage,
    "attention": AttentionStage,
    "agent": AgentStage,
    "joint": AgentStage,
}


class Painter(System[PainterConfig, TensorBatch]):
    """Renderer, attention, agent, or agent and attention together."""

    name: ClassVar[str] = "painter"
    best_metric: ClassVar[tuple[str, Literal["max", "min"]]] = ("error", "min")
    pipeline_class: ClassVar[type[PainterPipeline]] = PainterPipeline

    def __init__(self, config: PainterConfig, spec: DataSpec) -> None:
        super().__init__(config, spec)
        self.stage = _STAGES[config.stage.name](config)
        self.networks = self.stage.networks

    @classmethod
    def open_data(cls, config: PainterConfig, path: Path | None) -> TrainingData:
        """Strokes for the renderer, which needs no folder; pictures for the other stages."""
        return open_stage_data(config, path)

    def prepare(self, device: torch.device) -> None:
        """Refuse to train an agent on networks that were never trained.

        Raises:
            ConfigError: naming the stage that comes first.
        """
        missing = self.stage.missing()
        if missing is not None:
            raise ConfigError(missing)

    def optimizers(self) -> dict[str, Optimizer]:
        """One Adam a trained network."""
        return self.stage.optimizers()

    def network_lr_scale(self, network: str, images_seen: int) -> float:
        """The stage's own schedule for each network."""
        done, config = images_seen / self.config.train.images, self.config
        return lr_factor(network, done, stage=config.stage.name, fall=config.optimizer.fall)

    def training_step(self, batch: TensorBatch, engine: Engine) -> None:
        """One iteration of the stage."""
        self.stage.training_step(batch, engine)

    def state_dict(self) -> dict[str, Any]:
        """The agent's memory."""
        return self.stage.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the agent's memory."""
        self.stage.load_state_dict(state)

    def fixed_inputs(self, dataset: Any) -> TensorBatch:
        """Inputs of the sample grids."""
        return self.stage.fixed_inputs(dataset)

    def sample(self, fixed: TensorBatch, networks: dict[str, nn.Module]) -> Float[Tensor, "rows columns 3 h w"]:
        """The stage's sample grid."""
        return self.stage.sample(fixed, networks).clamp(-1, 1)

    def validate(self, batches: Iterable[Any], networks: dict[str, nn.Module]) -> dict[str, float]:
        """The stage's scores."""
        return self.stage.validate(batches, networks)

    def pipeline(self, networks: dict[str, nn.Module]) -> PainterPipeline:
        """What the stage has to show: slow copies and the like stay in the checkpoint."""
        known = self.pipeline_class.network_classes()
        kept = {name: network for name, network in networks.items() if name in known}
        return self.pipeline_class(spec=self.spec, size=self.config.model.image_size, **kept)
