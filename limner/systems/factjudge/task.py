"""What the judge of facts is about."""

from __future__ import annotations

from limner.task import Task

TASK = Task(
    gives="verdict",
    needs=("image", "captions"),
    conditions={"--photo": "image"},
    data_options=("kind", "fit"),
    judges_as="facts",
    seeded=False,
)
