"""What the systems that change ages declare. No torch import."""

from __future__ import annotations

from limner.task import Task


def ageing_task() -> Task:
    """Faces with landmarks and age groups in, pictures out; scored by judges of age and, where named, of identity."""
    return Task(
        gives="picture",
        needs=("image", "landmarks", "age_group"),
        uses=("identity",),
        conditions={"--photo": "image"},
        data_options=("kind",),
        judges=("age",),
        also_judges=("face-embedding",),
        tables=("lgcgan-ages", "lgcgan-age-differences", "lgcgan-verification"),
        seeded=False,
        extras={"landmarks": "find the face in any photo", "video": "write videos"},
    )
