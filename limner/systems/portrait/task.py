"""What portrait is about: photos are edited through their label maps."""

from __future__ import annotations

from limner.task import LABEL_MAP_OPTIONS, Task

TASK = Task(
    gives="picture",
    needs=("image", "label_map"),
    conditions={"--photo": "image", "--map": "label_map"},
    data_options=LABEL_MAP_OPTIONS,
    judges=("parser",),
    features=("people", "inception", "parser"),
    tables=("portrait-experiments",),
    seeded=False,
    extras={"landmarks": "find faces in photos that are not cut (--align)"},
)
