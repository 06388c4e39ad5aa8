"""What the systems that show people in other poses declare. No torch import."""

from __future__ import annotations

from limner.task import Task


def pose_task(*, parsing: bool = False, seeded: bool = False, stages: tuple[str, ...] = ()) -> Task:
    """Pairs of pictures of one person in, pictures out; scored beside the true pictures of the pose.

    Args:
        parsing: whether the system needs a label map of the photo.
        seeded: whether a seed changes a picture.
        stages: of its training, if there are several.
    """
    return Task(
        gives="picture",
        needs=("image", "keypoints", "pairs", *(("label_map",) if parsing else ())),
        conditions={
            "--photo": "image",
            **({"--parsing": "label_map"} if parsing else {}),
            "--source-pose": "keypoints",
            "--pose": "keypoints",
        },
        data_options=("kind",),
        also_judges=("keypoints", "facts"),
        features=("people", "inception"),
        tables=("scagan-deepfashion", "scagan-ablation"),
        seeded=seeded,
        stages=stages,
        extras={"video": "write sequences as MP4"},
    )
