"""Everything that can be set about LGcGAN. No torch import, so `--help` stays fast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from limner.data.config import AugmentConfig, DataConfig
from limner.engine.config import TrainConfig
from limner.errors import ConfigError
from limner.ranges import AT_LEAST_0, MOMENT, SHARE, Range, check_ranges, check_weighted


@dataclass(frozen=True)
class ModelConfig:
    """Sizes and switches of the networks. The age groups come from the data."""

    image_size: int = 128
    """Height and width in pixels: 32, 64, 128 or 256 (specification: 128)."""
    width: int = 64
    """Channels of a generator's first layer (specification: 64)."""
    num_blocks: int = 6
    """Residual blocks of a generator (specification: 6)."""
    kernel: int = 7
    """Side of the kernels at full size, an odd number (specification: 7)."""
    discriminator_width: int = 64
    """Channels of a discriminator's first layer (specification: 64)."""
    landmarks: Literal["maps", "coords", "none"] = "maps"
    """How landmarks come: drawn as maps, as coordinates (ATVGnet's form), or not at all, the ablation."""
    attention: bool = True
    """Off: the ablation without landmark attention; the decoder then sees nothing of the encoder's features."""
    pixel_attention: bool = True
    """Mix the result with the input pixel by pixel (ATVGnet); off, a face may become another one's."""
    upsampling: Literal["nearest", "transposed"] = "nearest"
    """Enlarge and convolve, or IPCGAN's transposed convolutions, in which patterns hide that only networks see."""
    age_at: Literal["bottleneck", "input"] = "bottleneck"
    """Where the age enters: AgeGAN++'s place, or IPCGAN's."""
    share_weights: bool = False
    """One generator and one discriminator for both tasks, as AgeGAN++ has."""

    def __post_init__(self) -> None:
        sizes = {
            "image_size": Range(32, 256, power_of_two=True),
            "width": Range(2, 1024),
            "num_blocks": Range(0, 100),
            "kernel": Range(1, 15),
        }
        check_ranges(self, "model", sizes)
        if self.kernel % 2 == 0:
            raise ConfigError(f"--model.kernel is {self.kernel}; it must be odd, or pictures would shift.")


@dataclass(frozen=True)
class LossConfig:
    """Weights of the losses (lgcgan.md 5), the ablation switches, and what keeps the networks from cheating."""

    weight_adversarial: float = 1.0
    """lambda_adv."""
    weight_reconstruction: float = 10.0
    """lambda_rec: distance of the round trip to the source."""
    weight_age: float = 1.0
    """lambda_cls of the generators: what the discriminators' age heads say of their results."""
    weight_age_real: float = 1.0
    """lambda_cls of the discriminators: their age heads on real pictures, from which alone they learn."""
    weight_identity: float = 0.0
    """lambda_id: squared distance of the face features of source and result, by `identity_judge`."""
    weight_latent: float = 0.0
    """lambda_lat: distance of the bottlenecks of source and result (AgeGAN++)."""
    weight_self: float = 0.0
    """lambda_self: what the source's own age must change of it: nothing."""
    weight_paired: float = 0.0
    """An ablation of ours, not of the paper, whose method needs no pairs: distance of the result to the true picture of
    the same person at that age, which only `limner data make people-ages --same-scene` gives."""
    weight_paired_features: float = 0.0
    """Of the same distance in levels of the shipped parser features-people-64, beside that of the colours; without it
    results are softer than their sources."""
    identity_judge: str | None = None
    """Weights of a face judge for `weight_identity`: a name or a folder. Never the one that evaluates."""
    inverse_task: bool = True
    """Off: the ablation without the way back; neither inverse generator nor inverse discriminator."""
    triplet: bool = True
    """Off: the ablation in which discriminators never see a real picture under a wrong age."""
    cycle_noise: float = 0.02
    """Standard deviation of the noise on what the inverse task gets, so that nothing can be hidden in it."""
    discriminator_noise: float = 0.0
    """Standard deviation of noise on all pictures that discriminators see."""
    discriminator_blur: float = 0.0
    """Share of the pictures that discriminators see softened, so that ages are read from more than fine patterns."""
    discriminator_augment: tuple[Literal["translation", "cutout"], ...] = ()
    """Differentiable augmentation of all that discriminators see (Zhao et al. 2020)."""
    weight_smoothness: float = 0.0
    """Weight of the squared gradient of a discriminator's two heads at real pictures (R1, Mescheder et al. 2018);
    without it small runs get coloured blotches that stand for ages."""
    label_smoothing: float = 0.0
    """Of the age heads: share of the label that is spread over all groups."""
    pose_control: float = 0.0
    """Share of the sources whose landmarks are turned, scaled and shifted for the primal task, so that edited
    landmarks have an effect; combine with `--model.pixel_attention false`."""
    landmark_shift: bool = False
    """Move the source's landmarks by what the mean shapes of target and source group differ in."""

    def __post_init__(self) -> None:
        noises = dict.fromkeys(("cycle_noise", "discriminator_noise"), AT_LEAST_0)
        shares = {"discriminator_blur": SHARE, "pose_control": SHARE, "label_smoothing": MOMENT}
        check_ranges(self, "loss", noises | shares)
        check_weighted(self, "loss", {"identity_judge": "weight_identity"})
        if self.weight_identity > 0 and self.identity_judge is None:
            raise ConfigError("--loss.weight_identity needs --loss.identity_judge: the weights of a face judge.")
        if self.weight_paired_features > 0 and self.weight_paired == 0:
            raise ConfigError("--loss.weight_paired_features needs --loss.weight_paired; else there are no pairs.")
        if not self.uses_discriminators and self.weight_paired == 0:
            raise ConfigError("Without --loss.weight_adversarial and --loss.weight_age nothing asks for another age.")
        if self.weight_latent > 0 and not self.inverse_task:
            raise ConfigError("--loss.weight_latent has no effect with --loss.inverse_task false; leave it out.")

    @property
    def uses_discriminators(self) -> bool:
        """Whether any loss comes from them."""
        return self.weight_adversarial > 0 or self.weight_age > 0


@dataclass(frozen=True)
class OptimizerConfig:
    """One Adam for each network."""

    lr_generator: float = 2e-4
    """Learning rate of the generators (slides: 0.0002, fixed)."""
    lr_discriminator: float = 2e-4
    """Learning rate of the discriminators (slides: 0.0002, fixed)."""
    beta1: float = 0.5
    """Decay of the first moment (IPCGAN, CAAE: 0.5)."""
    beta2: float = 0.999
    """Decay of the second moment."""
    decay_images: int = 0
    """Last part of the run, in images, over which the learning rates fall linearly to 0 (slides: none)."""

    def __post_init__(self) -> None:
        check_ranges(self, "optimizer")


@dataclass(frozen=True)
class ValidationConfig:
    """What chooses the best checkpoint."""

    judge: str | None = None
    """Weights of a face judge (a name or a folder) that estimates ages; without one the discriminator's own age head
    does, which the generator learns to fool."""


@dataclass(frozen=True)
class LGcGANConfig:
    """A complete training run of LGcGAN."""

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
