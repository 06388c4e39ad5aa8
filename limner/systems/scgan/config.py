"""Everything that can be set about SCGAN. No torch import, so `--help` stays fast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from limner.data.config import AugmentConfig, DataConfig
from limner.engine.config import TrainConfig
from limner.errors import ConfigError
from limner.ranges import AT_LEAST_0, AT_LEAST_1, IMAGE_SIZE, WIDTH, Range, check_ranges


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of the three networks. Classes and attributes come from the data."""

    image_size: int = 128
    """Height and width in pixels; a power of two (paper: 128)."""
    latent_size: int = 512
    """Numbers in the latent z (512 in the authors' code)."""
    generator: Literal["stepwise", "all_at_once"] = "stepwise"
    """Order in which the generator gets its inputs; all_at_once is the paper's ablation."""
    map_injection: Literal["encoder", "skips"] = "encoder"
    """How the map reaches the generator's decoder: through its 8x8 code (paper), or also by skips at every size."""
    latent_injection: Literal["map", "all"] = "map"
    """How the latent does: as a map beside that code (paper), or also by scale and shift of every block's channels."""
    smooth_enlargement: bool = False
    """Smooth what the generator enlarges, and the map of the last skip, by (1, 2, 1), as in StyleGAN2; the paper copies
    pixels."""
    sides: Literal["apart", "merged"] = "apart"
    """Left and right parts, such as eyes: two classes for the generator too (paper), or one, so that both are painted
    alike. Of no effect where the label schema has no sides."""
    generator_width: int = 64
    """Channels of the generator's first layer (paper: 64)."""
    discriminator_width: int = 64
    """Channels of the discriminator's first layer (paper: 64)."""
    segmentor: Literal["paper", "large"] = "paper"
    """The segmentor of the paper's table, or the larger one of the authors' code."""
    segmentor_width: int = 64
    """Channels of the segmentor's first layer (paper: 64)."""

    def __post_init__(self) -> None:
        check_ranges(self, "model", {"image_size": IMAGE_SIZE, "latent_size": WIDTH})


@dataclass(frozen=True)
class LossConfig:
    """Weights of the losses (Algorithm 1) and the two ablation switches of Fig. "convergence"."""

    weight_classification: float = 5.0
    """lambda_cls (paper: 5; the authors' code: 1)."""
    weight_segmentation: float = 1.0
    """lambda_seg (paper: 1)."""
    weight_gradient_penalty: float = 10.0
    """lambda_gp (paper: 10)."""
    gp_every: int = 1
    """Take the gradient penalty only on every so many-th iteration, with so many times the weight (paper: 1), as Karras
    et al. 2020 (StyleGAN2, arXiv:1912.04958, Sec. 3.1) do with R1."""
    weight_diversity: float = 0.0
    """Weight of the diversity term (Yang et al. 2019, Eq. 3), for sets so small that z is ignored; not in the paper."""
    diversity_space: Literal["pixels", "normalized", "features", "details"] = "pixels"
    """Where two pictures must differ: in their pixels; in pixels freed of each channel's mean and contrast, which light
    alone does not change; in the discriminator's maps, relative to their size; or in these maps once both pictures have
    one shading, so that light, shadows and casts of colour count for nothing."""
    diversity_limit: float = 0.3
    """Mean absolute difference of two pictures there (pixels: [-1, 1] units), beyond which no more is rewarded."""
    weight_latent_regression: float = 0.0
    """Weight of the mean squared error at which a third head of D finds the latent again in a fake (Chen et al. 2016,
    InfoGAN), so that each number of z must show in the picture; not in the paper."""
    segmentation_balance: float = 0.0
    """Power of a class's inverse share of the batch that is its weight in the segmentation losses (paper: 0)."""
    gp_reduce: Literal["sum", "mean"] = "sum"
    """Whether the penalised gradient is of the sum of the 2x2 scores (authors' code) or of their mean."""
    segmentor_noise: float = 0.0
    """Largest standard deviation, in [-1, 1] units, of the noise on all that S sees in training (paper: 0). G otherwise
    learns patterns, above all in eyes, that S takes for parts and nobody sees; noise hides such patterns from S."""
    use_segmentor: bool = True
    """Off: the ablation without S; the generator gets no spatial loss."""
    use_classifier: bool = True
    """Off: the ablation without D's classifier head."""
    discriminator_augment: tuple[Literal["translation", "cutout"], ...] = ()
    """Differentiable augmentation of all that D sees, for small data sets (Zhao et al. 2020); not in the paper."""

    def __post_init__(self) -> None:
        ranges = {name: AT_LEAST_0 for name in ("diversity_limit", "segmentation_balance", "segmentor_noise")}
        check_ranges(self, "loss", {**ranges, "gp_every": Range(1, 1_000)})


@dataclass(frozen=True)
class OptimizerConfig:
    """One Adam for each network (authors' code)."""

    lr_generator: float = 5e-5
    """Learning rate of G."""
    lr_discriminator: float = 5e-5
    """Learning rate of D."""
    lr_segmentor: float = 1e-4
    """Learning rate of S."""
    beta1: float = 0.5
    """Decay of the first moment, for G and D; S, which nobody fights, keeps 0.5."""
    beta2: float = 0.999
    """Decay of the second moment, for G and D; S keeps 0.999."""
    num_repeat: int = 5
    """n_repeat: updates of D and S for one update of G."""
    decay_images: int = 0
    """Last part of the run, in images, over which all learning rates fall linearly to 0."""
    segmentor_images: int = 0
    """First part of the run, in images, in which S alone is trained (paper: 0)."""
    freeze_segmentor: bool = False
    """Whether S stays as it is after that part, or as initial weights have it, which saves its updates."""

    def __post_init__(self) -> None:
        check_ranges(self, "optimizer", {"num_repeat": AT_LEAST_1})


@dataclass(frozen=True)
class SCGANConfig:
    """A complete training run of SCGAN."""

    model: ModelConfig
    """Networks."""
    loss: LossConfig
    """Losses."""
    optimizer: OptimizerConfig
    """Optimisers and update ratio."""
    dataset: DataConfig
    """What is read."""
    augment: AugmentConfig
    """Random changes of the training samples."""
    train: TrainConfig
    """Length, batch, precision, cadence."""

    def __post_init__(self) -> None:
        if self.optimizer.segmentor_images >= self.train.images:
            raise ConfigError(
                f"--optimizer.segmentor_images is {self.optimizer.segmentor_images}, but the run has only "
                f"{self.train.images} images; the segmentor comes first, and the rest must have some too."
            )
        has_learnt = self.optimizer.segmentor_images or self.train.initial_weights is not None
        if self.optimizer.freeze_segmentor and not has_learnt:
            raise ConfigError(
                "--optimizer.freeze_segmentor would freeze a segmentor that has learnt nothing; give "
                "--optimizer.segmentor_images or --train.initial_weights too."
            )
