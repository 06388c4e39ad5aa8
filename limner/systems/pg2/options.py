"""The side of PG2 in `limner generate`. No torch import, so that `--help` stays fast."""

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

DESCRIPTION = "Show a person of a photo in another pose, or moving through poses."
EXAMPLES = (
    "limner generate pg2 --weights runs/pg2 --photo me.jpg --source-pose me.json --pose wave.json --out waving",
    "limner generate pg2 --weights runs/pg2 --photo me.jpg --poses dance.json --motion dance.mp4 --out dance",
)


def add_options(parser: ArgumentParser) -> None:
    """Add the options of this system."""
    add_pose_options(parser)


MODES = pose_modes()
