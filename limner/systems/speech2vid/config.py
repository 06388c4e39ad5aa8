"""Everything that can be set about Speech2Vid. No torch import, so `--help` stays fast."""

from __future__ import annotations

from dataclasses import dataclass

from limner.engine.config import TrainConfig
from limner.errors import ConfigError
from limner.talking_faces.config import ClipConfig, check_at_least_0, check_model

SIZES = (64, 128)


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of the networks."""

    image_size: int = 128
    """Height and width of frames in pixels."""
    width: int = 64
    """Channels of the generator's first layers (64)."""
    sharpener_width: int = 64
    """Channels of the network that sharpens (64)."""
    sharpener_layers: int = 10
    """Its convolutions (10)."""

    def __post_init__(self) -> None:
        numbers = {"width": (1, 256), "sharpener_width": (1, 256), "sharpener_layers": (2, 32)}
        check_model(self, sizes=SIZES, numbers=numbers)


@dataclass(frozen=True)
class LossConfig:
    """Weights of the losses."""

    weight_mouth: float = 0.0
    """How many times more a pixel of the mouth's box counts; an option of ours for small pictures."""
    sharpen_share: float = 0.2
    """Share of the run, at its end, in which the second network learns on the first one's frames."""

    def __post_init__(self) -> None:
        check_at_least_0(self, "loss", ("weight_mouth", "sharpen_share"))
        if self.sharpen_share > 1:
            raise ConfigError(f"--loss.sharpen_share is {self.sharpen_share}; it must lie in 0..1.")


@dataclass(frozen=True)
class OptimizerConfig:
    """One Adam for each network."""

    lr: float = 2e-4
    """Learning rate."""

    def __post_init__(self) -> None:
        if not 0 < self.lr <= 1:
            raise ConfigError(f"--optimizer.lr is {self.lr}; it must lie in (0, 1].")


@dataclass(frozen=True)
class Speech2VidConfig:
    """A complete training run of Speech2Vid."""

    model: ModelConfig
    """Networks."""
    loss: LossConfig
    """Losses."""
    optimizer: OptimizerConfig
    """Optimisers."""
    dataset: ClipConfig
    """What is read."""
    train: TrainConfig
    """Length, batch, precision, cadence; an image is a clip."""
