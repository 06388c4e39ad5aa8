"""Everything that can be set about the parser. No torch import, so `--help` stays fast."""

from __future__ import annotations

from dataclasses import dataclass

from limner.data.config import AugmentConfig, DataConfig
from limner.engine.config import TrainConfig
from limner.ranges import AT_LEAST_0, SHARE, Range, check_ranges


@dataclass(frozen=True)
class ModelConfig:
    """Size of the network. Classes and attributes come from the data."""

    image_size: int = 64
    """Height and width in pixels of the training images; the network itself takes any size."""
    width: int = 16
    """Channels at full size, a multiple of 8; the deepest map and the feature vector have 8 times as many."""

    def __post_init__(self) -> None:
        check_ranges(self, "model", {"width": Range(8, 1024, multiple_of=8), "image_size": Range(16, 2048)})


@dataclass(frozen=True)
class LossConfig:
    """Weights beside the pixel cross-entropy, which has weight 1."""

    weight_dice: float = 0.5
    """Dice loss: lifts classes of few pixels."""
    weight_attributes: float = 0.2
    """Attribute loss: binary cross-entropy, or softmax cross-entropy where attributes exclude each other."""
    weight_damage: float = 0.0
    """Mean squared error of the amounts of damage done to every second image (see `damage.py`); 0 = none is done."""
    jitter: float = 1.0
    """Strength of the random changes of light, colour, sharpness and noise (see `system.jitter`); 0 = none."""

    def __post_init__(self) -> None:
        check_ranges(self, "loss", {"jitter": AT_LEAST_0})


@dataclass(frozen=True)
class OptimizerConfig:
    """AdamW; the learning rate rises over the first twentieth of the run and falls to 0 along half a cosine."""

    lr: float = 2e-3
    """Largest learning rate."""
    weight_decay: float = 0.02
    """Decay of weight matrices and kernels; biases and norms have none."""

    def __post_init__(self) -> None:
        check_ranges(self, "optimizer", {"weight_decay": SHARE})


@dataclass(frozen=True)
class ParserConfig:
    """A complete training run of the parser."""

    model: ModelConfig
    """Network."""
    loss: LossConfig
    """Losses and photometric jitter."""
    optimizer: OptimizerConfig
    """Optimiser."""
    dataset: DataConfig
    """Reading."""
    augment: AugmentConfig
    """Geometric augmentation."""
    train: TrainConfig
    """Length, batch, precision, cadence."""
