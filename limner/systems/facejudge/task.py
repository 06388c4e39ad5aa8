"""What the judge of faces is about."""

from __future__ import annotations

from limner.task import Task

TASK = Task(
    gives="verdict",
    needs=("image", "landmarks", "age_group"),
    uses=("identity",),
    conditions={"--photo": "image"},
    data_options=("kind",),
    judges_as="age",
    seeded=False,
)
