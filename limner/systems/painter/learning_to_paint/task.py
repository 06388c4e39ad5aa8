"""What learning-to-paint is about: the painter's task without attention."""

from __future__ import annotations

import dataclasses

from limner.systems.painter.task import TASK as PAINTER

TASK = dataclasses.replace(PAINTER, uses=(), stages=("renderer", "agent"))
