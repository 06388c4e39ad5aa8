"""The side of the face judge in `limner generate`: what it sees in photos. No torch import."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from limner.tasks import Mode, Task, verdict_tasks

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


def _verdicts(pipeline: FaceJudgePipeline, options: Namespace) -> list[Task]:
    return verdict_tasks(pipeline, options, "photo")


MODES = (Mode(_verdicts, ("--photo",), ("--photo",), title="photos"),)
