"""The side of AVWnet in `limner generate`. No torch import, so that `--help` stays fast."""

from __future__ import annotations

from argparse import ArgumentParser

from limner.talking_faces.options import (
    add_evaluate_options,
    add_talking_options,
    evaluate_arguments,
    talking_modes,
)

__all__ = ["DESCRIPTION", "EXAMPLES", "MODES", "add_evaluate_options", "add_options", "evaluate_arguments"]

DESCRIPTION = "Let the face in a photo say what is heard: MP4 with sound, of any length."
EXAMPLES = (
    "limner generate avwnet --photo face.jpg --audio speech.wav --out talking",
    "limner generate avwnet --photo face.jpg --audio speech.mp3 --show talk both attention --out talking",
    'limner generate avwnet --photo face.jpg --text "good morning" --paste-back --out talking',
    "limner generate avwnet --photo faces/ --audio speeches/ --read-back runs/wordnet --out all",
)
_VIEWS = ("talk", "coarse", "both", "attention")
MODES = talking_modes(views=_VIEWS, has_gain=True)


def add_options(parser: ArgumentParser) -> None:
    """Add the options of this system."""
    add_talking_options(parser, views=_VIEWS, has_gain=True)
