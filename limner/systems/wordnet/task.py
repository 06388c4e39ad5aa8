"""What the lip reader is about."""

from __future__ import annotations

from limner.task import Task

TASK = Task(
    gives="verdict",
    needs=("video", "audio", "captions"),
    uses=("identity",),
    conditions={"--clip": "video"},
    judges_as="word-reader",
    seeded=False,
    extras={"video": "read clips"},
)
