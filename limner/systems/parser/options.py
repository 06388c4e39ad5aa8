"""The parser's side of `limner generate`. No torch import, so that `--help` stays fast."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from limner.tasks import Mode, Task, input_files, labelling_tasks

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from limner.systems.parser.pipeline import ParserPipeline

DESCRIPTION = "Label the pixels of pictures: one palette PNG of class ids a picture."
EXAMPLES = ("limner generate parser --image photo.jpg --out maps", "limner generate parser --image photos/ --out maps")


READS_SQUARES = False


def add_options(parser: ArgumentParser) -> None:
    """Add the options of this system."""
    parser.add_argument(
        "--image", nargs="+", default=[], metavar="FILE|DIR", help="pictures; cut to a centred square and resized"
    )


def _parse(pipeline: ParserPipeline, options: Namespace) -> list[Task]:
    from limner.data.image_io import PHOTO_SUFFIXES

    def segment(path: Path) -> NDArray[np.uint8]:
        label_map: NDArray[np.uint8] = pipeline(path).label_maps[0]
        return label_map

    images = input_files(options.image, PHOTO_SUFFIXES, "picture")
    return labelling_tasks(segment, pipeline, images, Path(options.out))


MODES = (Mode(_parse, ("--image",), ("--image",), title="pictures"),)
