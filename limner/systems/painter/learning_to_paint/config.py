"""The configuration of Learning to Paint: the painter's own, with defaults of its own in `presets`."""

from __future__ import annotations

from dataclasses import dataclass

from limner.systems.painter.config import PainterConfig


@dataclass(frozen=True)
class LearningToPaintConfig(PainterConfig):
    """A complete training run of one stage of Learning to Paint."""
