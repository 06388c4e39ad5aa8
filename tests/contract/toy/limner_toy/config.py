"""Everything that can be set about the toy. No torch import."""

from dataclasses import dataclass
from typing import Literal

from limner.data.config import DataConfig
from limner.engine.config import TrainConfig


@dataclass(frozen=True)
class StageConfig:
    """What is trained, on top of what."""

    name: Literal["still", "clip"] = "clip"
    """still: pictures of captions; clip: how they fade in."""
    still: str | None = None
    """Run or weights of stage still, for stage clip."""


@dataclass(frozen=True)
class ModelConfig:
    """Sizes."""

    image_size: int = 32
    """Height and width in pixels."""


@dataclass(frozen=True)
class OptimizerConfig:
    """One Adam."""

    lr: float = 1e-2
    """Learning rate."""


@dataclass(frozen=True)
class ToyConfig:
    """A complete training run of one stage of the toy."""

    stage: StageConfig
    """What is trained."""
    model: ModelConfig
    """Networks."""
    optimizer: OptimizerConfig
    """Optimiser."""
    dataset: DataConfig
    """What is read."""
    train: TrainConfig
    """Length, batch, cadence."""
