"""The side of the judge of facts in `limner generate`: what it sees in pictures. No torch import."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from limner.errors import DataError, missing
from limner.tasks import Outcome, Task, input_files, unique_names

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
    return [
        Judging(pipeline, photo, Path(options.out) / f"{name}.json") for name, photo in unique_names(photos).items()
    ]


@dataclass(frozen=True)
class Judging:
    """Write what the judge sees in a picture."""

    pipeline: FactJudgePipeline
    photo: Path
    path: Path

    def run(self, *, force: bool) -> Outcome:
        """See `limner.tasks.Task`.

        Raises:
            DataError: if the picture cannot be read, or the file is of other weights.
        """
        import json

        from limner.files import read_json, write_text_atomically

        if self.path.exists() and not force:
            try:
                is_same = read_json(self.path)["weights_hash"] == self.pipeline.weights_hash
            except (DataError, LookupError, TypeError):
                is_same = False
            if not is_same:
                raise DataError(
                    f"{self.path} is there already, but not as a verdict of the weights {self.pipeline.weights_name}; "
                    "give another --out, or --force to replace it."
                )
            return Outcome([self.path], skipped=True, what="verdict")
        found = {"photo": self.photo.name, "facts": self.pipeline(self.photo), **self.pipeline.provenance}
        write_text_atomically(self.path, json.dumps(found, indent=2) + "\n")
        return Outcome([self.path], skipped=False, what="verdict")
