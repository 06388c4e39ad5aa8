"""SCGAN's side of `limner generate`. No torch import, so that `--help` stays fast."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limner.errors import ConfigError
from limner.mask_to_image.options import MAPS, PAINT, add_map_of, label_maps, map_tasks, picture_tasks
from limner.tasks import (
    Mode,
    Rendering,
    Task,
    add_sampling_options,
    check_num_images,
    input_files,
    labelling_tasks,
    named_values,
)

if TYPE_CHECKING:
    from limner.systems.scgan.pipeline import SCGANPipeline

MAX_GRID_ROWS = 1_000  # all pictures of a grid are held in memory, and go on one sheet
DESCRIPTION = "Draw pictures from a label map, attributes and a seed; or label the pixels of a picture."
EXAMPLES = (
    "limner generate scgan --label-map map.png --attribute Male=1 --seed 7 --num-images 4 --out pictures",
    "limner generate scgan --label-map map.png --grid --num-images 4 --out grid",
    "limner generate scgan --label-map map.png --change Blond_Hair=1 --steps 10 --out change",
    "limner generate scgan --label-map a.png b.png c.png --interpolate all --change Male=1 --out walk",
    "limner generate scgan --label-map edited.png --like pictures/result.json --out edited",
    "limner generate scgan --segment photo.png --out maps",
)


def add_options(parser: ArgumentParser) -> None:
    """Add the options of this system."""
    inputs = parser.add_argument_group("what to draw")
    inputs.add_argument("--label-map", nargs="+", default=[], metavar="FILE|DIR", help="label maps: class ids as PNG")
    add_map_of(inputs)
    inputs.add_argument(
        "--schema", default=None, metavar="NAME", help="label schema of the maps (else the weights' own)"
    )
    inputs.add_argument(
        "--attribute", action="append", default=[], metavar="NAME=VALUE", help="value from 0 to 1; unnamed ones are 0"
    )
    add_sampling_options(parser)
    modes = parser.add_argument_group("instead of plain pictures (one of)")
    modes.add_argument("--grid", action="store_true", help="a sheet: one row a seed, one column a set of attributes")
    modes.add_argument(
        "--interpolate", choices=("z", "c", "s", "all"), default=None, help="walk through latents, attributes, maps"
    )
    modes.add_argument("--like", default=None, metavar="RESULT.json", help="this map with an earlier result's z and c")
    modes.add_argument("--segment", nargs="+", default=[], metavar="FILE|DIR", help="label the pixels of pictures")
    walk = parser.add_argument_group("of a walk")
    walk.add_argument(
        "--change", action="append", default=[], metavar="NAME=VALUE", help="where c ends; alone: --interpolate c"
    )
    walk.add_argument("--steps", type=int, default=None, metavar="N", help="pictures, both ends included (else 10)")
    walk.add_argument("--to-seed", type=int, default=None, metavar="N", help="where z ends (else --seed + 1)")


def _pictures(pipeline: SCGANPipeline, options: Namespace) -> list[Task]:
    attributes = named_values(options.attribute, "--attribute")
    return picture_tasks(pipeline, pipeline.plan, options, attributes=attributes)


def _grid(pipeline: SCGANPipeline, options: Namespace) -> list[Task]:
    check_num_images(options, MAX_GRID_ROWS)
    seeds = range(options.seed, options.seed + options.num_images)
    common = {"seeds": seeds, "schema": options.schema, "batch_size": options.batch_size}
    return map_tasks(pipeline, pipeline.grid.plan, options, **common)


def _walk(pipeline: SCGANPipeline, options: Namespace) -> list[Task]:
    what: Any = options.interpolate or "c"
    for flag, is_given, ways in (("--change", options.change, "c all"), ("--to-seed", options.to_seed, "z all")):
        if is_given not in (None, []) and what not in ways.split():
            raise ConfigError(f"{flag} has no effect with --interpolate {what}; leave it out.")
    plan = partial(
        pipeline.interpolate.plan,
        [str(file) for file in label_maps(options)],
        named_values(options.attribute, "--attribute"),
        what=what,
        target=named_values(options.change, "--change"),
        steps=options.steps,
        seed=options.seed,
        to_seed=options.to_seed,
        schema=options.schema,
        batch_size=options.batch_size,
    )
    return [Rendering(pipeline, plan, Path(options.out))]


def _like(pipeline: SCGANPipeline, options: Namespace) -> list[Task]:
    from limner.results import read_result

    like = read_result(options.like)["plan"]
    return map_tasks(pipeline, pipeline.rerender.plan, options, like=like, schema=options.schema)


def _segment(pipeline: SCGANPipeline, options: Namespace) -> list[Task]:
    from limner.data.image_io import PHOTO_SUFFIXES

    images = input_files(options.segment, PHOTO_SUFFIXES, "picture")
    return labelling_tasks(pipeline.segment, pipeline, images, Path(options.out))


_WALK = (*MAPS, "--attribute", "--change", "--steps", "--seed", "--batch-size")
MODES = (
    Mode(_pictures, (*PAINT, "--attribute"), ("--label-map",)),
    Mode(_grid, PAINT, ("--label-map",), "--grid"),
    Mode(_walk, (*_WALK, "--to-seed"), ("--label-map",), "--interpolate"),
    Mode(_walk, _WALK, ("--label-map",), "--change"),
    Mode(_like, MAPS, ("--label-map",), "--like"),
    Mode(_segment, flag="--segment"),
)
