"""Everything that can be set about CAAE. No torch import, so `--help` stays fast."""

from __future__ import annotations

from dataclasses import dataclass

from limner.data.config import AugmentConfig, DataConfig
from limner.engine.config import TrainConfig
from limner.errors import ConfigError


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of the four networks. The age groups come from the data."""

    image_size: int = 128
    """Height and width in pixels: 32, 64, 128 or 256 (paper: 128)."""
    width: int = 64
    """Channels of the encoder's first layer, a multiple of 4 (authors' code: 64)."""
    latent_size: int = 50
    """Numbers of the latent z (authors' code: 50)."""

    def __post_init__(self) -> None:
        if self.image_size not in (32, 64, 128, 256):
            raise ConfigError(f"--model.image_size is {self.image_size}; it must be 32, 64, 128 or 256.")
        if not 4 <= self.width <= 1024 or self.width % 4:
            raise ConfigError(f"--model.width is {self.width}; it must be a multiple of 4 from 4 to 1024.")
        if not 10 <= self.latent_size <= 10_000:
            raise ConfigError(f"--model.latent_size is {self.latent_size}; it must be from 10 to 10000.")


@dataclass(frozen=True)
class LossConfig:
    """Weights beside the distance to the picture, as the authors released them."""

    weight_image: float = 1e-4
    """Of the discriminator on pictures."""
    weight_latent: float = 0.0
    """Of the discriminator on z (released: 0; the paper weighs it)."""
    weight_variation: float = 0.0
    """Of the total variation of the results (released: 0; the paper weighs it)."""

    def __post_init__(self) -> None:
        for name in ("weight_image", "weight_latent", "weight_variation"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ConfigError(f"--loss.{name} is {getattr(self, name)}; it must be a number of at least 0.")


@dataclass(frozen=True)
class OptimizerConfig:
    """One Adam for each network."""

    lr: float = 2e-4
    """Learning rate of all networks (authors' code: 2e-4)."""
    beta1: float = 0.5
    """Decay of the first moment (authors' code: 0.5)."""
    beta2: float = 0.999
    """Decay of the second moment."""

    def __post_init__(self) -> None:
        if not 0 < self.lr <= 1:
            raise ConfigError(f"--optimizer.lr is {self.lr}; it must lie in (0, 1].")
        for name in ("beta1", "beta2"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(f"--optimizer.{name} is {getattr(self, name)}; it must lie in [0, 1).")


@dataclass(frozen=True)
class ValidationConfig:
    """What chooses the best checkpoint."""

    judge: str | None = None
    """Weights of a face judge (a name or a folder) that estimates ages; without one the last checkpoint that brings
    pictures back best is taken."""


@dataclass(frozen=True)
class CAAEConfig:
    """A complete training run of CAAE."""

    model: ModelConfig
    """Networks."""
    loss: LossConfig
    """Losses."""
    optimizer: OptimizerConfig
    """Optimisers."""
    validation: ValidationConfig
    """Choice of the best checkpoint."""
    dataset: DataConfig
    """What is read."""
    augment: AugmentConfig
    """Random changes of the training samples."""
    train: TrainConfig
    """Length, batch, precision, cadence."""
