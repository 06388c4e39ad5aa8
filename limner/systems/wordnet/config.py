"""Everything that can be set about the lip reader. No torch import, so `--help` stays fast."""

from __future__ import annotations

from dataclasses import dataclass

from limner.engine.config import TrainConfig
from limner.ranges import AT_LEAST_0, Range, check_ranges
from limner.talking_faces.config import ClipConfig

SIZES = (32, 64, 96, 128, 256)


@dataclass(frozen=True)
class ModelConfig:
    """Size of the network."""

    image_size: int = 128
    """Height and width of the faces in pixels."""
    width: int = 64
    """Channels of the first layer (64)."""
    mouth_size: int = 88
    """The mouth is brought to so many pixels (88)."""
    has_points: bool = True
    """Whether a head (ours) also finds the 20 points of the mouth, where the data know them."""

    def __post_init__(self) -> None:
        widths = {"width": Range(1, 256), "mouth_size": Range(16, 256)}
        check_ranges(self, "model", {"image_size": Range.one_of(*SIZES), **widths})


@dataclass(frozen=True)
class LossConfig:
    """Weights of the losses."""

    weight_points: float = 500.0
    """Of the squared distance of the mouth's points, shares of the side, beside the cross-entropy of words."""
    label_smoothing: float = 0.1
    """Share of a label that the other words get (Feng et al. 2020)."""
    jitter: float = 0.2
    """Random change of brightness and contrast of a clip, at most."""
    noise: float = 0.05
    """Deviation of noise on the frames, at most."""

    def __post_init__(self) -> None:
        check_ranges(
            self, "loss", {"label_smoothing": Range(0, 1, open=")"), "jitter": AT_LEAST_0, "noise": AT_LEAST_0}
        )


@dataclass(frozen=True)
class OptimizerConfig:
    """AdamW with half a cosine."""

    lr: float = 3e-4
    """Learning rate at the start (Feng et al. 2020)."""
    weight_decay: float = 1e-4
    """Of weights, not of biases and norms."""

    def __post_init__(self) -> None:
        check_ranges(self, "optimizer", {"weight_decay": AT_LEAST_0})


@dataclass(frozen=True)
class WordNetConfig:
    """A complete training run of the lip reader."""

    model: ModelConfig
    """Network."""
    loss: LossConfig
    """Losses."""
    optimizer: OptimizerConfig
    """Optimiser."""
    dataset: ClipConfig
    """What is read."""
    train: TrainConfig
    """Length, batch, precision, cadence; an image is a clip."""
