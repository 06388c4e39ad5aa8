"""The side of the lip reader in `limner generate`: the words of clips. No torch import."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from functools import partial
from typing import TYPE_CHECKING

from limner.tasks import Mode, Task, verdict_tasks

if TYPE_CHECKING:
    from limner.systems.wordnet.pipeline import WordNetPipeline

DESCRIPTION = "Read the lips of a face that speaks one word: one JSON file a clip."
EXAMPLES = (
    "limner generate wordnet --clip talk.mp4 --out words",
    "limner generate wordnet --weights runs/wordnet --clip clips/ --top 3 --out words",
)


def add_options(parser: ArgumentParser) -> None:
    """Add the options of this system."""
    parser.add_argument("--clip", nargs="+", default=[], metavar="FILE|DIR", help="videos of one face that fills them")
    parser.add_argument("--top", type=int, default=None, metavar="N", help="words to name (else 5, or all if fewer)")


def _verdicts(pipeline: WordNetPipeline, options: Namespace) -> list[Task]:
    judge = partial(pipeline, top=options.top)
    return verdict_tasks(pipeline, options, "clip", judge=judge, asked={"top": options.top})


MODES = (Mode(_verdicts, ("--clip", "--top"), ("--clip",), title="clips"),)
