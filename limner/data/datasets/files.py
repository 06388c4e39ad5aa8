"""What the layouts of single files share: listing pictures, reading pairs, joining attributes and splits to names."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from limner.data.colors import Colors
from limner.data.image_io import picture_size, read_label_map, read_photo
from limner.data.landmarks import label_map_from_landmarks
from limner.data.manifest import Row
from limner.data.schema import LabelSchema
from limner.errors import DataError

Value = TypeVar("Value")


@dataclass(frozen=True)
class PairReader:
    """One photo file and one label map file per row; `Row.image` and `Row.label` are paths below `root`."""

    root: Path
    schema: LabelSchema
    colors: Colors | None = None
    """How coloured maps are read."""

    def read_image(self, row: Row) -> npt.NDArray[np.uint8]:
        """(H, W, 3) uint8 RGB."""
        return read_photo(self.root / row.image)

    def read_label_map(self, row: Row) -> npt.NDArray[np.uint8]:
        """(H, W) uint8 ids of `schema`."""
        photo = self.root / row.image if row.image else None  # maps alone have none
        return read_label_map(self.root / row.label, self.schema, photo=photo, colors=self.colors)

    def files(self, row: Row) -> tuple[Path, ...]:
        """The photo and its map."""
        return self.root / row.image, self.root / row.label


@dataclass(frozen=True)
class LandmarkReader:
    """Photos, and label maps painted from landmarks; `Row.label` is a name in `points`."""

    root: Path
    points: Mapping[str, npt.NDArray[np.float64]]
    lists: tuple[Path, ...]
    """The files that hold the landmarks of all photos."""

    def read_image(self, row: Row) -> npt.NDArray[np.uint8]:
        """(H, W, 3) uint8 RGB."""
        return read_photo(self.root / row.image)

    def read_label_map(self, row: Row) -> npt.NDArray[np.uint8]:
        """(H, W) uint8 ids of scgan-celeba-7, as large as the photo."""
        width, height = picture_size(self.root / row.image)
        return label_map_from_landmarks(self.points[row.label], (height, width))

    def files(self, row: Row) -> tuple[Path, ...]:
        """The photo and the files of all landmarks."""
        return self.root / row.image, *self.lists


@dataclass(frozen=True)
class PictureReader:
    """Pictures alone; `Row.image` is a path below `root`."""

    root: Path
    beside: tuple[Path, ...] = ()
    """Further files that say something of every picture."""

    def read_image(self, row: Row) -> npt.NDArray[np.uint8]:
        """(H, W, 3) uint8 RGB."""
        return read_photo(self.root / row.image)

    def read_label_map(self, row: Row) -> npt.NDArray[np.uint8]:
        """Raises: DataError, as there are none."""
        raise DataError(f"{self.root} has no label maps.")

    def files(self, row: Row) -> tuple[Path, ...]:
        """The picture and the files beside."""
        return self.root / row.image, *self.beside


def list_pictures(folder: Path, suffixes: tuple[str, ...]) -> dict[str, str]:
    """Stem -> file name of the pictures in a folder, numbers in the order of their value.

    Raises:
        DataError: if two files differ in their suffix only.
    """
    found: dict[str, str] = {}
    for file in os.listdir(folder):
        stem, suffix = os.path.splitext(file)
        if suffix.lower() not in suffixes or file.startswith("."):
            continue
        if stem in found:
            first, second = sorted((found[stem], file))
            raise DataError(f"{folder} has both {first} and {second}: remove one.")
        found[stem] = file
    return dict(sorted(found.items(), key=lambda item: (item[0].isdigit() and len(item[0]), item[0])))


def first_existing(root: Path, names: Iterable[str]) -> Path | None:
    """The first of some paths below `root` that exists."""
    return next((root / name for name in names if (root / name).exists()), None)


def lookup(table: Mapping[str, Value], file: str) -> Value | None:
    """The entry of a picture in a table whose keys are file names or stems."""
    value = table.get(file)
    return table.get(os.path.splitext(file)[0]) if value is None else value
