"""Everything that can be set about CAAE. No torch import, so `--help` stays fast."""

from __future__ import annotations

from dataclasses import dataclass

from limner.data.config import AugmentConfig, DataConfig
from limner.engine.config import TrainConfig
from limner.ranges import Range, check_ranges


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of the four networks. The age groups come from the data."""

    image_size: int = 128
    """Height and width in pixels: 32, 64, 128 or 256 (paper: 128)."""
    width: int = 64
    """Channels of the encoder's first layer, a multiple of 4 (authors' code: 64)."""
    latent_size: int = 50
    """Numbers of the latent z (authors' code: 50)."""

    def __post_init__(self) -> None:
        sizes = {
            "image_size": Range(32, 256, power_of_two=True),
            "width": Range(4, 1024, multiple_of=4),
            "latent_size": Range(10, 10_000),
        }
        check_ranges(self, "model", sizes)


@dataclass(frozen=True)
class LossConfig:
    """Weights beside the distance to the picture, as the authors released them."""

    weight_image: float = 1e-4
    """Of the discriminator on pictures."""
    weight_latent: float = 0.0
    """Of the discriminator on z (released: 0; the paper weighs it)."""
    weight_variation: float = 0.0
    """Of the total variation of the results (released: 0; the paper weighs it)."""

    def __post_init__(self) -> None:
        check_ranges(self, "loss")


@dataclass(frozen=True)
class OptimizerConfig:
    """One Adam for each network."""

    lr: float = 2e-4
    """Learning rate of all networks (authors' code: 2e-4)."""
    beta1: float = 0.5
    """Decay of the first moment (authors' code: 0.5)."""
    beta2: float = 0.999
    """Decay of the second moment."""

    def __post_init__(self) -> None:
        check_ranges(self, "optimizer")


@dataclass(frozen=True)
class ValidationConfig:
    """What chooses the best checkpoint."""

    judge: str | None = None
    """Weights of a face judge (a name or a folder) that estimates ages; without one the last checkpoint that brings
    pictures back best is taken."""


@dataclass(frozen=True)
class CAAEConfig:
    """A complete training run of CAAE."""

    model: ModelConfig
    """Networks."""
    loss: LossConfig
    """Losses."""
    optimizer: OptimizerConfig
    """Optimisers."""
    validation: ValidationConfig
    """Choice of the best checkpoint."""
    dataset: DataConfig
    """What is read."""
    augment: AugmentConfig
    """Random changes of the training samples."""
    train: TrainConfig
    """Length, batch, precision, cadence."""
