"""Everything that can be set about ATVGnet. No torch import, so `--help` stays fast."""

from __future__ import annotations

from dataclasses import dataclass

from limner.engine.config import TrainConfig
from limner.ranges import AT_LEAST_1, Range, check_ranges
from limner.talking_faces.config import ClipConfig

SIZES = (64, 128)


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of the networks."""

    image_size: int = 128
    """Height and width of frames in pixels."""
    width: int = 64
    """Channels of the first layers of both generators (64)."""
    num_blocks: int = 9
    """Residual blocks of the network for frames (9)."""
    dropout: float = 0.5
    """Share of numbers left out in these blocks (0.5)."""
    discriminator_width: int = 64
    """Channels of the discriminator's first layer (64)."""

    def __post_init__(self) -> None:
        widths = {"width": Range(2, 256), "discriminator_width": Range(1, 256)}
        blocks = {"num_blocks": Range(0, 32), "dropout": Range(0, 1, open=")")}
        check_ranges(self, "model", {"image_size": Range.one_of(*SIZES), **widths, **blocks})


@dataclass(frozen=True)
class LossConfig:
    """Weights of the losses."""

    weight_pixel: float = 10.0
    """Of the dynamic pixel loss (Eq. 6)."""
    weight_mouth: float = 0.0
    """How many times more a pixel of the mouth's box counts in it; an option of ours for small pictures."""
    weight_adversarial: float = 1.0
    """Of the discriminator's verdict."""
    weight_landmarks: float = 1.0
    """Of the landmarks that the discriminator finds in the frames."""
    basis_images: int = 1_000
    """Clips at the start over which the directions of the landmarks are counted; speech is learned after them."""

    def __post_init__(self) -> None:
        check_ranges(self, "loss", {"basis_images": AT_LEAST_1})


@dataclass(frozen=True)
class OptimizerConfig:
    """One Adam for each network."""

    lr: float = 2e-4
    """Learning rate (authors' code)."""

    def __post_init__(self) -> None:
        check_ranges(self, "optimizer")


@dataclass(frozen=True)
class ATVGnetConfig:
    """A complete training run of ATVGnet."""

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
