"""The side of AttnGAN in `limner generate`. No torch import, so that `--help` stays fast."""

from __future__ import annotations

from argparse import ArgumentParser

from limner.text_to_image.options import (
    OUTPUTS,
    add_caption_options,
    add_evaluate_options,
    caption_modes,
    evaluate_arguments,
)

__all__ = ["DESCRIPTION", "EXAMPLES", "MODES", "OUTPUTS", "add_evaluate_options", "add_options", "evaluate_arguments"]

DESCRIPTION = "Paint captions, as HfGAN does that it is compared with."
EXAMPLES = (
    'limner generate attngan --weights runs/attngan --caption "a woman with long red hair" --num-images 4 --out woman',
    'limner generate attngan --weights runs/attngan --caption "a man with a beard" --attention --out attention',
)
READS_SQUARES = False


def add_options(parser: ArgumentParser) -> None:
    """Add the options of this system."""
    add_caption_options(parser)


MODES = caption_modes()
