"""The side of the judge of facts in `limner generate`: what it sees in pictures. No torch import."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from limner.tasks import Mode, Task, verdict_tasks

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


def _verdicts(pipeline: FactJudgePipeline, options: Namespace) -> list[Task]:
    return verdict_tasks(pipeline, options, "photo", judge=lambda photo: {"facts": pipeline(photo)})


MODES = (Mode(_verdicts, ("--photo",), ("--photo",), title="photos"),)
