"""pix2pix's side of `limner generate`. No torch import, so that `--help` stays fast."""

from __future__ import annotations

from argparse import ArgumentParser

from limner.mask_to_image.options import PLAIN, add_label_map_options
from limner.tasks import add_sampling_options

DESCRIPTION = "Paint label maps; seeds decide what dropout drops, which changes little."
EXAMPLES = (
    "limner generate pix2pix --weights runs/pix2pix --label-map map.png --seed 7 --num-images 4 --out pictures",
)


def add_options(parser: ArgumentParser) -> None:
    """Add the options of this system."""
    add_label_map_options(parser)
    add_sampling_options(parser)


MODES = (PLAIN,)
