"""The fields that a sample may have, by the names that readers, tasks and commands use. No torch import."""

from __future__ import annotations

from typing import Literal

Field = Literal[
    "image",
    "label_map",
    "attributes",
    "landmarks",
    "keypoints",
    "captions",
    "age_group",
    "identity",
    "video",
    "audio",
    "mask",
    "pairs",
]

IN_WORDS: dict[Field, str] = {
    "image": "pictures",
    "label_map": "label maps",
    "attributes": "attributes",
    "landmarks": "landmarks",
    "keypoints": "key points",
    "captions": "captions",
    "age_group": "age groups",
    "identity": "identities",
    "video": "videos",
    "audio": "sound",
    "mask": "masks",
    "pairs": "pairs of pictures",
}
"""What a message calls each field, in the plural."""
