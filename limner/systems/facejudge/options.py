"""The side of the face judge in `limner generate`: what it sees in photos. No torch import."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from limner.errors import DataError, missing
from limner.tasks import Outcome, Task, input_files, unique_names

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
    return [
        Judging(pipeline, photo, Path(options.out) / f"{name}.json") for name, photo in unique_names(photos).items()
    ]


@dataclass(frozen=True)
class Judging:
    """Write what the judge says of a photo."""

    pipeline: FaceJudgePipeline
    photo: Path
    path: Path

    def run(self, *, force: bool) -> Outcome:
        """See `limner.tasks.Task`.

        Raises:
            DataError: if the photo cannot be read, or if a file is there that is not the verdict on this photo as it is
                now by these weights, and `force` is not set.
        """
        import json

        from limner.data.image_io import picture_size
        from limner.files import read_json, refuse_replaced_inputs, sha256_of, write_text_atomically

        refuse_replaced_inputs([self.path], [self.photo])
        picture_size(self.photo)  # refuses what is no picture before it is hashed
        made_by = {name: self.pipeline.provenance[name] for name in ("system", "weights_hash")}
        noted = {**made_by, "photo_sha256": sha256_of(self.photo)}
        if self.path.exists() and not force:
            there = read_json(self.path)
            if isinstance(there, dict) and noted.items() <= there.items():
                return Outcome([self.path], skipped=True, what="verdict")
            raise DataError(
                f"{self.path} is there already, but not as the verdict on {self.photo} as it is now by the weights "
                f"{self.pipeline.weights_name}; give another --out, or --force to replace it."
            )
        found = {"photo": self.photo.name, **self.pipeline(self.photo), **self.pipeline.provenance, **noted}
        write_text_atomically(self.path, json.dumps(found, indent=2) + "\n")
        return Outcome([self.path], skipped=False, what="verdict")
