"""The side of SCA-GAN in `limner generate`. No torch import, so that `--help` stays fast."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from limner.errors import ConfigError
from limner.pose_transfer.options import (
    OUTPUTS,
    PHOTO,
    READS_SQUARES,
    SEEDS,
    add_evaluate_options,
    add_pose_options,
    common,
    evaluate_arguments,
    photo_tasks,
    pose_modes,
)
from limner.tasks import Mode, Task

if TYPE_CHECKING:
    from limner.plan import GenerationPlan
    from limner.systems.scagan.pipeline import SCAGANPipeline

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

DESCRIPTION = "Show a person of a photo in another pose, moving through poses, or in somebody else's clothes."
EXAMPLES = (
    "limner generate scagan --photo me.jpg --source-pose me.json --pose wave.json --out waving",
    "limner generate scagan --photo people/ --source-pose people/ --pose other.jpg --show picture content --out same",
    "limner generate scagan --photo me.jpg --poses dance.json --steps 12 --motion dance.mp4 --out dance",
    "limner generate scagan --photo me.jpg --clothes friend.jpg --out dressed",
    "limner generate scagan --photo me.jpg --pose wave.json --content edited.png --out redrawn",
)


def add_options(parser: ArgumentParser) -> None:
    """Add the options of this system."""
    add_pose_options(parser, views=("edges", "plates", "content", "moved"), seeded=True)
    more = parser.add_argument_group("other lines or other clothes (one of)")
    more.add_argument("--clothes", default=None, metavar="PHOTO", help="whose clothes the person of --photo gets")
    more.add_argument("--content", default=None, metavar="PICTURE", help="edges to paint in that pose: dark on white")
    more.add_argument(
        "--clothes-pose", default=None, metavar="FILE", help="key points of the photo that --clothes names"
    )


def _dress(pipeline: SCAGANPipeline, options: Namespace) -> list[Task]:
    if len(options.pose) > 1:
        raise ConfigError(f"--clothes goes with one --pose at most, but {len(options.pose)} were given.")

    def plan(photo: Path) -> GenerationPlan:
        pose = options.pose[0] if options.pose else None
        given = {"pose": pose, "clothes_pose": options.clothes_pose, "show": options.show}
        return pipeline.dress.plan(str(photo), options.clothes, **given, **common(options, photo, seeds=True))

    return photo_tasks(pipeline, options, plan)


def _redraw(pipeline: SCAGANPipeline, options: Namespace) -> list[Task]:
    if len(options.pose) != 1:
        raise ConfigError(f"--content is drawn in one pose: give one --pose, not {len(options.pose)}.")

    def plan(photo: Path) -> GenerationPlan:
        given = {"show": options.show, **common(options, photo, seeds=True)}
        return pipeline.redraw.plan(str(photo), options.pose[0], options.content, **given)

    return photo_tasks(pipeline, options, plan)


_READS = (*PHOTO, *SEEDS, "--pose", "--show")
MODES = (
    *pose_modes(seeded=True),
    Mode(_dress, (*_READS, "--clothes-pose"), ("--photo",), "--clothes"),
    Mode(_redraw, _READS, ("--photo", "--pose"), "--content"),
)
