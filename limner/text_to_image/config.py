"""What can be set about every system that paints captions. No torch import, so `--help` stays fast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from limner.errors import ConfigError
from limner.ranges import Range, check_ranges


@dataclass(frozen=True)
class TextConfig:
    """Who reads the captions, and which are drawn."""

    encoders: str | None = None
    """Weights of damsm (a name or a folder), whose encoders read captions and judge pictures; their vocabulary is
    taken. None: a text encoder with random weights, an ablation without pre-training, for `--loss.weight_damsm 0`."""
    length: int = 18
    """Words of a caption; longer ones keep random words (CUB: 18, COCO: 12)."""
    drawn: Literal["evenly", "by_fact"] = "evenly"
    """Any caption, or rather those that state what few captions state (glasses, hats), where facts are known."""
    code_size: int = 256
    """Numbers in the code of a word and a sentence, without `encoders`."""
    embedding_size: int = 300
    """Numbers of a word before the LSTM, without `encoders`."""

    def __post_init__(self) -> None:
        sizes = {"code_size": Range(2, 4096, multiple_of=2), "embedding_size": Range(1, 4096)}  # half a direction
        check_ranges(self, "text", {"length": Range(1, 100), **sizes})


@dataclass(frozen=True)
class LossConfig:
    """Weights of the losses (hfgan.md 6)."""

    weight_damsm: float = 5.0
    """lambda: how well picture and caption fit by DAMSM's words and sentence (CUB, Oxford-102: 5; COCO: 50)."""
    weight_kl: float = 1.0
    """Of the distance of a sentence's condition to N(0, I)."""
    gamma1: float = 4.0
    """How much a word attends to the regions that fit it best."""
    gamma2: float = 5.0
    """How much the word that fits best counts."""
    gamma3: float = 10.0
    """How sharply one pair is told from the others of the batch."""
    weight_r1: float = 0.0
    """Of R1, the discriminators' squared gradient at real pictures (Mescheder et al. 2018); not in the papers."""
    r1_every: int = 1
    """R1 only on every n-th iteration, with n times the weight (lazy regularisation, StyleGAN2)."""
    discriminator_augment: tuple[Literal["translation", "cutout"], ...] = ()
    """Differentiable augmentation of all that discriminators see (Zhao et al. 2020)."""

    def __post_init__(self) -> None:
        check_ranges(self, "loss", {"gamma?": Range(0, 1000, open="("), "r1_every": Range(1, 1_000)})


@dataclass(frozen=True)
class OptimizerConfig:
    """One Adam for each network; the rates fall in steps."""

    lr_generator: float = 1e-3
    """Learning rate of the generator at the start (slides: 0.001)."""
    lr_discriminator: float = 1e-3
    """Learning rate of each discriminator at the start."""
    beta1: float = 0.5
    """Decay of the first moment."""
    beta2: float = 0.999
    """Decay of the second moment."""
    step_shares: tuple[float, ...] = (0.25, 0.5)
    """Shares of the run after which the rates change (slides: after 150 and 300 of 600 epochs)."""
    step_factors: tuple[float, ...] = (0.5, 0.2)
    """Factors on the first rates from then on (slides: 0.0005 and 0.0002)."""

    def __post_init__(self) -> None:
        check_ranges(self, "optimizer")
        shares = list(self.step_shares)
        if len(shares) != len(self.step_factors) or shares != sorted(shares) or not all(0 <= s <= 1 for s in shares):
            raise ConfigError(
                f"--optimizer.step_shares is {shares}; it must hold growing numbers in [0, 1], one for each of the "
                f"{len(self.step_factors)} numbers of --optimizer.step_factors."
            )
        if not all(0 < factor <= 1 for factor in self.step_factors):
            raise ConfigError(f"--optimizer.step_factors is {list(self.step_factors)}; its numbers must lie in (0, 1].")

    def scale(self, images_seen: int, images: int) -> float:
        """Factor on the rates at this point of a run of so many images."""
        passed = [f for s, f in zip(self.step_shares, self.step_factors, strict=True) if images_seen >= s * images]
        return passed[-1] if passed else 1.0


MODEL_RANGES = {"num_blocks": Range(0, 100), "*_size": Range(1, 4096), "*width": Range(1, 1024)}
"""Of sections `model` beside the size of the pictures."""


def image_sizes(least: int) -> Range:
    """Sizes of pictures for which the networks exist."""
    return Range(least, 1024, power_of_two=True)
