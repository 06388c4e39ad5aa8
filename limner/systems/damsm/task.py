"""What DAMSM is about: how well captions and pictures fit together."""

from __future__ import annotations

from limner.task import Task

TASK = Task(
    gives="verdict",
    needs=("image", "captions"),
    conditions={"--photo": "image", "--caption": "captions"},
    data_options=("kind", "fit"),
    judges_as="image-text",
    seeded=False,
)
