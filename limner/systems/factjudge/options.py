"""The side of the judge of facts in `limner generate`: what it sees in pictures. No torch import."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from limner.errors import missing
from limner.tasks import Task, input_files, verdicts

if TYPE_CHECKING:
    from limner.systems.factjudge.pipeline import FactJudgePipeline

DESCRIPTION = "Say what pictures show of that which captions say: one JSON file a picture."
EXAMPLES = (
    "limner generate factjudge --weights runs/factjudge --photo face.png --out facts",
    "limner generate factjudge --weights runs/factjudge --photo pictures/ --out facts",
)


def add_options(parser: ArgumentParser) -> None:
    """Add the options of this system."""
    parser.add_argument("--photo", nargs="+", default=[], metavar="FILE|DIR", help="square pictures")


def make_tasks(pipeline: FactJudgePipeline, options: Namespace) -> list[Task]:
    """One file a picture.

    Raises:
        ConfigError: if no picture is named.
        DataError: if a file is missing.
    """
    from limner.data.image_io import PHOTO_SUFFIXES

    if not options.photo:
        raise missing(["--photo"], example=EXAMPLES[0])
    photos = input_files(options.photo, PHOTO_SUFFIXES, "picture")
    return verdicts(pipeline, lambda photo: {"facts": pipeline(photo)}, photos, Path(options.out))
