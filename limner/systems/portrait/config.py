"""Everything that can be set about portrait. No torch import, so `--help` stays fast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from limner.data.config import AugmentConfig, DataConfig
from limner.engine.config import TrainConfig
from limner.errors import ConfigError
from limner.ranges import AT_LEAST_0, Range, check_ranges

NUM_CLASSES = 11
Norm = Literal["batch", "instance", "group"]


@dataclass(frozen=True)
class ModelConfig:
    """Sizes and variants of the networks. The labels are always those of the schema portrait-11."""

    image_size: int = 256
    """Height and width in pixels; a power of two (paper: 256)."""
    width: int = 64
    """Channels of the generator's first layers; its others are multiples of it (paper: 64)."""
    appearance_width: int = 64
    """The same of the encoders of looks and their heads; a code has 8 times as many numbers (paper: 64)."""
    feature_stride: Literal[2, 4] = 4
    """Pixels of the photo for one pixel of the features (authors' code: 4); small images need 2."""
    num_blocks: int = 9
    """Residual blocks of the generator (authors' code: 9)."""
    latent: Literal["deterministic", "vae"] = "deterministic"
    """Whether a part's code is exact (as in the paper) or a distribution from which random looks can be drawn."""
    local_channels: int = 0
    """Numbers of the codes of skin and hair for each place of the photo, which keep wrinkles, beards and glasses where
    they are; 0 (paper): one code for all places. Not with latent "vae"."""
    local_stride: Literal[4, 8, 16] = 8
    """Pixels from one such place to the next."""
    local_alignment: Literal["none", "similarity"] = "none"
    """How those places meet another face: as they lie in the photo, or moved, turned and scaled so that the photo's
    eyes and mouth come where the map has its own."""
    smooth_enlargement: bool = False
    """Smooth what transposed convolutions enlarge by (1, 2, 1), as StyleGAN2 does; the paper does not."""
    eye_input: Literal["crop", "masked"] = "crop"
    """What the eye encoders see: the eye with the skin around it, or the pixels of the eye alone (experiment 1)."""
    mask_encoder: Literal["single", "multi"] = "single"
    """One encoder of the whole target map, or one for each part (experiment 2)."""
    norm: Norm = "batch"
    """Normalisation of all networks but the discriminators."""
    grow: float = 1.1
    """Factor by which eyes and mouth of a map are enlarged about their centres (authors' code: 1.1); 1 = not."""
    shared_discriminator: bool = False
    """One discriminator for paired and unpaired results, in place of two."""
    discriminator_width: int = 64
    """Channels of the discriminators' first layer (paper: 64)."""
    parser: str = ""
    """Weights of the system "parser" for the parsing loss, or of "portrait", whose parser is taken; none: a parser is
    trained first, in the same run."""
    parser_width: int = 32
    """Width of the parser that is trained in the same run, a multiple of 8."""

    def __post_init__(self) -> None:
        small = Range(1, 1024)
        sizes = {
            "parser_width": Range(8, 1024, multiple_of=8),
            "*width": small,
            "num_blocks": small,
            "grow": Range(1, 2),
        }
        check_ranges(self, "model", sizes)
        least = 32 * self.feature_stride
        if not least <= self.image_size <= 2048 or self.image_size & (self.image_size - 1):
            raise ConfigError(
                f"--model.image_size is {self.image_size}; with --model.feature_stride {self.feature_stride} it must "
                f"be a power of two from {least} to 2048."
            )
        if not 0 <= self.local_channels <= 64 or (self.local_channels and self.latent == "vae"):
            raise ConfigError(
                f"--model.local_channels is {self.local_channels}; it must be from 0 to 64, and 0 with --model.latent "
                "vae."
            )
        if self.local_alignment != "none" and not self.local_channels:
            raise ConfigError(
                f"--model.local_alignment {self.local_alignment} has no effect on codes without places: say "
                "--model.local_alignment none, or give --model.local_channels."
            )
        if self.local_channels and self.local_stride <= self.feature_stride:
            raise ConfigError(
                f"--model.local_stride is {self.local_stride}; it must be more than --model.feature_stride, "
                f"{self.feature_stride}."
            )


@dataclass(frozen=True)
class LossConfig:
    """Weights of the losses. Squared errors are means over pixels, times `scale_squares`."""

    weight_local: float = 10.0
    """lambda_local: half the squared error of each of the five reconstructed parts (paper: 10)."""
    weight_global: float = 1.0
    """lambda_global: half the squared error of the paired result (paper: 1)."""
    scale_squares: float = 100.0
    """Factor on both squared errors, which as means would be lost beside the adversarial terms."""
    global_by_parts: bool = False
    """Also the squared error inside each part: eyes and mouth like the whole image, skin and hair half (code)."""
    weight_adversarial: float = 1.0
    """lambda_GD, of the adversarial loss and of feature matching (paper: 1)."""
    weight_features: float = 10.0
    """lambda_FM: half the distance in the discriminators' last hidden layer (pix2pixHD: 10; the paper gives none)."""
    feature_distance: Literal["squared", "absolute"] = "squared"
    """Distance of that layer (paper: squared; authors' code: absolute)."""
    weight_parsing: float = 1.0
    """lambda_GP: cross-entropy of the frozen parser (paper: 1)."""
    parsing_of: Literal["both", "unpaired"] = "both"
    """Results that the parsing loss is taken of (paper: both; authors' code: unpaired)."""
    parsing_class_weights: tuple[float, ...] = ()
    """One weight a class in that cross-entropy; none: all 1."""
    schedule: Literal["alternate", "both"] = "alternate"
    """Paired and unpaired results in turn (paper), or unpaired ones always and paired ones every other time (code)."""
    weight_perceptual: float = 0.0
    """Weight of the distance of paired results in VGG-19, each part weighted (authors' code: 30); needs a file."""
    vgg_weights: str | None = None
    """File with the published weights of VGG-19 (torchvision's, .pth or .safetensors)."""
    weight_parser_features: float = 0.0
    """Weight of the distance of paired results in the maps of the frozen parser's encoder; not in the paper."""
    weight_kl: float = 1e-4
    """Weight of the codes' divergence from N(0, 1), where the latent is "vae" (the authors' code leaves it out)."""

    def __post_init__(self) -> None:
        check_ranges(self, "loss", {"scale_squares": AT_LEAST_0})
        weights = self.parsing_class_weights
        if weights and (len(weights) != NUM_CLASSES or not all(0 <= weight < float("inf") for weight in weights)):
            raise ConfigError(
                f"--loss.parsing_class_weights has {len(weights)} numbers; it must have {NUM_CLASSES} of at least 0, "
                "or none."
            )
        if (self.weight_perceptual > 0) != (self.vgg_weights is not None):
            raise ConfigError(
                f"--loss.weight_perceptual is {self.weight_perceptual:g} and --loss.vgg_weights {self.vgg_weights}: "
                "name a file with the published weights of VGG-19, or train without this loss by "
                "--loss.weight_perceptual 0."
            )


@dataclass(frozen=True)
class OptimizerConfig:
    """Adam for all networks."""

    lr: float = 2e-4
    """Learning rate of the encoders, their heads and the generator (authors' code: 2e-4)."""
    lr_discriminator: float = 2e-4
    """Learning rate of the discriminators (authors' code: 2e-4)."""
    beta1: float = 0.5
    """Decay of the first moment."""
    beta2: float = 0.999
    """Decay of the second moment."""
    decay_images: int = 0
    """Last part of the run, in images, over which all learning rates fall linearly to 0."""
    lr_parser: float = 1e-3
    """Learning rate of the parser that is trained in the same run."""
    parser_images: int = 0
    """First part of the run, in images, in which that parser alone is trained; not used with --model.parser."""

    def __post_init__(self) -> None:
        check_ranges(self, "optimizer")


@dataclass(frozen=True)
class PortraitConfig:
    """A complete training run of portrait."""

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

    def __post_init__(self) -> None:
        if not self.model.parser and self.optimizer.parser_images >= self.train.images:
            raise ConfigError(
                f"--optimizer.parser_images is {self.optimizer.parser_images}, but the run has only "
                f"{self.train.images} images; the parser comes first, and the rest must have some too."
            )
        part = self.train.batch_size // (self.train.accumulate * self.train.devices * self.train.num_nodes)
        if part < 2:
            raise ConfigError(
                f"--train.batch_size {self.train.batch_size} leaves {part} images a process and micro-batch; unpaired "
                "training exchanges looks inside it and needs at least 2."
            )
