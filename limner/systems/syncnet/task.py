"""What the judge of synchrony is about."""

from __future__ import annotations

from limner.task import Task

TASK = Task(
    gives="verdict",
    needs=("video", "audio"),
    uses=("identity",),
    conditions={"--clip": "video"},
    judges_as="synchrony",
    seeded=False,
    extras={"video": "read clips"},
)
