"""Everything that can be set about IPCGAN. No torch import, so `--help` stays fast."""

from __future__ import annotations

from dataclasses import dataclass

from limner.data.config import AugmentConfig, DataConfig
from limner.engine.config import TrainConfig
from limner.ranges import Range, check_ranges


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of the three networks. The age groups come from the data."""

    image_size: int = 128
    """Height and width in pixels: 32, 64, 128 or 256 (paper: 128)."""
    width: int = 32
    """Channels of the generator's first layer (authors' code: 32)."""
    num_blocks: int = 6
    """Residual blocks (authors' code: 6)."""
    discriminator_width: int = 64
    """Channels of the discriminator's first layer (authors' code: 64)."""
    face_width: int = 96
    """Channels of the face network's first layer, a multiple of 8 (AlexNet: 96)."""
    face_size: int = 227
    """Side to which pictures are enlarged for the face network, at least 67 (AlexNet: 227)."""
    num_people: int = 2_000
    """People that the face network can tell apart while it learns, at least as many as the training data has (paper:
    2,000 of CACD)."""

    def __post_init__(self) -> None:
        sizes = {
            "image_size": Range(32, 256, power_of_two=True),
            "width": Range(1, 1024),
            "num_blocks": Range(0, 100),
            "discriminator_width": Range(1, 1024),
            "face_width": Range(8, 1024, multiple_of=8),
            "face_size": Range(67, 512),
            "num_people": Range(1, 10_000_000),
        }
        check_ranges(self, "model", sizes)


@dataclass(frozen=True)
class LossConfig:
    """Weights of the losses (authors' code)."""

    weight_adversarial: float = 75.0
    """Of the least-squares loss (authors' code: 75)."""
    weight_identity: float = 5e-5
    """Of the squared distance of the face network's fifth convolution (authors' code: 0.5e-4)."""
    weight_age: float = 30.0
    """Of the face network's age (authors' code: 30)."""

    def __post_init__(self) -> None:
        check_ranges(self, "loss")


@dataclass(frozen=True)
class OptimizerConfig:
    """One Adam for each network."""

    lr: float = 1e-3
    """Learning rate of generator and discriminator (authors' code: 0.001)."""
    lr_face: float = 1e-4
    """Learning rate of the face network."""
    beta1: float = 0.5
    """Decay of the first moment (authors' code: 0.5); the face network keeps 0.9."""
    beta2: float = 0.999
    """Decay of the second moment."""
    face_images: int = 200_000
    """First part of the run, in images, in which the face network learns people and ages; it is frozen afterwards."""

    def __post_init__(self) -> None:
        check_ranges(self, "optimizer")


@dataclass(frozen=True)
class ValidationConfig:
    """What chooses the best checkpoint."""

    judge: str | None = None
    """Weights of a face judge (a name or a folder) that estimates ages; without one the face network that trains the
    generator does, which the generator learns to fool."""


@dataclass(frozen=True)
class IPCGANConfig:
    """A complete training run of IPCGAN."""

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
