"""Everything that can be set about SPADE. No torch import, so `--help` stays fast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from limner.data.config import AugmentConfig, DataConfig
from limner.engine.config import TrainConfig
from limner.errors import ConfigError


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
        for name in ("generator_width", "modulation_width", "discriminator_width", "latent_size", "encoder_width"):
            if not 1 <= getattr(self, name) <= 4096:
                raise ConfigError(f"--model.{name} is {getattr(self, name)}; it must be from 1 to 4096.")
        if not 32 <= self.image_size <= 2048 or self.image_size & (self.image_size - 1):
            raise ConfigError(
                f"--model.image_size is {self.image_size}; it must be a power of two from 32 to 2048 (64, 128, 256)."
            )


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
        for name in ("weight_features", "weight_perceptual", "weight_kl"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ConfigError(f"--loss.{name} is {getattr(self, name)}; it must be a number of at least 0.")


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
        for name in ("lr_generator", "lr_discriminator"):
            if not 0 < getattr(self, name) <= 1:
                raise ConfigError(f"--optimizer.{name} is {getattr(self, name)}; it must lie in (0, 1].")
        for name in ("beta1", "beta2"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(f"--optimizer.{name} is {getattr(self, name)}; it must lie in [0, 1).")
        if self.decay_images < 0:
            raise ConfigError(f"--optimizer.decay_images is {self.decay_images}; it must be at least 0.")


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
