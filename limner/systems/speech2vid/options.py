"""The side of Speech2Vid in `limner generate`. No torch import, so that `--help` stays fast."""

from __future__ import annotations

from limner.talking_faces.options import talking_options

OPTIONS = talking_options(
    ("talk", "coarse"),
    "limner generate speech2vid --weights runs/speech2vid --photo face.jpg --audio speech.wav --out talking",
)
