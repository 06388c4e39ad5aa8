"""Landmarks of faces from files: one face a file, or a table of many."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from limner.data.datasets.utkface import plain_name, read_landmark_list
from limner.data.landmarks import NUM_LANDMARKS, read_landmarks
from limner.data.point_schema import FAR_PX
from limner.errors import DataError
from limner.files import at_home, read_bytes, read_json, read_text

Points = npt.NDArray[np.float64]
SUFFIXES = (".json", ".npy", ".pts")
"""Files of one face."""
MAX_BYTES = 1_000_000
"""A file of 68 points is far smaller."""
TABLES = (".csv", ".txt")
"""Files of many: a CSV as `limner data make people-faces` writes it, or a list of UTKFace."""


class LandmarkFiles:
    """Landmarks by the name of a picture, from a file or a folder.

    Args:
        path: a file of one face, a table, or a folder with a file of one face, of the same name, for each picture.

    Raises:
        DataError: if it is missing or cannot be read.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = at_home(path)
        self._table: dict[str, Points] | None = None
        if not self.path.exists():
            raise DataError(f"{self.path} is missing: name a file of landmarks, or a folder of such files.")
        suffix = self.path.suffix.lower()
        if self.path.is_file() and suffix in TABLES:
            found = read_landmarks(self.path) if suffix == ".csv" else read_landmark_list(self.path)
            self._table = {plain_name(name): points for name, points in found.items()}
        elif self.path.is_file() and suffix not in SUFFIXES:
            raise DataError(f"{self.path} is no file of landmarks: it must end in {', '.join((*SUFFIXES, *TABLES))}.")

    def of(self, picture: str | Path) -> Points:
        """(68, 2) positions x, y in pixels of the picture, (0, 0) at the middle of its first pixel.

        Raises:
            DataError: if there are none for it, or they are damaged.
        """
        name = plain_name(picture)
        if self._table is not None:
            if name not in self._table:
                raise DataError(f"{self.path} has no landmarks for {Path(picture).name}: add a line for it.")
            return self._table[name]
        if self.path.is_file():
            return read_face(self.path)
        for suffix in SUFFIXES:
            if (file := self.path / f"{name}{suffix}").is_file():
                return read_face(file)
        raise DataError(f"{self.path} has no {name}.json, {name}.npy or {name}.pts for {Path(picture).name}.")


def read_face(path: Path) -> Points:
    """Landmarks of one face: JSON or NPY of 68 pairs of pixels, or .pts, whose pixels count from 1.

    Raises:
        DataError: if the file is damaged or has another number of points.
    """
    try:
        if path.suffix.lower() == ".npy":
            found: Any = np.load(io.BytesIO(read_bytes(path, most=MAX_BYTES)), allow_pickle=False)
        elif path.suffix.lower() == ".pts":
            found = _pts(read_text(path))
        else:
            found = read_json(path)
            found = found["landmarks"] if isinstance(found, dict) else found
        points = np.asarray(found)
        if points.dtype.kind not in "iuf":
            raise TypeError("these are no real numbers")
        points = points.astype(np.float64)
    except (ValueError, TypeError, KeyError, EOFError) as error:
        raise DataError(f"{path} holds no landmarks: it must be a list of {NUM_LANDMARKS} pairs of numbers.") from error
    if points.shape != (NUM_LANDMARKS, 2):
        raise DataError(
            f"{path} holds landmarks of the shape {points.shape}, but must hold {NUM_LANDMARKS} pairs of numbers."
        )
    if not (np.abs(points) < FAR_PX).all():
        raise DataError(f"{path} holds a position that is no number, or {FAR_PX:g} pixels away: it must be in pixels.")
    return points


def _pts(text: str) -> Points:
    inside, brace, _ = text.partition("{")[2].partition("}")
    if not brace:  # a number at the end may lack digits
        raise ValueError("the list of points is cut off")
    return np.array([[float(cell) for cell in line.split()] for line in inside.splitlines() if line.strip()]) - 1
