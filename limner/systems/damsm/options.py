"""The side of DAMSM in `limner generate`: how well photos fit captions. No torch import."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from limner.errors import ConfigError, DataError
from limner.tasks import Outcome, Task, input_files, unique_names

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
    return [
        Scoring(pipeline, photo, tuple(captions), Path(options.out) / f"{name}.json")
        for name, photo in unique_names(photos).items()
    ]


@dataclass(frozen=True)
class Scoring:
    """Write how well a picture fits captions."""

    pipeline: DAMSMPipeline
    photo: Path
    captions: Sequence[str]
    path: Path

    def run(self, *, force: bool) -> Outcome:
        """See `limner.tasks.Task`.

        Raises:
            ConfigError, DataError: if a caption or the picture cannot be used, or the file is of other captions.
        """
        import json

        from limner.files import read_json, write_text_atomically

        if self.path.exists() and not force:
            try:
                found = read_json(self.path)
                texts = [one["caption"] for one in found["scores"]]
                is_same = texts == list(self.captions) and found["weights_hash"] == self.pipeline.weights_hash
            except (DataError, LookupError, TypeError):
                is_same = False
            if not is_same:
                raise DataError(
                    f"{self.path} is there already, but not as the scores of these captions by the weights "
                    f"{self.pipeline.weights_name}; give another --out, or --force to replace it."
                )
            return Outcome([self.path], skipped=True, what="verdict")
        (scores,) = self.pipeline(self.photo, list(self.captions))
        text = json.dumps({"photo": self.photo.name, **scores, **self.pipeline.provenance}, indent=2)
        write_text_atomically(self.path, text + "\n")
        return Outcome([self.path], skipped=False, what="verdict")
