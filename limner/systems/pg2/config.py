"""Everything that can be set about PG2. No torch import, so `--help` stays fast."""

from __future__ import annotations

from dataclasses import dataclass

from limner.engine.config import TrainConfig
from limner.errors import ConfigError
from limner.pose_transfer.config import PairConfig
from limner.ranges import check_ranges


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of the networks."""

    image_size: tuple[int, int] = (256, 256)
    """Height, a power of 2 from 32, and width in pixels (DeepFashion: 256 256; Market-1501: 128 64)."""
    width: int = 128
    """Channels of the generators' first level (authors' code: 128)."""
    discriminator_width: int = 64
    """Channels of the discriminator's first layer (authors' code: 64)."""

    def __post_init__(self) -> None:
        check_ranges(self, "model")
        height, width = self.image_size
        if height not in (32, 64, 128, 256, 512) or not height // 4 <= width <= 4 * height:
            raise ConfigError(
                f"--model.image_size is {height} {width}; the height must be 32, 64, 128, 256 or 512, and the width "
                "from a quarter of it to four times as much (256 256, 128 64)."
            )


@dataclass(frozen=True)
class LossConfig:
    """Weights of the losses (authors' scripts)."""

    weight_l1: float = 50.0
    """Of the difference to the target in the second stage, once everywhere and once more on the person (DeepFashion
    50, Market-1501 10)."""

    def __post_init__(self) -> None:
        check_ranges(self, "loss")


@dataclass(frozen=True)
class OptimizerConfig:
    """One Adam for each network (authors' code)."""

    lr: float = 2e-5
    """Learning rate of all networks (authors' code: 2e-5)."""
    beta1: float = 0.5
    """First moment (authors' code)."""
    beta2: float = 0.999
    """Second moment (authors' code)."""
    decay_images: int = 0
    """Pairs at the end of the run over which the rate falls linearly to 0; 0 = no fall."""
    coarse_images: int = 640_000
    """Pairs for which the first network learns alone, before the second one and the discriminator do."""

    def __post_init__(self) -> None:
        check_ranges(self, "optimizer")


@dataclass(frozen=True)
class PG2Config:
    """A complete run."""

    model: ModelConfig
    """Networks."""
    loss: LossConfig
    """Losses."""
    optimizer: OptimizerConfig
    """Optimisers."""
    dataset: PairConfig
    """Data."""
    train: TrainConfig
    """Length, batch, precision, cadence."""
