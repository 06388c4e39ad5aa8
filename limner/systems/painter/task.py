"""What the painter is about: any picture, painted stroke by stroke; the picture itself is the judge."""

from __future__ import annotations

from limner.task import Task

TASK = Task(
    gives="strokes",
    uses=("mask",),
    conditions={"--image": "image"},
    data_options=(),
    features=("inception",),
    stages=("renderer", "attention", "agent", "joint"),
    seeded=False,
    extras={"video": "write time lapses as MP4 (--video)", "brush": "draw strokes at full speed"},
)
