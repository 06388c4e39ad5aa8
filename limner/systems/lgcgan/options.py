"""The side of LGcGAN in `limner generate`. No torch import, so that `--help` stays fast."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING, Any

from limner.ageing.options import add_face_options, age_modes
from limner.errors import ConfigError

if TYPE_CHECKING:
    from limner.plan import GenerationPlan
    from limner.systems.lgcgan.pipeline import LGcGANPipeline

DESCRIPTION = "Bring faces to other ages: all ten age groups, single years, or the way from one age to another."
EXAMPLES = (
    "limner generate lgcgan --photo me.jpg --out ages",
    "limner generate lgcgan --photo photos/ --age 31-40 68.5 --out two-ages",
    "limner generate lgcgan --photo me.jpg --walk 0-5 80+ --steps 48 --motion morph.gif --out walk",
    "limner generate lgcgan --photo 34_1_0_2017.jpg --younger --paste-back --out younger",
    "limner generate lgcgan --photo me.jpg --age 80+ --attention --out attention",
    "limner generate lgcgan --photo me.jpg --age 21-30 --edit open_mouth=1 --out edited",
)
OUTPUTS = ("motion",)
"""Options that name files to be written."""


def add_options(parser: ArgumentParser) -> None:
    """Add the options of this system."""
    add_face_options(parser)
    more = parser.add_argument_group("looks inside, and edits (one of)")
    more.add_argument("--round-trip", action="store_true", help="source, aged, brought back, difference; for one --age")
    more.add_argument("--attention", action="store_true", help="where the network changes the face, for each age")
    more.add_argument(
        "--edit",
        nargs="+",
        default=[],
        metavar="NAME=VALUE",
        help="edit landmarks, such as open_mouth=1; for one --age",
    )
    more.add_argument("--like-face", default=None, metavar="PHOTO", help="take another face's landmarks; for one --age")


def _one_age(options: Namespace) -> str:
    if options.age is None or len(options.age) != 1:
        raise ConfigError("--round-trip, --edit and --like-face are of one age: give one --age.")
    return str(options.age[0])


def _round_trip(pipeline: LGcGANPipeline, options: Namespace, photo: str, common: dict[str, Any]) -> GenerationPlan:
    return pipeline.round_trip.plan(photo, _one_age(options), options.from_age, **common)


def _attention(pipeline: LGcGANPipeline, options: Namespace, photo: str, common: dict[str, Any]) -> GenerationPlan:
    return pipeline.attention.plan(photo, options.age, **common)


def _edit(pipeline: LGcGANPipeline, options: Namespace, photo: str, common: dict[str, Any]) -> GenerationPlan:
    return pipeline.edit.plan(photo, _one_age(options), amounts(options.edit), **common)


def _like_face(pipeline: LGcGANPipeline, options: Namespace, photo: str, common: dict[str, Any]) -> GenerationPlan:
    return pipeline.edit.plan(photo, _one_age(options), like=options.like_face, **common)


MODES = age_modes(
    others={
        "--round-trip": (_round_trip, ("--age", "--from-age")),
        "--attention": (_attention, ("--age",)),
        "--edit": (_edit, ("--age",)),
        "--like-face": (_like_face, ("--age",)),
    }
)


def amounts(texts: list[str]) -> dict[str, float]:
    """`["open_mouth=1", "right=0.1"]` -> a mapping.

    Raises:
        ConfigError: if a text is not of that form or a name comes twice.
    """
    values: dict[str, float] = {}
    for text in texts:
        name, _, number = text.partition("=")
        try:
            value = float(number)
        except ValueError as error:
            raise ConfigError(f'--edit is "{text}"; it must be NAME=VALUE, such as open_mouth=1.') from error
        if name in values:
            raise ConfigError(f'--edit names "{name}" twice.')
        values[name] = value
    return values
