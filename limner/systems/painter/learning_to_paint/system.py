"""The training of Learning to Paint: the painter's, under its own name."""

from __future__ import annotations

from typing import ClassVar

from limner.systems.painter.learning_to_paint.pipeline import LearningToPaintPipeline
from limner.systems.painter.pipeline import PainterPipeline
from limner.systems.painter.system import Painter


class LearningToPaint(Painter):
    """Renderer or agent, without attention."""

    name: ClassVar[str] = "learning-to-paint"
    pipeline_class: ClassVar[type[PainterPipeline]] = LearningToPaintPipeline
