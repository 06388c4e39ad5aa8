"""What the demos of systems that paint label maps share: ready-made maps, and words that paint them again."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from limner import demo, hub
from limner.data.image_io import read_label_map
from limner.data.schema import get_schema
from limner.data.transforms import resize_label_map
from limner.people.gallery import MAPS
from limner.pipelines import Pipeline

SCHEMA = get_schema("celebamask-19")
"""Of all maps of the demos."""


def copy_map(name: str, path: Path, *, image_size: int) -> NDArray[np.uint8]:
    """Copy a map of `limner.people.gallery.MAPS` to `path`; the ids (image_size, image_size) of it."""
    shutil.copyfile(MAPS / f"{name}.png", path)
    return resize_label_map(read_label_map(path, SCHEMA), image_size)


def color_map(label_map: NDArray[np.uint8]) -> Image.Image:
    """A map in the colours of its schema."""
    return Image.fromarray(SCHEMA.colorize(label_map))


def program(pipeline: Pipeline, *lines: str) -> str:
    """A program that loads these weights as `pipe` and goes on with `lines`."""
    return "\n".join(
        ["import limner", f'pipe = limner.load("{hub.short_name(pipeline.name, pipeline.weights_name)}")', *lines]
    )


def command(pipeline: Pipeline, *, schema: bool = True) -> str:
    """The start of a command that uses these weights, with the schema of the maps if it draws any."""
    return demo.command(pipeline) + (f" --schema {SCHEMA.name}" if schema else "")
