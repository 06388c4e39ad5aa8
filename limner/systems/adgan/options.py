"""The side of ADGAN in `limner generate`. No torch import, so that `--help` stays fast."""

from __future__ import annotations

from limner.pose_transfer.options import pose_options

OPTIONS = pose_options(
    "adgan",
    has_parsing=True,
    description="Show a person of a photo, whose parts are known, in another pose, or moving through poses.",
    examples=(
        "--photo me.jpg --parsing parts.png --pose wave.json --out waving",
        "--photo me.jpg --parsing parts.png --poses dance.json --out dance",
    ),
)
