"""What systems of talking faces are about. No torch import."""

from __future__ import annotations

from limner.task import Task

TALKING_FACES = Task(
    gives="clip",
    needs=("video", "audio"),
    uses=("captions", "identity"),
    conditions={"--photo": "image", "--audio": "audio"},
    also_judges=("word-reader", "synchrony"),
    tables=("avwnet-lrw", "avwnet-grid"),
    seeded=False,
    extras={"video": "read and write clips", "speech": "say a text", "landmarks": "find the face in a photo"},
)
"""A photo and speech become a talking video."""
