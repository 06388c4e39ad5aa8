"""What a page may ask systems for that show a person in another pose."""

from __future__ import annotations

from dataclasses import replace

from limner.operations import Flag, Keypoints, Operation, Photo, Seed, Whole

HIDDEN = {
    "show": "the picture alone",
    "parsing": "found where the weights need it",
    "batch_size": "the server's",
}
REPOSE = Operation(
    "repose",
    plan="plan",
    title="Take another pose",
    fields={
        "photo": Photo(is_required=True, shows="body"),
        "pose": Keypoints(is_required=True),
        "source_pose": Keypoints(title="pose in the photo"),
        "swap_sides": Flag(title="exchange left and right"),
        "keep_background": Flag(title="keep the photo's background"),
        "seed": Seed(),
        "num_images": Whole(low=1, high=16, default=1, title="pictures"),
    },
    hidden=HIDDEN,
)

REPOSE_WITHOUT_CHANCE = replace(
    REPOSE,
    fields={name: one for name, one in REPOSE.fields.items() if name not in ("seed", "num_images")},
    hidden={**HIDDEN, "seed": "nothing is left to chance", "num_images": "all would be alike"},
)
"""The same of systems that draw one picture of a photo and a pose."""
