"""Options and tasks of `limner generate` that systems painting label maps share. No torch import."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limner.tasks import Mode, Rendering, Task, input_files, seed_blocks, unique_names

if TYPE_CHECKING:
    from limner.pipelines import Pipeline
    from limner.plan import GenerationPlan


MAPS = ("--label-map", "--map-of", "--schema")
SAMPLING = ("--seed", "--num-images", "--batch-size")
PAINT = (*MAPS, *SAMPLING)
"""Options of plain pictures."""


def add_label_map_options(parser: ArgumentParser) -> None:
    """Add `--label-map` and `--schema`."""
    parser.add_argument("--label-map", nargs="+", default=[], metavar="FILE|DIR", help="label maps: class ids as PNG")
    add_map_of(parser)
    parser.add_argument(
        "--schema", default=None, metavar="NAME", help="label schema of the maps (else the weights' own)"
    )


def add_map_of(parser: Any) -> None:
    """Add `--map-of`, which stands for label maps."""
    words = "photos of faces whose label maps are made first, by the default parser, in OUT/maps"
    parser.add_argument("--map-of", nargs="+", default=[], metavar="FILE|DIR", help=words)


def picture_tasks(
    pipeline: Pipeline, plan: Callable[..., GenerationPlan], options: Namespace, **conditions: Any
) -> list[Task]:
    """Plain pictures: for every label map `--num-images` of them, each map in a folder of its own if there are several.

    Args:
        pipeline: what draws.
        plan: called as plan(file, seed=, num_images=, schema=, batch_size=, **conditions).
        options: of the command line.
        conditions: further arguments of `plan`.

    Raises:
        DataError: if a file is missing.
    """
    files = label_maps(options)
    out = Path(options.out)
    common = {"schema": options.schema, "batch_size": options.batch_size, **conditions}
    tasks: list[Task] = []
    for name, file in unique_names(files).items():
        directory = out / name if len(files) > 1 else out
        for result, seed, num_images in seed_blocks(options):
            make_plan = partial(plan, file, seed=seed, num_images=num_images, **common)
            tasks.append(Rendering(pipeline, make_plan, directory, result))
    return tasks


def label_maps(options: Namespace) -> list[Path]:
    """The files of `--label-map`.

    Raises:
        DataError: if one is missing, or a folder has none.
    """
    from limner.data.image_io import LABEL_SUFFIXES

    return input_files(options.label_map, LABEL_SUFFIXES, "label map")


def map_tasks(pipeline: Any, plan: Callable[..., GenerationPlan], options: Namespace, **conditions: Any) -> list[Task]:
    """One result for every label map, each in a folder of its own if there are several.

    Args:
        pipeline: what draws.
        plan: called as plan(file, **conditions).
        options: of the command line.
        conditions: further arguments of `plan`.
    """
    files = label_maps(options)
    out = Path(options.out)
    return [
        Rendering(pipeline, partial(plan, file, **conditions), out / name if len(files) > 1 else out)
        for name, file in unique_names(files).items()
    ]


def plain_tasks(pipeline: Any, options: Namespace) -> list[Task]:
    """`picture_tasks` of the pipeline's own plan."""
    return picture_tasks(pipeline, pipeline.plan, options)


PLAIN = Mode(plain_tasks, PAINT, ("--label-map",))
"""Plain pictures, the usual way of systems that paint label maps."""
