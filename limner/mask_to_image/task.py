"""What systems that paint label maps declare of themselves. No torch import."""

from __future__ import annotations

from limner.data.fields import Field
from limner.task import LABEL_MAP_OPTIONS, DataOption, Task


def label_map_task(*, tables: tuple[str, ...], uses: tuple[Field, ...] = (), seeded: bool = True) -> Task:
    """The task of painting a label map, judged by a parser.

    Args:
        tables: published tables that its numbers can stand beside.
        uses: fields that it uses where the data have them.
        seeded: whether a seed changes the pictures.
    """
    attributes: tuple[DataOption, ...] = ("attributes",) if "attributes" in uses else ()
    return Task(
        gives="picture",
        needs=("image", "label_map"),
        uses=uses,
        conditions={"--label-map": "label_map"},
        data_options=(*LABEL_MAP_OPTIONS, *attributes),
        judges=("parser",),
        features=("people", "inception", "parser"),
        tables=tables,
        seeded=seeded,
    )
