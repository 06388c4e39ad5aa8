"""The side of DAMSM in `limner generate`: how well photos fit captions. No torch import."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from limner.errors import ConfigError
from limner.tasks import Task, input_files, verdicts

if TYPE_CHECKING:
    from limner.systems.damsm.pipeline import DAMSMPipeline

DESCRIPTION = "Say how well captions fit pictures: one JSON file a picture."
EXAMPLES = (
    'limner generate damsm --photo face.png --caption "a man with a beard" "a woman with long hair" --out scores',
    "limner generate damsm --photo pictures/ --captions captions.txt --out scores",
)


def add_options(parser: ArgumentParser) -> None:
    """Add the options of this system."""
    parser.add_argument("--photo", nargs="+", default=[], metavar="FILE|DIR", help="square pictures")
    parser.add_argument("--caption", nargs="+", default=[], metavar="TEXT", help="sentences, each in quotes")
    parser.add_argument("--captions", default=None, metavar="FILE", help="a text file with one sentence a line")


def make_tasks(pipeline: DAMSMPipeline, options: Namespace) -> list[Task]:
    """One file a picture.

    Raises:
        ConfigError: if no picture or no caption is named.
        DataError: if a file is missing.
    """
    from limner.data.image_io import PHOTO_SUFFIXES
    from limner.text_to_image.words import caption_lines

    captions = [*options.caption, *(caption_lines(options.captions) if options.captions is not None else [])]
    if not options.photo or not captions:
        raise ConfigError("--photo and --caption are needed: name pictures, and sentences in quotes.")
    photos = input_files(options.photo, PHOTO_SUFFIXES, "picture")
    asked = {"captions": captions}
    return verdicts(pipeline, lambda photo: pipeline(photo, captions)[0], photos, Path(options.out), asked=asked)
