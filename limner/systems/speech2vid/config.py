"""Everything that can be set about Speech2Vid. No torch import, so `--help` stays fast."""

from __future__ import annotations

from dataclasses import dataclass

from limner.engine.config import TrainConfig
from limner.ranges import SHARE, Range, check_ranges
from limner.talking_faces.config import ClipConfig

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
        widths = {"*width": Range(1, 256), "sharpener_layers": Range(2, 32)}
        check_ranges(self, "model", {"image_size": Range.one_of(*SIZES), **widths})


@dataclass(frozen=True)
class LossConfig:
    """Weights of the losses."""

    weight_mouth: float = 0.0
    """How many times more a pixel of the mouth's box counts; an option of ours for small pictures."""
    sharpen_share: float = 0.2
    """Share of the run, at its end, in which the second network learns on the first one's frames."""

    def __post_init__(self) -> None:
        check_ranges(self, "loss", {"sharpen_share": SHARE})


@dataclass(frozen=True)
class OptimizerConfig:
    """One Adam for each network."""

    lr: float = 2e-4
    """Learning rate."""

    def __post_init__(self) -> None:
        check_ranges(self, "optimizer")


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
