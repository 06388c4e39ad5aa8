"""Everything that can be set about CycleGAN. No torch import, so `--help` stays fast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from limner.data.config import AugmentConfig, DataConfig
from limner.engine.config import TrainConfig
from limner.ranges import Range, check_ranges


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of the four networks; label maps go in and come out as pictures in the schema's colours."""

    image_size: int = 256
    """Height and width in pixels; a multiple of 4 (paper: 256)."""
    generator_width: int = 64
    """Channels of a generator's first layer (paper: 64)."""
    num_blocks: int = 9
    """Residual blocks of a generator (paper: 9 from 256 px on, 6 below)."""
    discriminator_width: int = 64
    """Channels of a discriminator's first layer (paper: 64)."""

    def __post_init__(self) -> None:
        check_ranges(self, "model", {"num_blocks": Range(1, 64), "image_size": Range(32, 2048, multiple_of=4)})


@dataclass(frozen=True)
class LossConfig:
    """Weights of the losses (Eq. 3 and Sec. 5.2)."""

    adversarial: Literal["lsgan", "bce", "hinge"] = "lsgan"
    """Form of the adversarial loss (paper: lsgan)."""
    weight_cycle: float = 10.0
    """lambda: weight of the way there and back, in both directions (paper: 10)."""
    weight_identity: float = 5.0
    """Weight of leaving alone what is in the target domain already (paper: 0.5 lambda)."""
    pool_size: int = 50
    """Earlier fakes that the discriminators are also shown (paper: 50)."""
    discriminator_augment: tuple[Literal["translation", "cutout"], ...] = ()
    """Differentiable augmentation of all that both D see, for small data sets (Zhao et al. 2020); not in the paper."""

    def __post_init__(self) -> None:
        check_ranges(self, "loss", {"pool_size": Range(0, 10_000)})


@dataclass(frozen=True)
class OptimizerConfig:
    """Adam (Sec. 4)."""

    lr_generator: float = 2e-4
    """Learning rate of both generators (paper: 2e-4)."""
    lr_discriminator: float = 2e-4
    """Learning rate of both discriminators (paper: 2e-4), whose losses are halved."""
    beta1: float = 0.5
    """Decay of the first moment (the authors' choice: 0.5)."""
    beta2: float = 0.999
    """Decay of the second moment."""
    decay_images: int = 0
    """Last part of the run, in images, over which the learning rates fall linearly to 0."""

    def __post_init__(self) -> None:
        check_ranges(self, "optimizer")


@dataclass(frozen=True)
class CycleGANConfig:
    """A complete training run of CycleGAN."""

    model: ModelConfig
    """Networks."""
    loss: LossConfig
    """Losses."""
    optimizer: OptimizerConfig
    """Optimisers."""
    dataset: DataConfig
    """What is read."""
    augment: AugmentConfig
    """Random changes of the training samples."""
    train: TrainConfig
    """Length, batch, precision, cadence."""
