"""Everything that can be set about the toy, and complete configurations of it. No torch import."""

from dataclasses import dataclass, replace
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


def clip() -> ToyConfig:
    """Seconds; proves that the code runs."""
    train = TrainConfig(images=64, batch_size=8, log_every=16, sample_every=64, checkpoint_every=32)
    return ToyConfig(StageConfig(), ModelConfig(), OptimizerConfig(), DataConfig(), train)


def still() -> ToyConfig:
    """Seconds; the stage that comes first."""
    return replace(clip(), stage=StageConfig("still"))


SIZES = ("paper", "gpu", "cpu", "smoke")
PRESETS = {**dict.fromkeys(SIZES, clip), **{f"{size}-still": still for size in SIZES}}
