"""The side of the judge of synchrony in `limner generate`. No torch import."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from limner.tasks import Mode, Task, verdict_tasks

if TYPE_CHECKING:
    from limner.systems.syncnet.pipeline import SyncNetPipeline

DESCRIPTION = "Say how well mouth and speech of clips belong together in time: one JSON file a clip."
EXAMPLES = (
    "limner generate syncnet --weights runs/syncnet --clip talk.mp4 --out synchrony",
    "limner generate syncnet --weights runs/syncnet --clip clips/ --out synchrony",
)


def add_options(parser: ArgumentParser) -> None:
    """Add the options of this system."""
    parser.add_argument(
        "--clip", nargs="+", default=[], metavar="FILE|DIR", help="videos with sound of one face that fills them"
    )


def _verdicts(pipeline: SyncNetPipeline, options: Namespace) -> list[Task]:
    return verdict_tasks(pipeline, options, "clip")


MODES = (Mode(_verdicts, ("--clip",), ("--clip",), title="clips"),)
