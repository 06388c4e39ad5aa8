"""The side of CAAE in `limner generate`. No torch import, so that `--help` stays fast."""

from __future__ import annotations

from argparse import ArgumentParser

from limner.ageing.options import add_face_options, age_modes

DESCRIPTION = "Bring faces to other ages: all ten age groups, single years, or the way from one age to another."
EXAMPLES = (
    "limner generate caae --weights runs/caae --photo me.jpg --gender female --out ages",
    "limner generate caae --weights runs/caae --photo me.jpg --walk 11-20 80+ --motion morph.gif --out walk",
)
OUTPUTS = ("motion",)
"""Options that name files to be written."""


def add_options(parser: ArgumentParser) -> None:
    """Add the options of this system."""
    add_face_options(parser)
    parser.add_argument("--gender", choices=["male", "female"], default=None, help="a label that the weights take")


MODES = age_modes(extra=("--gender",))
