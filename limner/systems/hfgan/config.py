"""Everything that can be set about HfGAN. No torch import, so `--help` stays fast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from limner.data.config import AugmentConfig, DataConfig
from limner.engine.config import TrainConfig
from limner.ranges import check_ranges
from limner.text_to_image.config import MODEL_RANGES, LossConfig, OptimizerConfig, TextConfig, image_sizes


@dataclass(frozen=True)
class ModelConfig:
    """Sizes and switches of the networks."""

    image_size: int = 256
    """Height and width in pixels, a power of two of at least 32 (paper: 256)."""
    width: int = 32
    """Channels of the generator's three levels, Ng (CUB, Oxford-102: 32; COCO: 48)."""
    num_blocks: int = 2
    """Residual blocks after each attention to words (2; COCO: 3; AttnDCGAN: 0)."""
    condition_size: int = 100
    """Numbers of a sentence's condition (100)."""
    latent_size: int = 100
    """Numbers of the latent (100)."""
    fusion: Literal["weighted", "identity", "gated", "none"] = "weighted"
    """How coarse levels come into fine ones: weighted sum, plain sum, weights that also depend on the maps, or not."""
    smooth_enlargement: bool = False
    """Smooth what the generator enlarges by (1, 2, 1), as StyleGAN2 does; the paper copies pixels."""
    discriminator_width: int = 64
    """Channels of the discriminator's first layer, Nd (CUB, Oxford-102: 64; COCO: 96)."""
    unconditional: bool = True
    """Whether the discriminator also judges pictures without their sentence; AttnDCGAN's does not."""

    def __post_init__(self) -> None:
        check_ranges(self, "model", {"image_size": image_sizes(32), **MODEL_RANGES})


@dataclass(frozen=True)
class HfGANConfig:
    """A complete training run of HfGAN."""

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
