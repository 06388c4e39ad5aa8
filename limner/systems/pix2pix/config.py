"""Everything that can be set about pix2pix. No torch import, so `--help` stays fast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from limner.data.config import AugmentConfig, DataConfig
from limner.engine.config import TrainConfig
from limner.ranges import IMAGE_SIZE, MOMENT, check_ranges


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of the two networks. Classes come from the data."""

    image_size: int = 256
    """Height and width in pixels; a power of two (paper: 256). The U-Net halves it down to one pixel."""
    condition: Literal["palette", "one_hot"] = "palette"
    """How the networks see a label map: as a picture in the schema's colours (paper) or as one channel a class."""
    generator_width: int = 64
    """Channels of the generator's first layer (paper: 64)."""
    discriminator_width: int = 64
    """Channels of the discriminator's first layer (paper: 64)."""
    dropout: float = 0.5
    """Share of values that is dropped in three blocks of the decoder, the only noise there is (paper: 0.5)."""
    test_noise: bool = True
    """Drop also when pictures are made, so that seeds differ (paper); off: one picture a map."""
    test_statistics: Literal["picture", "running"] = "picture"
    """What batch norm normalises a made picture by: itself (paper, whose batches have one) or averages of training."""

    def __post_init__(self) -> None:
        check_ranges(self, "model", {"image_size": IMAGE_SIZE, "dropout": MOMENT})


@dataclass(frozen=True)
class LossConfig:
    """Weights of the losses (Eq. 4)."""

    adversarial: Literal["bce", "lsgan", "hinge"] = "bce"
    """Form of the adversarial loss (paper: bce)."""
    weight_l1: float = 100.0
    """lambda: weight of the distance to the real picture, pixel by pixel (paper: 100)."""
    discriminator_augment: tuple[Literal["translation", "cutout"], ...] = ()
    """Differentiable augmentation of all that D sees, for small data sets (Zhao et al. 2020); not in the paper."""

    def __post_init__(self) -> None:
        check_ranges(self, "loss")


@dataclass(frozen=True)
class OptimizerConfig:
    """One Adam for each network (Sec. 3.3)."""

    lr_generator: float = 2e-4
    """Learning rate of G (paper: 2e-4)."""
    lr_discriminator: float = 2e-4
    """Learning rate of D (paper: 2e-4), whose loss is halved."""
    beta1: float = 0.5
    """Decay of the first moment (paper: 0.5)."""
    beta2: float = 0.999
    """Decay of the second moment (paper: 0.999)."""
    decay_images: int = 0
    """Last part of the run, in images, over which both learning rates fall linearly to 0."""

    def __post_init__(self) -> None:
        check_ranges(self, "optimizer")


@dataclass(frozen=True)
class Pix2PixConfig:
    """A complete training run of pix2pix."""

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
