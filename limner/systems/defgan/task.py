"""What PATN is about: a person's photo, painted again in another pose."""

from __future__ import annotations

from limner.task import Task

TASK = Task(
    gives="picture",
    needs=("image", "keypoints", "pairs"),
    conditions={"--photo": "image", "--source-pose": "keypoints", "--pose": "keypoints"},
    data_options=("kind",),
    also_judges=("keypoints", "facts"),
    features=("people", "inception"),
    tables=("scagan-deepfashion", "scagan-ablation"),
    seeded=False,
    extras={"video": "write sequences as MP4"},
)
