"""The side of maskface in `limner generate`. No torch import, so that `--help` stays fast."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from limner.errors import ConfigError
from limner.mask_to_image.options import add_label_map_options, picture_tasks
from limner.tasks import Rendering, Task, add_sampling_options, check_num_images, input_files, unique_names

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


def make_tasks(pipeline: MaskFacePipeline, options: Namespace) -> list[Task]:
    """The work that the options ask for.

    Raises:
        ConfigError: if options contradict each other.
        DataError: if a file is missing.
        WeightsError: if other weights drew the result of `--like`.
    """
    from limner.data.image_io import LABEL_SUFFIXES, PHOTO_SUFFIXES

    _refuse_contradictions(options)
    if not (options.grid or options.interpolate or options.like or options.photo):
        return picture_tasks(pipeline, pipeline.plan, options)
    files = [str(file) for file in input_files(options.label_map, LABEL_SUFFIXES, "label map")]
    photos = [str(file) for file in input_files(options.photo, PHOTO_SUFFIXES, "picture")]
    out = Path(options.out)
    common = {"schema": options.schema, "batch_size": options.batch_size}
    if options.interpolate:
        if len(photos) > 2:
            raise ConfigError(f"--interpolate goes from one photo to another, but {len(photos)} were given.")
        if len(photos) == 2 and options.to_seed is not None:
            raise ConfigError("--to-seed has no effect with two photos, as the style ends at the second; leave it out.")
        styles: list[StyleInput] = [*photos, *([] if photos else [options.seed])]
        end = options.to_seed if options.to_seed is not None else (styles[1] if len(styles) > 1 else None)
        plan = partial(pipeline.interpolate.plan, files, styles[0], end, steps=options.steps, **common)
        return [Rendering(pipeline, plan, out)]
    check_num_images(options, MAX_STYLES)
    columns: list[StyleInput] = list(photos) or [options.seed + k for k in range(options.num_images)]
    if options.grid:
        return [Rendering(pipeline, partial(pipeline.stylize.plan, files, columns, **common), out)]
    tasks: list[Task] = []
    for name, file in unique_names(map(Path, files)).items():
        directory = out / name if len(files) > 1 else out
        if options.like:
            from limner.results import read_result

            like = read_result(options.like)
            pipeline.check_drew(like, options.like)
            plan = partial(pipeline.rerender.plan, file, like=like["plan"], schema=options.schema)
        else:
            plan = partial(pipeline.stylize.plan, file, columns, **common)
        tasks.append(Rendering(pipeline, plan, directory))
    return tasks


def _refuse_contradictions(options: Namespace) -> None:
    asked = {"--grid": options.grid, "--interpolate": options.interpolate, "--like": options.like is not None}
    modes = [flag for flag, value in asked.items() if value]
    if len(modes) > 1:
        raise ConfigError(f"{modes[0]} and {modes[1]} cannot go together; give one of them.")
    mode = modes[0] if modes else ""
    if not options.label_map:
        raise ConfigError("--label-map is missing: name a label map (class ids as PNG), or a folder of them.")
    unused = {
        "--steps": options.steps is not None and mode != "--interpolate",
        "--to-seed": options.to_seed is not None and mode != "--interpolate",
        "--photo": bool(options.photo) and mode == "--like",
        "--seed": options.seed != 0 and (mode == "--like" or bool(options.photo)),
        "--batch-size": options.batch_size is not None and mode == "--like",
        "--num-images": options.num_images != 1 and (mode in ("--interpolate", "--like") or bool(options.photo)),
    }
    for flag, is_unused in unused.items():
        if is_unused:
            raise ConfigError(f"{flag} has no effect with {mode or '--photo'}; leave it out.")
