"""Everything that can be set about StackGAN. No torch import, so `--help` stays fast."""

from __future__ import annotations

from dataclasses import dataclass

from limner.data.config import AugmentConfig, DataConfig
from limner.engine.config import TrainConfig
from limner.errors import ConfigError
from limner.text_to_image.config import LossConfig, OptimizerConfig, TextConfig, check_image_size, check_sizes


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of the networks."""

    image_size: int = 256
    """Height and width in pixels of the second stage, a power of two of at least 64 (paper: 256)."""
    width: int = 96
    """Channels of the first stage's last map (COCO: 96)."""
    num_blocks: int = 2
    """Residual blocks of the second stage (2)."""
    condition_size: int = 128
    """Numbers of a sentence's condition (128)."""
    latent_size: int = 100
    """Numbers of the latent (100)."""
    discriminator_width: int = 96
    """Channels of each discriminator's first layer (COCO: 96)."""
    first_share: float = 0.5
    """Share of the run in which the first stage is trained; then the second one is, on the frozen first."""

    def __post_init__(self) -> None:
        check_image_size(self.image_size, least=64)
        limits = {
            "width": (1, 1024),
            "num_blocks": (0, 100),
            "condition_size": (1, 4096),
            "latent_size": (1, 4096),
            "discriminator_width": (1, 1024),
        }
        check_sizes("model", self, limits)
        if not 0 < self.first_share < 1:
            raise ConfigError(f"--model.first_share is {self.first_share}; it must lie in (0, 1).")


@dataclass(frozen=True)
class StackGANConfig:
    """A complete training run of StackGAN."""

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
