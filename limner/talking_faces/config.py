"""How clips are read for training. No torch import, so `--help` stays fast."""

from __future__ import annotations

from dataclasses import dataclass

from limner.data.config import Fit
from limner.errors import ConfigError


@dataclass(frozen=True)
class ClipConfig:
    """What is read."""

    kind: str = "auto"
    """Layout of the folder; auto looks."""
    fit: Fit | None = None
    """What to do with frames that are not square; none: what the layout needs."""
    num_frames: int = 16
    """Frames of a training sample beside its photo."""

    def __post_init__(self) -> None:
        if not 1 <= self.num_frames <= 1_000:
            raise ConfigError(f"--dataset.num_frames is {self.num_frames}; it must be from 1 to 1000.")


def check_model(model: object, *, sizes: tuple[int, ...], numbers: dict[str, tuple[int, int]]) -> None:
    """Refuse a model that cannot be built.

    Args:
        model: a section `model` with `image_size`.
        sizes: sides in pixels that it may have.
        numbers: its other whole numbers -> least and most.

    Raises:
        ConfigError: naming the option.
    """
    size = getattr(model, "image_size")  # noqa: B009, of any such section
    if size not in sizes:
        raise ConfigError(f"--model.image_size is {size}; it must be one of {', '.join(map(str, sizes))}.")
    for name, (low, high) in numbers.items():
        if not low <= getattr(model, name) <= high:
            raise ConfigError(f"--model.{name} is {getattr(model, name)}; it must be from {low} to {high}.")


def check_at_least_0(section: object, name: str, names: tuple[str, ...]) -> None:
    """Refuse negative numbers and NaN.

    Raises:
        ConfigError: naming the option.
    """
    for field in names:
        if not 0 <= getattr(section, field) < float("inf"):
            raise ConfigError(f"--{name}.{field} is {getattr(section, field)}; it must be a number of at least 0.")
