"""Everything that can be set about the judge of synchrony. No torch import, so `--help` stays fast."""

from __future__ import annotations

from dataclasses import dataclass

from limner.engine.config import TrainConfig
from limner.errors import ConfigError
from limner.ranges import Range, check_ranges
from limner.talking_faces.config import ClipConfig

SIZES = (32, 64, 96, 128)
WINDOW = 5
"""Frames of one judgement."""


@dataclass(frozen=True)
class ModelConfig:
    """Size of the network."""

    image_size: int = 96
    """Height and width of the faces in pixels; their lower half is looked at."""
    width: int = 32
    """Channels of the first layer (32)."""

    def __post_init__(self) -> None:
        check_ranges(self, "model", {"image_size": Range.one_of(*SIZES), "width": Range(1, 256)})


@dataclass(frozen=True)
class LossConfig:
    """Which pairs are compared."""

    windows: int = 1
    """Pairs of five frames and 0.2 s of speech that are drawn from each clip of a batch."""
    min_shift: int = 1
    """Frames at least by which false pairs are shifted inside their clip."""

    def __post_init__(self) -> None:
        check_ranges(self, "loss", {"windows": Range(1, 100), "min_shift": Range(1, 100)})


@dataclass(frozen=True)
class OptimizerConfig:
    """One Adam."""

    lr: float = 1e-4
    """Learning rate (authors' code)."""
    decay_images: int = 0
    """Images at the end of the run over which the rate falls to 0."""

    def __post_init__(self) -> None:
        check_ranges(self, "optimizer")


@dataclass(frozen=True)
class SyncNetConfig:
    """A complete training run of the judge."""

    model: ModelConfig
    """Network."""
    loss: LossConfig
    """Pairs."""
    optimizer: OptimizerConfig
    """Optimiser."""
    dataset: ClipConfig
    """What is read."""
    train: TrainConfig
    """Length, batch, precision, cadence; an image is a clip."""

    def __post_init__(self) -> None:
        starts = self.dataset.num_frames - WINDOW + 1
        if starts <= 2 * self.loss.min_shift:
            raise ConfigError(
                f"--dataset.num_frames is {self.dataset.num_frames}; to shift by --loss.min_shift "
                f"{self.loss.min_shift} it must be at least {2 * self.loss.min_shift + WINDOW}."
            )
