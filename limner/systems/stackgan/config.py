"""Everything that can be set about StackGAN. No torch import, so `--help` stays fast."""

from __future__ import annotations

from dataclasses import dataclass

from limner.data.config import AugmentConfig, DataConfig
from limner.engine.config import TrainConfig
from limner.ranges import Range, check_ranges
from limner.text_to_image.config import MODEL_RANGES, LossConfig, OptimizerConfig, TextConfig, image_sizes


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
        check_ranges(
            self, "model", {"image_size": image_sizes(64), "first_share": Range(0, 1, open="()"), **MODEL_RANGES}
        )


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
