"""The side of AVWnet in `limner generate`. No torch import, so that `--help` stays fast."""

from __future__ import annotations

from limner.talking_faces.options import talking_options

OPTIONS = talking_options(
    ("talk", "coarse", "both", "attention"),
    "limner generate avwnet --photo face.jpg --audio speech.wav --out talking",
    "limner generate avwnet --photo face.jpg --audio speech.mp3 --show talk both attention --out talking",
    'limner generate avwnet --photo face.jpg --text "good morning" --paste-back --out talking',
    "limner generate avwnet --photo faces/ --audio speeches/ --read-back wordnet-people-64 --out all",
    has_gain=True,
)
