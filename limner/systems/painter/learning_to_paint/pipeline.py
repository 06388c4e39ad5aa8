"""Painting with weights of Learning to Paint."""

from __future__ import annotations

from typing import ClassVar

from limner.systems.painter.pipeline import PainterPipeline


class LearningToPaintPipeline(PainterPipeline):
    """Paints pictures with strokes, every part of them alike."""

    name: ClassVar[str] = "learning-to-paint"
