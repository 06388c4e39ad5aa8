"""The side of StackGAN in `limner generate`. No torch import, so that `--help` stays fast."""

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

DESCRIPTION = "Paint captions in two stages, as StackGAN does that HfGAN is compared with."
EXAMPLES = (
    'limner generate stackgan --weights runs/stackgan --caption "a woman with red hair" --num-images 4 --out woman',
    'limner generate stackgan --weights runs/stackgan --caption "a man with brown hair" --swap "brown=red" --out swap',
)
READS_SQUARES = False


def add_options(parser: ArgumentParser) -> None:
    """Add the options of this system."""
    add_caption_options(parser, attention=False)


MODES = caption_modes(attention=False)
