"""Everything that can be set about the judge of facts. No torch import, so `--help` stays fast."""

from __future__ import annotations

from dataclasses import dataclass

from limner.data.config import AugmentConfig, DataConfig
from limner.engine.config import TrainConfig
from limner.errors import ConfigError
from limner.ranges import SHARE, Range, check_ranges


@dataclass(frozen=True)
class ModelConfig:
    """Size of the network. What is asked comes from the data's facts."""

    image_size: int = 128
    """Height and width in pixels of the pictures that it sees."""
    width: int = 32
    """Channels of the first layer."""
    num_halvings: int = 4
    """How often the size is halved; each time the channels double, up to eight times the first ones."""

    def __post_init__(self) -> None:
        sizes = {"image_size": Range(16, 512), "width": Range(1, 1024), "num_halvings": Range(1, 6)}
        check_ranges(self, "model", sizes)
        if self.image_size >> self.num_halvings < 1:
            raise ConfigError(f"Pictures of {self.image_size} px cannot be halved {self.num_halvings} times.")


@dataclass(frozen=True)
class LossConfig:
    """What the pictures go through, so that soft or noisy ones are judged alike."""

    softness: float = 1.0
    """Share of a picture's blurred form that is mixed in, drawn from 0 to this."""
    noise: float = 0.1
    """Standard deviation of noise in [-1, 1] units, drawn from 0 to this."""

    def __post_init__(self) -> None:
        check_ranges(self, "loss", {"softness": SHARE, "noise": SHARE})


@dataclass(frozen=True)
class OptimizerConfig:
    """AdamW with half a cosine."""

    lr: float = 2e-3
    """Highest learning rate."""
    weight_decay: float = 0.02
    """Of weights, not of biases and norms."""

    def __post_init__(self) -> None:
        check_ranges(self, "optimizer", {"weight_decay": SHARE})


@dataclass(frozen=True)
class FactJudgeConfig:
    """A complete training run of the judge."""

    model: ModelConfig
    """Network."""
    loss: LossConfig
    """Pictures as it sees them."""
    optimizer: OptimizerConfig
    """Optimiser."""
    dataset: DataConfig
    """What is read."""
    augment: AugmentConfig
    """Random changes of the training pictures."""
    train: TrainConfig
    """Length, batch, precision, cadence."""
