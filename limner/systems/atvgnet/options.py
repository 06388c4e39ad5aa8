"""The side of ATVGnet in `limner generate`. No torch import, so that `--help` stays fast."""

from __future__ import annotations

from limner.talking_faces.options import talking_options

OPTIONS = talking_options(
    ("talk",),
    "limner generate atvgnet --weights runs/atvgnet --photo face.jpg --audio speech.wav --out talking",
)
