"""Everything that can be set about the toy. No torch import."""

from dataclasses import dataclass

from limner.data.config import Fit
from limner.engine.config import TrainConfig


@dataclass(frozen=True)
class ModelConfig:
    """Sizes."""

    image_size: int = 32
    """Height and width in pixels."""
    width: int = 16
    """Numbers that a word becomes."""


@dataclass(frozen=True)
class OptimizerConfig:
    """One Adam."""

    lr_generator: float = 1e-2
    """Learning rate."""


@dataclass(frozen=True)
class CaptionConfig:
    """What is read."""

    kind: str = "auto"
    """Layout of the folder; auto looks."""
    fit: Fit | None = None
    """What to do with pictures that are not square."""


@dataclass(frozen=True)
class ToyConfig:
    """A complete training run of the toy."""

    model: ModelConfig
    """Network."""
    optimizer: OptimizerConfig
    """Optimiser."""
    dataset: CaptionConfig
    """What is read."""
    train: TrainConfig
    """Length, batch, cadence."""
