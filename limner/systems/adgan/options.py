"""The side of ADGAN in `limner generate`. No torch import, so that `--help` stays fast."""

from __future__ import annotations

from argparse import ArgumentParser

from limner.pose_transfer.options import (
    OUTPUTS,
    READS_SQUARES,
    add_evaluate_options,
    add_pose_options,
    evaluate_arguments,
    pose_modes,
)

__all__ = [
    "DESCRIPTION",
    "EXAMPLES",
    "MODES",
    "OUTPUTS",
    "READS_SQUARES",
    "add_evaluate_options",
    "add_options",
    "evaluate_arguments",
]

DESCRIPTION = "Show a person of a photo, whose parts are known, in another pose, or moving through poses."
EXAMPLES = (
    "limner generate adgan --weights runs/adgan --photo me.jpg --parsing parts.png --pose wave.json --out waving",
    "limner generate adgan --weights runs/adgan --photo me.jpg --parsing parts.png --poses dance.json --out dance",
)


def add_options(parser: ArgumentParser) -> None:
    """Add the options of this system."""
    add_pose_options(parser, has_parsing=True)


MODES = pose_modes(has_parsing=True)
