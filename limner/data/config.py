"""Options of the data side of a run. Imports no torch, so that `--help` stays fast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from limner.ranges import Range, check_ranges

Fit = Literal["refuse", "crop", "pad"]
"""What to do with a picture that is not square: refuse it, cut its centre out, or pad it to a square."""


@dataclass(frozen=True)
class DataConfig:
    """Which layout a data folder has and what is taken from it."""

    kind: str = "auto"
    """Layout of the folder, a name of docs/data.md; auto looks."""
    schema: str | None = None
    """Label schema that maps are converted to (a name or a JSON file); none: the one the layout has."""
    attributes: tuple[str, ...] | None = None
    """Attributes to condition on, in this order; none: see docs/data.md; an empty list: no attributes."""
    fit: Fit | None = None
    """What to do with pictures that are not square; none: what the layout is known to need."""
    fix_sides: bool = False
    """Exchange left and right classes in maps where all eyes and brows lie on the wrong side."""
    colors: str | None = None
    """How coloured label maps are read: "nearest" colour of the schema, a JSON file with the colours of the classes, or
    "nearest:FILE"; none: they must have the exact colours of their schema."""
    zoom: float = 1.0
    """How much larger pictures, maps and landmarks are seen, about the middle of a face; what does not fit is cut off.
    In small pictures 1.5 gives eyes, brows and lips 2.3 times the pixels. The weights remember it."""

    def __post_init__(self) -> None:
        check_ranges(self, "dataset", {"zoom": Range(1, 4)})


@dataclass(frozen=True)
class AugmentConfig:
    """Random changes of a training sample, the same for image and label map. All off by default."""

    flip: bool = False
    """Mirror half of the samples; left and right classes change their names with it."""
    rotate_degrees: float = 0.0
    """Rotation, uniform in [-value, value] degrees."""
    scale: float = 0.0
    """Magnification, uniform in [1 - value, 1 + value]."""
    translate: float = 0.0
    """Shift along x and y, uniform in [-value, value] of the side."""
    brightness: float = 0.0
    """Factor on the image's values, uniform in [1 - value, 1 + value]."""
    crop: float = 0.0
    """Share of the samples of which a random part (80 % of the area or more) is cut out and enlarged (StarGAN v2)."""

    def __post_init__(self) -> None:
        limits = {"rotate_degrees": 180.0, "scale": 0.9, "translate": 0.5, "brightness": 0.9, "crop": 1.0}
        check_ranges(self, "augment", {name: Range(0, limit) for name, limit in limits.items()})

    @property
    def moves_pixels(self) -> bool:
        """Whether more than a flip is asked for, so that pixels must be interpolated."""
        return bool(self.rotate_degrees or self.scale or self.translate)
