"""What the systems that paint captions declare. No torch import."""

from __future__ import annotations

from limner.task import Task


def caption_task() -> Task:
    """Captioned pictures in, pictures out; scored by a DAMSM, and by a judge of facts where one is named."""
    return Task(
        gives="picture",
        needs=("image", "captions"),
        conditions={"--caption": "captions"},
        data_options=("kind", "fit"),
        judges=("image-text",),
        also_judges=("facts",),
        features=("people", "inception"),
        extras={"video": "write videos"},
    )
