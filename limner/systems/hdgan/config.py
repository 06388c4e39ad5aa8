"""Everything that can be set about HDGAN. No torch import, so `--help` stays fast."""

from __future__ import annotations

from dataclasses import dataclass

from limner.data.config import AugmentConfig, DataConfig
from limner.engine.config import TrainConfig
from limner.ranges import Range, check_ranges
from limner.text_to_image.config import LossConfig, OptimizerConfig, TextConfig, image_sizes


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of the networks."""

    image_size: int = 256
    """Height and width in pixels of the largest picture, a power of two of at least 64 (paper: 256)."""
    width: int = 64
    """Channels of the generator at full size (64)."""
    condition_size: int = 128
    """Numbers of a sentence's condition (128)."""
    latent_size: int = 100
    """Numbers of the latent (100)."""
    discriminator_width: int = 32
    """Channels of the largest picture's discriminator; those of smaller ones have two and four times as many (32)."""
    most_channels: int = 512
    """Most channels of a discriminator (512)."""

    def __post_init__(self) -> None:
        own = {"image_size": image_sizes(64), "most_channels": Range(1, 8192)}
        check_ranges(self, "model", own | {"*_size": Range(1, 4096), "*width": Range(1, 1024)})


@dataclass(frozen=True)
class HDGANConfig:
    """A complete training run of HDGAN."""

    model: ModelConfig
    """Networks."""
    text: TextConfig
    """Captions."""
    loss: LossConfig
    """Losses."""
    optimizer: OptimizerConfig
    """Optimisers."""
    dataset: DataConfig
    """What is read."""
    augment: AugmentConfig
    """Random changes of the training pictures."""
    train: TrainConfig
    """Length, batch, precision, cadence."""
