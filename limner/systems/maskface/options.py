"""The side of maskface in `limner generate`. No torch import, so that `--help` stays fast."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from limner.errors import ConfigError
from limner.mask_to_image.options import MAPS, PAINT, PLAIN, add_label_map_options, label_maps, map_tasks
from limner.tasks import Mode, Rendering, Task, add_sampling_options, check_num_images, input_files

if TYPE_CHECKING:
    from limner.systems.maskface.pipeline import MaskFacePipeline, StyleInput

MAX_STYLES = 1_000  # all faces of a grid are held in memory, and go on one sheet
DESCRIPTION = "Draw different faces with the layout of a label map; the style comes from seeds or from photos."
EXAMPLES = (
    "limner generate maskface --label-map map.png --num-images 8 --out faces",
    "limner generate maskface --label-map map.png --photo photo.jpg --out styled",
    "limner generate maskface --label-map maps/ --photo photos/ --grid --out grid",
    "limner generate maskface --label-map map.png --interpolate --to-seed 5 --out walk",
    "limner generate maskface --label-map edited.png --like faces/result.json --out edited",
)


def add_options(parser: ArgumentParser) -> None:
    """Add the options of this system."""
    add_label_map_options(parser)
    parser.add_argument(
        "--photo", nargs="+", default=[], metavar="FILE|DIR", help="square photos whose styles are taken, not seeds"
    )
    add_sampling_options(parser)
    modes = parser.add_argument_group("instead of plain faces (one of)")
    modes.add_argument("--grid", action="store_true", help="a sheet: one row a map, one column a style")
    modes.add_argument("--interpolate", action="store_true", help="walk from the first style to another, through maps")
    modes.add_argument("--like", default=None, metavar="RESULT.json", help="this map in an earlier result's styles")
    walk = parser.add_argument_group("of a walk")
    walk.add_argument("--steps", type=int, default=None, metavar="N", help="faces, both ends included (else 10)")
    walk.add_argument(
        "--to-seed",
        type=int,
        default=None,
        metavar="N",
        help="where the style ends (else --seed + 1, or 1 after a photo; through several maps it stays)",
    )


def _styles(options: Namespace) -> list[StyleInput]:
    """Photos, or seeds."""
    from limner.data.image_io import PHOTO_SUFFIXES

    if not options.photo:
        check_num_images(options, MAX_STYLES)
        return [options.seed + k for k in range(options.num_images)]
    for flag, is_given in (("--seed", options.seed != 0), ("--num-images", options.num_images != 1)):
        if is_given:
            raise ConfigError(f"{flag} has no effect with --photo; leave it out.")
    return [str(file) for file in input_files(options.photo, PHOTO_SUFFIXES, "picture")]


def _styled(pipeline: MaskFacePipeline, options: Namespace) -> list[Task]:
    common = {"schema": options.schema, "batch_size": options.batch_size}
    return map_tasks(pipeline, pipeline.stylize.plan, options, style=_styles(options), **common)


def _grid(pipeline: MaskFacePipeline, options: Namespace) -> list[Task]:
    files = [str(file) for file in label_maps(options)]
    plan = partial(pipeline.stylize.plan, files, _styles(options), schema=options.schema, batch_size=options.batch_size)
    return [Rendering(pipeline, plan, Path(options.out))]


def _walk(pipeline: MaskFacePipeline, options: Namespace) -> list[Task]:
    styles = _styles(options)
    if len(styles) > 2:
        raise ConfigError(f"--interpolate goes from one photo to another, but {len(styles)} were given.")
    if len(styles) == 2 and options.to_seed is not None:
        raise ConfigError("--to-seed has no effect with two photos, as the style ends at the second; leave it out.")
    end = options.to_seed if options.to_seed is not None else (styles[1] if len(styles) > 1 else None)
    files = [str(file) for file in label_maps(options)]
    common = {"schema": options.schema, "batch_size": options.batch_size}
    plan = partial(pipeline.interpolate.plan, files, styles[0], end, steps=options.steps, **common)
    return [Rendering(pipeline, plan, Path(options.out))]


def _like(pipeline: MaskFacePipeline, options: Namespace) -> list[Task]:
    from limner.results import read_result

    like = read_result(options.like)
    pipeline.check_drew(like, options.like)
    return map_tasks(pipeline, pipeline.rerender.plan, options, like=like["plan"], schema=options.schema)


_WALK = (*MAPS, "--photo", "--seed", "--to-seed", "--steps", "--batch-size")
MODES = (
    PLAIN,
    Mode(_styled, (*MAPS, "--batch-size"), ("--label-map",), "--photo"),
    Mode(_grid, (*PAINT, "--photo"), ("--label-map",), "--grid"),
    Mode(_walk, _WALK, ("--label-map",), "--interpolate"),
    Mode(_like, MAPS, ("--label-map",), "--like"),
)
