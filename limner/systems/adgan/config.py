"""Everything that can be set about ADGAN. No torch import, so `--help` stays fast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from limner.engine.config import TrainConfig
from limner.errors import ConfigError
from limner.pose_transfer.config import PairConfig
from limner.ranges import ABOVE_0, WIDTH, Range, check_ranges


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of the networks."""

    image_size: tuple[int, int] = (256, 176)
    """Height and width in pixels, divisible by 4 (DeepFashion: 256 176)."""
    width: int = 64
    """Channels of the generator's first layers (authors' code: 64)."""
    num_blocks: int = 8
    """Residual blocks of the pose's code, and of the decoder (authors' code: 8)."""
    features: Literal["people", "vgg19"] = "people"
    """Frozen network beside the style encoder: the shipped parser features-people-64, or the paper's VGG-19, whose file
    is --loss.vgg_weights or lies in the cache."""
    discriminator_width: int = 64
    """Channels of the discriminators' first layer (authors' code: 64)."""
    discriminator_blocks: int = 3
    """Residual blocks of the discriminators (authors' code: 3)."""
    heatmap: Literal["one_hot", "gaussian"] = "one_hot"
    """Joints as single pixels (authors' tool), or as Gaussians."""
    sigma: float = 6.0
    """Width of the Gaussians in pixels of a picture 128 high; narrower and wider with it."""

    def __post_init__(self) -> None:
        sizes = {"num_blocks": WIDTH, "discriminator_blocks": Range(0, 4096), "sigma": Range(0, 1e4, open="()")}
        check_ranges(self, "model", sizes)
        if any(side % 4 or not 16 <= side <= 2048 for side in self.image_size):
            raise ConfigError(
                f"--model.image_size is {self.image_size[0]} {self.image_size[1]}; height and width must be multiples "
                "of 4 from 16 to 2048 (256 176)."
            )


@dataclass(frozen=True)
class LossConfig:
    """Weights of the losses (authors' scripts)."""

    weight_adversarial: float = 5.0
    """Of the mean of both discriminators' verdicts."""
    adversarial: Literal["lsgan", "bce"] = "lsgan"
    """Least squares (authors' code) or cross entropy."""
    weight_l1: float = 1.0
    """Of the absolute difference to the target."""
    weight_perceptual: float = 1.0
    """Of the difference in one layer of a frozen network."""
    weight_contextual: float = 0.1
    """Of the contextual loss in two layers."""
    contextual_bandwidth: float = 0.5
    """h of the contextual loss."""
    vgg_weights: str | None = None
    """File with VGG-19's weights; none: the shipped parser features-people-64 stands in for its layers."""

    def __post_init__(self) -> None:
        check_ranges(self, "loss", {"contextual_bandwidth": ABOVE_0})


@dataclass(frozen=True)
class OptimizerConfig:
    """One Adam for each network (authors' code)."""

    lr: float = 1e-3
    """Learning rate of all networks (authors' option: 1e-3)."""
    beta1: float = 0.5
    """First moment (authors' code)."""
    beta2: float = 0.999
    """Second moment (authors' code)."""
    decay_images: int = 0
    """Pairs at the end of the run over which the rate falls linearly to 0; 0 = no fall."""

    def __post_init__(self) -> None:
        check_ranges(self, "optimizer")


@dataclass(frozen=True)
class ADGANConfig:
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
