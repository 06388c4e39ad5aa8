"""CycleGAN's side of `limner generate`. No torch import, so that `--help` stays fast."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from limner.mask_to_image.options import PLAIN, add_label_map_options
from limner.tasks import Mode, Task, add_sampling_options, input_files, labelling_tasks

if TYPE_CHECKING:
    from limner.systems.cyclegan.pipeline import CycleGANPipeline

DESCRIPTION = "Paint label maps, one picture each (there is no noise); or label the pixels of pictures."
EXAMPLES = (
    "limner generate cyclegan --weights runs/cyclegan --label-map map.png --out pictures",
    "limner generate cyclegan --weights runs/cyclegan --segment photo.png --out maps",
)


def add_options(parser: ArgumentParser) -> None:
    """Add the options of this system."""
    add_label_map_options(parser)
    parser.add_argument("--segment", nargs="+", default=[], metavar="FILE|DIR", help="label the pixels of pictures")
    add_sampling_options(parser)


def _segment(pipeline: CycleGANPipeline, options: Namespace) -> list[Task]:
    from limner.data.image_io import PHOTO_SUFFIXES

    images = input_files(options.segment, PHOTO_SUFFIXES, "picture")
    return labelling_tasks(pipeline.segment, pipeline, images, Path(options.out))


MODES = (PLAIN, Mode(_segment, flag="--segment"))
