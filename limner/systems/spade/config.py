"""Everything that can be set about SPADE. No torch import, so `--help` stays fast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from limner.data.config import AugmentConfig, DataConfig
from limner.engine.config import TrainConfig
from limner.ranges import IMAGE_SIZE, WIDTH, check_ranges


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of the networks. Classes come from the data."""

    image_size: int = 256
    """Height and width in pixels; a power of two (paper: 256)."""
    generator_width: int = 64
    """Channels of the generator's last block, the first has 16 times as many (paper: 64)."""
    modulation_width: int = 128
    """Channels between the two convolutions of a SPADE layer (paper: 128)."""
    discriminator_width: int = 64
    """Channels of the first layer of both discriminators (paper: 64)."""
    use_encoder: bool = False
    """With an image encoder the picture also depends on a latent, of a seed or of a photo (Sec. 3.2)."""
    latent_size: int = 256
    """Numbers in the latent, where there is an encoder (paper: 256)."""
    encoder_width: int = 64
    """Channels of the encoder's first layer, where there is one (paper: 64)."""

    def __post_init__(self) -> None:
        check_ranges(self, "model", {"image_size": IMAGE_SIZE, "latent_size": WIDTH})


@dataclass(frozen=True)
class LossConfig:
    """Weights of the losses (Sec. 3.2 and appendix A)."""

    adversarial: Literal["hinge", "lsgan", "bce"] = "hinge"
    """Form of the adversarial loss (paper: hinge)."""
    weight_features: float = 10.0
    """Weight of the distance in the discriminators' layers (paper: 10)."""
    weight_perceptual: float = 10.0
    """Weight of the distance in VGG-19's layers (paper: 10); needs `vgg_weights`, 0 does without."""
    vgg_weights: str | None = None
    """File with the published weights of VGG-19 (torchvision's, .pth or .safetensors)."""
    weight_kl: float = 0.05
    """Weight of the latent's divergence from N(0, 1), where there is an encoder (paper: 0.05)."""
    discriminator_augment: tuple[Literal["translation", "cutout"], ...] = ()
    """Differentiable augmentation of all that D sees, for small data sets (Zhao et al. 2020); not in the paper."""

    def __post_init__(self) -> None:
        check_ranges(self, "loss")


@dataclass(frozen=True)
class OptimizerConfig:
    """One Adam for each network (Sec. 4)."""

    lr_generator: float = 1e-4
    """Learning rate of generator and encoder (paper: 1e-4)."""
    lr_discriminator: float = 4e-4
    """Learning rate of the discriminators (paper: 4e-4)."""
    beta1: float = 0.0
    """Decay of the first moment (paper: 0)."""
    beta2: float = 0.9
    """Decay of the second moment (authors' code with two rates: 0.9)."""
    decay_images: int = 0
    """Last part of the run, in images, over which the learning rates fall linearly to 0."""

    def __post_init__(self) -> None:
        check_ranges(self, "optimizer")


@dataclass(frozen=True)
class SPADEConfig:
    """A complete training run of SPADE."""

    model: ModelConfig
    """Networks."""
    loss: LossConfig
    """Losses."""
    optimizer: OptimizerConfig
    """Optimisers."""
    dataset: DataConfig
    """What is read."""
    augment: AugmentConfig
    """Random changes of the training samples."""
    train: TrainConfig
    """Length, batch, precision, cadence."""
