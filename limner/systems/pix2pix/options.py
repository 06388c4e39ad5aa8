"""pix2pix's side of `limner generate`. No torch import, so that `--help` stays fast."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from limner.mask_to_image.options import add_label_map_options, picture_tasks
from limner.tasks import Task, add_sampling_options

if TYPE_CHECKING:
    from limner.systems.pix2pix.pipeline import Pix2PixPipeline

DESCRIPTION = "Paint label maps; seeds decide what dropout drops, which changes little."
EXAMPLES = (
    "limner generate pix2pix --weights runs/pix2pix --label-map map.png --seed 7 --num-images 4 --out pictures",
)


def add_options(parser: ArgumentParser) -> None:
    """Add the options of this system."""
    add_label_map_options(parser)
    add_sampling_options(parser)


def make_tasks(pipeline: Pix2PixPipeline, options: Namespace) -> list[Task]:
    """Plain pictures; see `picture_tasks`."""
    return picture_tasks(pipeline, pipeline.plan, options)
