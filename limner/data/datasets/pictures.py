"""Any folder of pictures, at any depth, with or without masks; `limner.data.datasets.images` says what is listed."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from limner.data.datasets.images import SUFFIXES, Picture, list_pictures
from limner.data.manifest import Layout, Row
from limner.data.schema import LabelSchema
from limner.errors import DataError


def detect(root: Path) -> bool:
    """Whether there is any picture."""
    return any(
        os.path.splitext(name)[1].lower() in SUFFIXES and not name.startswith(".")
        for _, _, files in os.walk(root)
        for name in files
    )


def read_layout(root: Path, *, schema: LabelSchema | None = None) -> Layout:
    """What is in the folder; `schema` plays no part.

    Raises:
        DataError: if it has no picture.
    """
    pictures = {picture.name: picture for picture in list_pictures(root)}
    return Layout(
        None,
        tuple(Row(picture.name, picture.name, split=picture.split) for picture in pictures.values()),
        AnyPictureReader(root, pictures),
        fit="crop",
        masks=all(picture.read_mask is not None for picture in pictures.values()),
    )


@dataclass(frozen=True)
class AnyPictureReader:
    """Reads whatever a person calls a picture."""

    root: Path
    pictures: Mapping[str, Picture]

    def read_image(self, row: Row) -> npt.NDArray[np.uint8]:
        """(H, W, 3) uint8 RGB."""
        return self.pictures[row.name].read()

    def read_label_map(self, row: Row) -> npt.NDArray[np.uint8]:
        """Raises: DataError, as there are none."""
        raise DataError(f"{self.root} has no label maps.")

    def files(self, row: Row) -> tuple[Path, ...]:
        """The picture and its mask."""
        return self.pictures[row.name].files
