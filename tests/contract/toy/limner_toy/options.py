"""The toy's side of `limner generate`. No torch import."""

from argparse import ArgumentParser, Namespace
from functools import partial
from pathlib import Path
from typing import Any

from limner.tasks import Mode, Rendering, Task, add_sampling_options, seed_blocks

DESCRIPTION = "Make clips of captions."
EXAMPLES = ("limner generate toy --weights runs/toy --caption 'a red circle' --out clips",)


def add_options(parser: ArgumentParser) -> None:
    parser.add_argument("--caption", default=None, metavar="TEXT", help="what to show")
    add_sampling_options(parser)


def _clips(pipeline: Any, options: Namespace) -> list[Task]:
    plan = partial(pipeline.plan, options.caption, batch_size=options.batch_size or 1)
    return [
        Rendering(pipeline, partial(plan, seed=seed, num_images=count), Path(options.out), name)
        for name, seed, count in seed_blocks(options)
    ]


MODES = (Mode(_clips, ("--caption", "--seed", "--num-images", "--batch-size"), ("--caption",), title="clips"),)
