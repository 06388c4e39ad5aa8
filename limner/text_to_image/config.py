"""What can be set about every system that paints captions. No torch import, so `--help` stays fast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from limner.errors import ConfigError


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
        for name, most in (("length", 100), ("code_size", 4096), ("embedding_size", 4096)):
            if not 1 <= getattr(self, name) <= most:
                raise ConfigError(f"--text.{name} is {getattr(self, name)}; it must be from 1 to {most}.")
        if self.code_size % 2:
            raise ConfigError(f"--text.code_size is {self.code_size}; it must be even, half for each direction.")


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
    discriminator_augment: tuple[Literal["translation", "cutout"], ...] = ()
    """Differentiable augmentation of all that discriminators see (Zhao et al. 2020)."""

    def __post_init__(self) -> None:
        for name in ("weight_damsm", "weight_kl"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ConfigError(f"--loss.{name} is {getattr(self, name)}; it must be a number of at least 0.")
        for name in ("gamma1", "gamma2", "gamma3"):
            if not 0 < getattr(self, name) <= 1000:
                raise ConfigError(f"--loss.{name} is {getattr(self, name)}; it must lie in (0, 1000].")


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
        for name in ("lr_generator", "lr_discriminator"):
            if not 0 < getattr(self, name) <= 1:
                raise ConfigError(f"--optimizer.{name} is {getattr(self, name)}; it must lie in (0, 1].")
        for name in ("beta1", "beta2"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(f"--optimizer.{name} is {getattr(self, name)}; it must lie in [0, 1).")
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


def check_sizes(section: str, given: object, limits: dict[str, tuple[int, int]]) -> None:
    """Refuse sizes out of range.

    Args:
        section: of the options, such as "model".
        given: the section.
        limits: option -> smallest and largest value.

    Raises:
        ConfigError: naming the option.
    """
    for name, (least, most) in limits.items():
        value = getattr(given, name)
        if not least <= value <= most:
            raise ConfigError(f"--{section}.{name} is {value}; it must be from {least} to {most}.")


def check_image_size(image_size: int, *, least: int) -> None:
    """Refuse sizes for which the networks do not exist.

    Raises:
        ConfigError: naming what is allowed.
    """
    if not least <= image_size <= 1024 or image_size & (image_size - 1):
        raise ConfigError(
            f"--model.image_size is {image_size}; it must be a power of two from {least} to 1024, such as 64 or 256."
        )
