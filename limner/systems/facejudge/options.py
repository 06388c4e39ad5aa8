"""The side of the face judge in `limner generate`: what it sees in photos. No torch import."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from limner.errors import missing
from limner.tasks import Task, input_files, verdicts

if TYPE_CHECKING:
    from limner.systems.facejudge.pipeline import FaceJudgePipeline

DESCRIPTION = "Say how old faces look, and write their embeddings: one JSON file a photo."
EXAMPLES = (
    "limner generate facejudge --photo face.jpg --out ages",
    "limner generate facejudge --photo faces/ --out ages",
)


def add_options(parser: ArgumentParser) -> None:
    """Add the options of this system."""
    parser.add_argument(
        "--photo", nargs="+", default=[], metavar="FILE|DIR", help="square photos of a face, cut as UTKFace's"
    )


def make_tasks(pipeline: FaceJudgePipeline, options: Namespace) -> list[Task]:
    """One file a photo.

    Raises:
        ConfigError: if no photo is named.
        DataError: if a file is missing.
    """
    from limner.data.image_io import PHOTO_SUFFIXES

    if not options.photo:
        raise missing(["--photo"], example=EXAMPLES[0])
    photos = input_files(options.photo, PHOTO_SUFFIXES, "picture")
    return verdicts(pipeline, pipeline, photos, Path(options.out))
