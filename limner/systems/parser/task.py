"""What the parser is about: it labels pixels, and its judge are the label maps of its data."""

from __future__ import annotations

from limner.task import LABEL_MAP_OPTIONS, Task

TASK = Task(
    gives="label_map",
    needs=("image", "label_map"),
    uses=("attributes",),
    conditions={"--image": "image"},
    data_options=(*LABEL_MAP_OPTIONS, "attributes"),
    judges_as="parser",
    seeded=False,
)
