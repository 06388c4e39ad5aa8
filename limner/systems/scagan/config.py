"""Everything that can be set about SCA-GAN. No torch import, so `--help` stays fast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from limner.engine.config import TrainConfig
from limner.errors import ConfigError
from limner.pose_transfer.config import PairConfig
from limner.ranges import ABOVE_0, MOMENT, WIDTH, Range, check_ranges, check_weighted

UNTRAINED = "untrained"
"""In place of weights: random ones, which only prove that the code runs."""


@dataclass(frozen=True)
class StageConfig:
    """Which network is trained: the one that moves the content, or the one that paints with it (Sec. 3)."""

    name: Literal["content", "image"] = "image"
    """content: PCT-Net (phase 1); image: IS-Net with a frozen PCT-Net (phase 2)."""
    content: str | None = None
    """Weights with the PCT-Net that stage image builds on: a run of stage content, or shipped ones by name."""


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of the networks, and the switches of the paper's ablations (Table 2)."""

    image_size: tuple[int, int] = (256, 176)
    """Height and width in pixels: the height 8 times 8, 16 or 32 (paper: 256 176)."""
    width: int = 64
    """Channels of IS-Net's finest block (paper: 64)."""
    style_channels: int = 512
    """Channels of the style map (paper: 512)."""
    hidden: int = 128
    """Channels inside every modulation (paper: 128)."""
    content_width: int = 64
    """Channels of PCT-Net's first layer (paper: 64)."""
    content_blocks: int = 6
    """Residual blocks of PCT-Net (paper: 6)."""
    discriminator_width: int = 64
    """Channels of the discriminators' first layer (paper: 64)."""
    discriminator_blocks: int = 3
    """Residual blocks of the discriminators (paper: 3)."""
    latent_size: int = 256
    """Numbers of the latent that the first map is made from (paper: 256); 0: it is made from the pose."""
    content: Literal["edge", "semantic", "none"] = "edge"
    """What the content branch is given: edges, garment classes (ablation), or no such branch (ablation)."""
    prior_transfer: bool = True
    """Off: the content branch gets the source's content as it is (ablation)."""
    block: Literal["csdeblk", "spade_resblk"] = "csdeblk"
    """The paper's block, or SPADE's residual block (ablation)."""
    encoder_norm: Literal["none", "batch", "instance"] = "none"
    """Norm inside the style encoder (ablation: batch, instance)."""
    content_weight: float = 0.0
    """W in W content + (1 - W) pose inside a block; 0 adds the two (authors' code)."""
    moved_photo: bool = False
    """Show the content branch also the photo itself, moved limb by limb into the pose (`limner.pose_transfer.moved`),
    and let the picture take pixels of it by a mask: colours come to where they are wanted; not in the
    paper."""
    style_at_map_size: bool = False
    """Modulate by each cell of the style map alone: half the cost; not in the paper."""
    gamma_plus_one: bool = True
    """Scale by 1 + gamma (authors' code) or by gamma (the paper's formula)."""
    spade_norm: Literal["instance", "batch"] = "instance"
    """Norm inside every modulation (authors' code: instance); batch keeps how strong each map is in a picture, and with
    it how saturated garments are; not in the paper."""
    init: Literal["normal", "he"] = "normal"
    """First weights of IS-Net: N(0, 0.02²) (authors' code), or N(0, 2 / inputs), through which a narrow network sees
    the style from the start; not in the paper."""
    head: bool = False
    """Discriminators end with one channel; not in the paper, whose verdict is a map of many channels."""
    patch_discriminators: bool = False
    """Discriminators of 70x70 patches, as pix2pix has them, in place of the authors' residual ones (decision 26);
    `discriminator_blocks` does not count then; not in the paper."""
    start_height: int = 8
    """Height of IS-Net's first map (8; 4 for Market-1501)."""
    plate_scale: Literal["unit", "legacy"] = "unit"
    """Plates in [-1, 1], or as large as the authors' own weights want them."""
    plate_border: Literal["crop", "legacy"] = "crop"
    """Patches at the border are cut, or sheared as in the authors' code."""

    freeze_statistics: bool = True
    """Stage image: PCT-Net's batch norms keep the statistics of their own training; off: they drift, as in the authors'
    code."""

    def __post_init__(self) -> None:
        counts = dict.fromkeys(("content_blocks", "discriminator_blocks", "latent_size"), Range(0, 4096))
        sizes = {"style_channels": WIDTH, "hidden": WIDTH, "content_weight": MOMENT, **counts}
        check_ranges(self, "model", sizes)
        if self.moved_photo and self.content == "none":
            raise ConfigError(
                "--model.moved_photo is shown to the content branch, which --model.content none leaves out."
            )
        if self.patch_discriminators and self.head:
            raise ConfigError(
                "--model.head is for the authors' discriminators; those of --model.patch_discriminators end with one "
                "channel anyway. Leave one of the two out."
            )
        height, width = self.image_size
        if height not in (8 * self.start_height, 16 * self.start_height, 32 * self.start_height) or not (
            height // 4 <= width <= 4 * height
        ):
            raise ConfigError(
                f"--model.image_size is {height} {width}; the height must be {self.start_height} (start_height) times "
                "8, 16 or 32, and the width from a quarter of it to four times as much (256 176, 128 88, 64 44)."
            )


@dataclass(frozen=True)
class LossConfig:
    """Weights of the losses (authors' scripts)."""

    weight_adversarial: float = 5.0
    """Of the mean of both discriminators' verdicts."""
    weight_l1: float = 1.0
    """Of the absolute difference to the target."""
    weight_person: float = 0.0
    """How much more this difference counts on the person than beside it, who is a fifth of a picture (PG2's Eq. 1: 1);
    not in the paper."""
    weight_perceptual: float = 1.0
    """Of the difference in one layer of a frozen network."""
    weight_contextual: float = 0.1
    """Of the contextual loss in two layers; stage image only."""
    contextual_bandwidth: float = 0.5
    """h of the contextual loss."""
    parser: str = ""
    """Weights of a parser of bodies (a run of system "parser"), in whose encoder results are compared with their
    targets too, for it has learned what an arm, a back and a face are; empty: no such loss. Stage image only; not in
    the paper."""
    weight_parser_features: float = 10.0
    """Of the distance in all levels of that encoder but the deepest, where `parser` names one."""
    vgg_weights: str | None = None
    """File with VGG-19's weights; none: the shipped parser features-people-64 stands in for its layers."""

    def __post_init__(self) -> None:
        check_ranges(self, "loss", {"contextual_bandwidth": ABOVE_0})
        check_weighted(self, "loss", {"parser": "weight_parser_features"})


@dataclass(frozen=True)
class OptimizerConfig:
    """One Adam for each network (authors' code), at one rate that falls at the end."""

    lr: float = 1e-4
    """Learning rate of the network that paints (authors' scripts: 2e-4 for PCT-Net, 1e-4 for IS-Net)."""
    discriminator_lr_factor: float = 1.0
    """Learning rate of the discriminators, as a multiple of `lr` (authors' scripts: 1)."""
    beta1: float = 0.5
    """First moment (authors' code)."""
    beta2: float = 0.999
    """Second moment (authors' code)."""
    decay_images: int = 0
    """Pairs at the end of the run over which the rate falls linearly to 0; 0 = no fall."""

    def __post_init__(self) -> None:
        check_ranges(self, "optimizer", {"discriminator_lr_factor": Range(0, 100, open="(")})


@dataclass(frozen=True)
class SCAGANConfig:
    """A complete run."""

    stage: StageConfig
    """What is trained."""
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

    def __post_init__(self) -> None:
        if self.stage.name == "content" and self.loss.parser:
            raise ConfigError("--loss.parser looks at pictures, and stage content makes edges; leave it out there.")
