"""SCGAN's side of `limner generate`. No torch import, so that `--help` stays fast."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from limner.errors import ConfigError
from limner.mask_to_image.options import add_map_of
from limner.tasks import (
    Rendering,
    Task,
    add_sampling_options,
    check_num_images,
    input_files,
    labelling_tasks,
    named_values,
    seed_blocks,
    unique_names,
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


def make_tasks(pipeline: SCGANPipeline, options: Namespace) -> list[Task]:
    """The work that the options ask for.

    Raises:
        ConfigError: if options contradict each other.
        DataError: if a file is missing.
    """
    from limner.data.image_io import LABEL_SUFFIXES, PHOTO_SUFFIXES

    mode = _mode(options)
    out = Path(options.out)
    if mode == "segment":
        images = input_files(options.segment, PHOTO_SUFFIXES, "picture")
        return labelling_tasks(pipeline.segment, pipeline.spec.schema, images, out)
    files = input_files(options.label_map, LABEL_SUFFIXES, "label map")
    attributes = named_values(options.attribute, "--attribute")
    common = {"schema": options.schema, "batch_size": options.batch_size}
    if mode == "interpolate":
        plan = partial(
            pipeline.interpolate.plan,
            [str(file) for file in files],
            attributes,
            what=options.interpolate or "c",
            target=named_values(options.change, "--change"),
            steps=options.steps,
            seed=options.seed,
            to_seed=options.to_seed,
            **common,
        )
        return [Rendering(pipeline, plan, out)]
    tasks: list[Task] = []
    for name, file in unique_names(files).items():
        directory = out / name if len(files) > 1 else out
        if mode == "like":
            from limner.results import read_result

            like = read_result(options.like)["plan"]
            plan = partial(pipeline.rerender.plan, file, like=like, schema=options.schema)
            tasks.append(Rendering(pipeline, plan, directory))
        elif mode == "grid":
            check_num_images(options, MAX_GRID_ROWS)
            seeds = range(options.seed, options.seed + options.num_images)
            tasks.append(Rendering(pipeline, partial(pipeline.grid.plan, file, seeds, **common), directory))
        else:
            for result, seed, num_images in seed_blocks(options):
                plan = partial(pipeline.plan, file, attributes, seed=seed, num_images=num_images, **common)
                tasks.append(Rendering(pipeline, plan, directory, result))
    return tasks


def _mode(options: Namespace) -> str:
    """Which of the exclusive modes is asked for; options that the mode does not read are refused."""
    asked = {
        "--grid": options.grid,
        "--interpolate": options.interpolate is not None,
        "--change": bool(options.change) and options.interpolate is None,
        "--like": options.like is not None,
        "--segment": bool(options.segment),
    }
    modes = [flag for flag, value in asked.items() if value]
    if len(modes) > 1:
        raise ConfigError(f"{modes[0]} and {modes[1]} cannot go together; give one of them.")
    mode = modes[0].removeprefix("--").replace("change", "interpolate") if modes else "generate"
    if mode != "segment" and not options.label_map:
        raise ConfigError("--label-map is missing: name a label map (class ids as PNG), or a picture with --segment.")
    walks_c = options.interpolate in (None, "c", "all")
    unused = {
        "--label-map": options.label_map and mode == "segment",
        "--attribute": options.attribute and mode in ("grid", "like", "segment"),
        "--num-images": options.num_images != 1 and mode in ("interpolate", "like", "segment"),
        "--steps": options.steps is not None and mode != "interpolate",
        "--to-seed": options.to_seed is not None and options.interpolate not in ("z", "all"),
        "--change": options.change and not walks_c,
    }
    for flag, is_unused in unused.items():
        if is_unused:
            raise ConfigError(f"{flag} has no effect with {modes[0] if modes else 'plain pictures'}; leave it out.")
    return mode
