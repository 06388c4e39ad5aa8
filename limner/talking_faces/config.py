"""How clips are read for training. No torch import, so `--help` stays fast."""

from __future__ import annotations

from dataclasses import dataclass

from limner.data.config import Fit
from limner.ranges import Range, check_ranges


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
        check_ranges(self, "dataset", {"num_frames": Range(1, 1_000)})
