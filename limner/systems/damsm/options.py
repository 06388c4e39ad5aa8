"""The side of DAMSM in `limner generate`: how well photos fit captions. No torch import."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limner.errors import missing
from limner.tasks import Mode, Task, verdict_tasks

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


def _verdicts(pipeline: DAMSMPipeline, options: Namespace) -> list[Task]:
    """One file a picture, with the scores of all captions.

    Raises:
        ConfigError: if no caption is named.
        DataError: if a file is missing, or has a line without a word that the weights know.
    """
    from limner.text_to_image.words import caption_lines, vocabulary_of

    captions = list(options.caption)
    if options.captions is not None:
        captions += caption_lines(options.captions, vocabulary_of(pipeline.spec))
    if not captions:
        raise missing(["--caption"], example=EXAMPLES[0])

    def scores(photo: Path) -> dict[str, Any]:
        (found,) = pipeline(photo, captions)
        return found

    return verdict_tasks(pipeline, options, "photo", judge=scores, asked={"captions": captions})


MODES = (Mode(_verdicts, ("--photo", "--caption", "--captions"), ("--photo",), title="photos"),)
