"""Everything that can be set about the judge of faces. No torch import, so `--help` stays fast."""

from __future__ import annotations

from dataclasses import dataclass

from limner.data.config import AugmentConfig, DataConfig
from limner.engine.config import TrainConfig
from limner.ranges import AT_LEAST_0, SHARE, Range, check_ranges


@dataclass(frozen=True)
class ModelConfig:
    """Size of the network."""

    image_size: int = 128
    """Height and width in pixels of the pictures that it sees."""
    width: int = 64
    """Channels of the first layer (ResNet-18: 64)."""
    embedding_size: int = 128
    """Numbers that stand for a person."""

    def __post_init__(self) -> None:
        small = Range(1, 1024)
        check_ranges(self, "model", {"image_size": Range(32, 512), "width": small, "embedding_size": small})


@dataclass(frozen=True)
class LossConfig:
    """Weights of the losses."""

    weight_years: float = 0.1
    """Of the distance of the expected age, in years, beside the cross-entropy over ages."""
    sigma_years: float = 2.0
    """Width of the labels: faces of neighbouring ages look alike."""
    weight_identity: float = 1.0
    """Of telling one person at two ages from the other people of the batch; 0: no embedding is learned."""
    temperature: float = 0.1
    """Divides the cosines of that comparison."""
    jitter: float = 1.0
    """Strength of the changes of light, sharpness and noise, so that a soft picture or a pattern changes no age."""

    def __post_init__(self) -> None:
        inside = Range(0, 100, open="()")
        check_ranges(self, "loss", {"jitter": AT_LEAST_0, "sigma_years": inside, "temperature": inside})


@dataclass(frozen=True)
class OptimizerConfig:
    """AdamW with a warm-up and half a cosine."""

    lr: float = 2e-3
    """Highest learning rate."""
    weight_decay: float = 0.02
    """Of weights, not of biases and norms."""

    def __post_init__(self) -> None:
        check_ranges(self, "optimizer", {"weight_decay": SHARE})


@dataclass(frozen=True)
class FaceJudgeConfig:
    """A complete training run of the judge."""

    model: ModelConfig
    """Network."""
    loss: LossConfig
    """Losses."""
    optimizer: OptimizerConfig
    """Optimiser."""
    dataset: DataConfig
    """What is read."""
    augment: AugmentConfig
    """Random changes of the training samples."""
    train: TrainConfig
    """Length, batch, precision, cadence."""
