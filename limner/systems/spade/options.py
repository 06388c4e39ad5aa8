"""SPADE's side of `limner generate`. No torch import, so that `--help` stays fast."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from limner.mask_to_image.options import PAINT, add_label_map_options, picture_tasks
from limner.tasks import Mode, Task, add_sampling_options

if TYPE_CHECKING:
    from limner.systems.spade.pipeline import SPADEPipeline

DESCRIPTION = "Paint label maps; the look comes from a seed or from a photo, if the weights have an encoder."
EXAMPLES = (
    "limner generate spade --weights runs/spade --label-map map.png --seed 7 --num-images 4 --out pictures",
    "limner generate spade --weights runs/spade --label-map map.png --style photo.png --out like-the-photo",
)


def add_options(parser: ArgumentParser) -> None:
    """Add the options of this system."""
    add_label_map_options(parser)
    parser.add_argument("--style", default=None, metavar="FILE", help="square photo whose look the pictures take")
    add_sampling_options(parser)


def _pictures(pipeline: SPADEPipeline, options: Namespace) -> list[Task]:
    return picture_tasks(pipeline, pipeline.plan, options, style=options.style)


MODES = (Mode(_pictures, (*PAINT, "--style"), ("--label-map",)),)
