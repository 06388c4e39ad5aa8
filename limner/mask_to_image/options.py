"""Options and tasks of `limner generate` that systems painting label maps share. No torch import."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limner.errors import ConfigError
from limner.tasks import Rendering, Task, input_files, seed_blocks, unique_names

if TYPE_CHECKING:
    from limner.pipelines import Pipeline
    from limner.plan import GenerationPlan


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
        ConfigError: if no map is named.
        DataError: if a file is missing.
    """
    from limner.data.image_io import LABEL_SUFFIXES

    if not options.label_map:
        raise ConfigError(
            "--label-map is missing: name a label map (class ids as PNG), a folder of them, or a photo with --map-of."
        )
    files = input_files(options.label_map, LABEL_SUFFIXES, "label map")
    out = Path(options.out)
    common = {"schema": options.schema, "batch_size": options.batch_size, **conditions}
    tasks: list[Task] = []
    for name, file in unique_names(files).items():
        directory = out / name if len(files) > 1 else out
        for result, seed, num_images in seed_blocks(options):
            make_plan = partial(plan, file, seed=seed, num_images=num_images, **common)
            tasks.append(Rendering(pipeline, make_plan, directory, result))
    return tasks
