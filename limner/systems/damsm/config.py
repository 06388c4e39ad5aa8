"""Everything that can be set about DAMSM. No torch import, so `--help` stays fast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from limner.data.config import AugmentConfig, DataConfig
from limner.engine.config import TrainConfig
from limner.errors import ConfigError
from limner.ranges import AT_LEAST_1, MOMENT, RATE, WIDTH, Range, check_ranges


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of both encoders. The vocabulary comes from the data."""

    image_size: int = 299
    """Height and width in pixels of the pictures that are read; Inception enlarges them to 299."""
    code_size: int = 256
    """Numbers in the code of a word, a sentence, a region, a picture; an even number (AttnGAN: 256)."""
    embedding_size: int = 300
    """Numbers of a word before the LSTM (AttnGAN: 300)."""
    dropout: float = 0.5
    """Share of these that training drops (AttnGAN: 0.5)."""
    length: int = 18
    """Words of a caption; longer ones keep random words (CUB: 18, COCO: 15)."""
    backbone: Literal["inception", "small"] = "inception"
    """ImageNet's Inception-v3, frozen, or a few convolutions that are trained, for machines without its file."""
    inception: str | None = None
    """File of Inception-v3's ImageNet weights, as torchvision names its tensors."""
    widths: tuple[int, ...] = (32, 64, 128, 256)
    """Channels of the small backbone's convolutions, each of which halves the size."""
    region_layer: int = 3
    """Which of them gives the regions, counted from 0."""

    def __post_init__(self) -> None:
        sizes = {
            "image_size": Range(16, 1024),
            "code_size": Range(2, 4096, multiple_of=2),  # half for each direction
            "embedding_size": WIDTH,
            "length": Range(1, 100),
        }
        check_ranges(self, "model", {**sizes, "dropout": MOMENT})
        if not 1 <= len(self.widths) <= 8 or not all(1 <= width <= 4096 for width in self.widths):
            raise ConfigError(f"--model.widths is {list(self.widths)}; it must name 1 to 8 widths of 1 to 4096.")
        if not 0 <= self.region_layer < len(self.widths):
            raise ConfigError(
                f"--model.region_layer is {self.region_layer}; it must be from 0 to {len(self.widths) - 1}."
            )
        if self.backbone == "small" and self.image_size >> len(self.widths) < 1:
            raise ConfigError(f"Pictures of {self.image_size} px cannot be halved {len(self.widths)} times.")


@dataclass(frozen=True)
class LossConfig:
    """How sharply words, regions and pairs are told apart (AttnGAN, Eq. 7 to 13)."""

    gamma1: float = 4.0
    """How much a word attends to the regions that fit it best."""
    gamma2: float = 5.0
    """How much the word that fits best counts."""
    gamma3: float = 10.0
    """How sharply one pair is told from the others of the batch."""

    def __post_init__(self) -> None:
        check_ranges(self, "loss", {"gamma?": Range(0, 1000, open="(")})


@dataclass(frozen=True)
class OptimizerConfig:
    """Adam whose learning rate falls a little every epoch."""

    lr: float = 2e-3
    """Learning rate at the start (AttnGAN: 0.002)."""
    beta1: float = 0.5
    """Decay of the first moment."""
    beta2: float = 0.999
    """Decay of the second moment."""
    decay: float = 0.98
    """Factor of the learning rate from one epoch to the next (AttnGAN: 0.98)."""
    least_share: float = 0.1
    """Share of the learning rate below which it does not fall (AttnGAN: a tenth)."""
    epoch_images: int = 8_855
    """Images of an epoch (CUB's training pictures: 8,855)."""

    def __post_init__(self) -> None:
        check_ranges(self, "optimizer", {"decay": RATE, "least_share": RATE, "epoch_images": AT_LEAST_1})


@dataclass(frozen=True)
class CaptionConfig:
    """Which caption of a picture is drawn."""

    drawn: Literal["evenly", "by_fact"] = "evenly"
    """Any caption, or rather those that state what few captions state (glasses, hats), where facts are known."""


@dataclass(frozen=True)
class DAMSMConfig:
    """A complete training run of DAMSM."""

    model: ModelConfig
    """Encoders."""
    loss: LossConfig
    """Loss."""
    optimizer: OptimizerConfig
    """Optimiser."""
    captions: CaptionConfig
    """Which captions are drawn."""
    dataset: DataConfig
    """What is read."""
    augment: AugmentConfig
    """Random changes of the training pictures."""
    train: TrainConfig
    """Length, batch, precision, cadence."""
