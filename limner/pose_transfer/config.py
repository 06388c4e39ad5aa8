"""How systems of pose transfer read their data. No torch import, so `--help` stays fast."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PairConfig:
    """How the data are read."""

    kind: str = "auto"
    """Layout of the folder: deepfashion-inshop; auto looks."""
    flip: bool = False
    """Mirror half of the pairs; left and right change their names with it. Not in the papers."""
