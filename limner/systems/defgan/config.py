"""Everything that can be set about Def-GAN. No torch import, so `--help` stays fast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from limner.engine.config import TrainConfig
from limner.errors import ConfigError
from limner.pose_transfer.config import PairConfig
from limner.ranges import MOMENT, Range, check_ranges


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of the networks."""

    image_size: tuple[int, int] = (256, 256)
    """Height, a power of 2 from 64, and width in pixels (DeepFashion: 256 256; Market-1501: 128 64)."""
    width: int = 64
    """Channels of the generator's first level; deeper ones have up to 8 times as many (paper: 64)."""
    dropout: float = 0.5
    """Share of values dropped in the first three levels of the decoder (paper: 0.5)."""
    discriminator_width: int = 64
    """Channels of the discriminator's first layer (paper: 64)."""
    heatmap: Literal["one_hot", "gaussian"] = "gaussian"
    """Joints as Gaussians (paper), or as single pixels."""
    sigma: float = 6.0
    """Width of the Gaussians in pixels of a picture 128 high; narrower and wider with it (paper: 6)."""

    def __post_init__(self) -> None:
        check_ranges(self, "model", {"dropout": MOMENT, "sigma": Range(0, 1e4, open="()")})
        height, width = self.image_size
        if height not in (64, 128, 256, 512) or not max(32, height // 4) <= width <= 4 * height:
            raise ConfigError(
                f"--model.image_size is {height} {width}; the height must be 64, 128, 256 or 512, and the width from "
                "32 and a quarter of it to four times as much (256 256, 128 64)."
            )


@dataclass(frozen=True)
class LossConfig:
    """Weights of the losses."""

    weight_nearest: float = 0.57
    """Of the nearest-neighbour loss. The paper's 0.01 is of features of pictures with values from 0 to 255; VGG-19 as
    torchvision has it sees values of unit deviation, which are 57 times smaller."""
    reach: int = 2
    """How far a pixel looks for its like, in pixels: 2 is a neighbourhood of 5x5 (DeepFashion), 1 of 3x3
    (Market-1501)."""
    vgg_weights: str | None = None
    """File with VGG-19's weights; none: colours are compared in place of its layer."""

    def __post_init__(self) -> None:
        check_ranges(self, "loss", {"reach": Range(0, 16)})


@dataclass(frozen=True)
class OptimizerConfig:
    """One Adam for each network."""

    lr: float = 2e-4
    """Learning rate of both networks (paper: 2e-4)."""
    beta1: float = 0.5
    """First moment (paper)."""
    beta2: float = 0.999
    """Second moment (paper)."""
    decay_images: int = 0
    """Pairs at the end of the run over which the rate falls linearly to 0; 0 = no fall."""

    def __post_init__(self) -> None:
        check_ranges(self, "optimizer")


@dataclass(frozen=True)
class DefGANConfig:
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
