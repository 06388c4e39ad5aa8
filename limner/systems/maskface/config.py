"""Everything that can be set about maskface. No torch import, so `--help` stays fast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from limner.data.config import AugmentConfig, DataConfig
from limner.engine.config import TrainConfig
from limner.errors import ConfigError
from limner.ranges import AT_LEAST_0, IMAGE_SIZE, MOMENT, RATE, WIDTH, Range, check_ranges, check_weighted

Diversity = Literal["ds", "ms", "dsgan", "none"]
"""Form of the diversity loss; see `limner.systems.maskface.losses`."""


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of the four networks. Classes come from the data; attributes are not used."""

    image_size: int = 256
    """Height and width in pixels; a power of two (paper's nearest relative: 256)."""
    width: int = 64
    """Channels at full size; StarGAN v2 takes 2^14 / image_size."""
    max_width: int = 512
    """Largest number of channels (StarGAN v2: 512)."""
    latent_size: int = 16
    """Numbers in the noise z (StarGAN v2: 16)."""
    style_size: int = 64
    """Numbers in a style code s (StarGAN v2: 64)."""
    mapping_width: int = 512
    """Width of the hidden layers of the style encoder (StarGAN v2: 512)."""
    mask_injection: Literal["encoder", "spade", "skips"] = "encoder"
    """How the map reaches the decoder: through the encoder alone, also by SPADE after each AdaIN, or also by what the
    encoder saw at each larger size, added after the decoder's block of that size, at full size smoothed (ours; costs
    next to nothing)."""
    shortcut_enlargement: Literal["nearest", "bilinear"] = "nearest"
    """How the decoder's shortcuts are enlarged: nearest (StarGAN v2), which leaves blocks of 2 and 4 px in the faces of
    some codes, or bilinear (ours)."""
    style_injection: Literal["adain", "demodulation"] = "adain"
    """How the style code enters the decoder: by AdaIN (StarGAN v2), whose norms make a blister in most faces of small
    networks, or by demodulated convolutions and no norm in the generator (StyleGAN2; ours)."""
    discriminator_condition: Literal["concat", "none"] = "concat"
    """Whether the discriminator sees the map beside the image, or the image alone."""

    def __post_init__(self) -> None:
        check_ranges(self, "model", {"image_size": IMAGE_SIZE, "latent_size": WIDTH, "style_size": WIDTH})


@dataclass(frozen=True)
class LossConfig:
    """Weights and switches of the losses. The paper's own numbers are unknown; sources are its references."""

    weight_r1: float = 1.0
    """lambda_r1, beside the factor 1/2 (StarGAN v2: 1)."""
    r1_every: int = 1
    """Iterations from one R1 to the next, with as much more weight (Karras et al. 2020, arXiv:1912.04958: 16)."""
    weight_style: float = 1.0
    """lambda_sty: the style decoder finds the code again (StarGAN v2: 1)."""
    diversity: Diversity = "ds"
    """Form of the diversity loss: StarGAN v2's, MSGAN's, DSGAN's, or none."""
    weight_diversity: float = 1.0
    """lambda_div (1 in all three sources)."""
    diversity_decay: Literal["auto", "linear", "none"] = "auto"
    """Whether lambda_div falls linearly to 0 over the run; auto: for "ds" only, as in the sources."""
    diversity_limit: float = 0.0
    """tau of "dsgan": ratio beyond which more diversity is not rewarded; 0 = no limit (DSGAN's default)."""
    weight_reconstruction: float = 1.0
    """lambda_rec: a photo is painted again from its map and its own style."""
    reconstruction_share: float = 1.0
    """Share of each batch that is painted again; a smaller one makes the iteration cheaper."""
    judge_reconstruction: bool = False
    """Whether what is painted again must deceive the discriminator too, in the place of as many faces by noise there;
    or faces by codes of photos are blurred, unless reference_training shows them. Not in the paper."""
    weight_parsing: float = 0.0
    """Weight of a frozen parser's cross-entropy on the faces; for a discriminator that does not see the map."""
    parser: str = ""
    """Weights of the system "parser" for that loss; of the same schema."""
    reference_training: bool = True
    """Also train with codes that the style decoder takes from other photos; doubles the cost."""
    discriminator_augment: tuple[Literal["translation", "cutout"], ...] = ()
    """Differentiable augmentation of all that D sees, for small data sets (Zhao et al. 2020); not in the paper."""

    def __post_init__(self) -> None:
        others = {"r1_every": Range(1, 1_000), "reconstruction_share": RATE}
        check_ranges(self, "loss", {"diversity_limit": AT_LEAST_0, **others})
        check_weighted(self, "loss", {"parser": "weight_parsing"})
        if self.judge_reconstruction and self.weight_reconstruction == 0:
            raise ConfigError(
                "--loss.judge_reconstruction needs photos that are painted again; give --loss.weight_reconstruction a "
                "value above 0."
            )
        if self.weight_parsing > 0 and not self.parser:
            raise ConfigError(
                f"--loss.weight_parsing is {self.weight_parsing}, but --loss.parser names no parser; name its weights, "
                "or set the weight to 0."
            )


@dataclass(frozen=True)
class OptimizerConfig:
    """One Adam for each network (StarGAN v2)."""

    lr: float = 1e-4
    """Learning rate of generator, discriminator and style decoder."""
    lr_discriminator: float | None = None
    """Learning rate of the discriminator where it is another (StarGAN v2: none): with a tiny `lr` a new discriminator
    learns alone first, before weights that have none of their own are trained on."""
    lr_style_encoder: float = 1e-6
    """Learning rate of the style encoder: a hundredth, or the codes drift away from the generator."""
    beta1: float = 0.0
    """Decay of the first moment."""
    beta2: float = 0.99
    """Decay of the second moment."""
    weight_decay: float = 1e-4
    """L2 decay of all weights."""
    decay_images: int = 0
    """Last part of the run, in images, over which all learning rates fall linearly to 0 (StarGAN v2: none)."""

    def __post_init__(self) -> None:
        check_ranges(self, "optimizer", {"weight_decay": MOMENT})


@dataclass(frozen=True)
class MaskFaceConfig:
    """A complete training run of maskface."""

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
