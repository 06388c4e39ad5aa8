"""DeepFashion, subset Fashion Synthesis: Zhu et al., "Be Your Own Prada", ICCV 2017; layout of scgan.md 6.2.

```
Img/G2.h5                    ih (n, 3, h, w) with the mean ih_mean (3, h, w) taken off, b_ (n, 1, h, w) ids 0..6
Anno/language_original.mat   color_ (1..17) and more; may be missing: then there are no attributes
ind.mat                      train_ind, test_ind, counted from 1; may be missing
```
The files may also lie together in one folder. The arrays were written column by column, so a plain reader sees people
lying on their side: whether that is so is measured on the label maps (the head must be above the rest), not assumed.
The image is clip(ih + ih_mean, 0, 1), as in the data set; it is not stretched picture by picture.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from limner.data.datasets.files import first_existing
from limner.data.manifest import Layout, Row
from limner.data.schema import SCHEMAS, LabelSchema
from limner.errors import DataError
from limner.files import open_regular
from limner.optional import optional

PICTURES = ("Img/G2.h5", "G2.h5")
ANNOTATIONS = ("Anno/language_original.mat", "language_original.mat")
SPLIT = ("ind.mat", "Anno/ind.mat", "Img/ind.mat")
NUM_COLORS = 17
SCHEMA = SCHEMAS["deepfashion-7"]

_HEAD = (1, 2)  # hair, face
_BODY = (3, 4, 5, 6)  # clothes, legs, arms


def detect(root: Path) -> bool:
    """Whether the folder has this layout."""
    return first_existing(root, PICTURES) is not None


def read_layout(root: Path, *, schema: LabelSchema | None = None) -> Layout:
    """What is in the folder; `schema` plays no part, the maps have one schema only.

    Raises:
        DataError: if an array is missing or has the wrong shape, or people are neither upright nor on their side.
        MissingExtraError: if h5py or scipy is not installed.
    """
    path = first_existing(root, PICTURES)
    if path is None:
        raise DataError(f"{root} has no {PICTURES[0]}, so it is not Fashion Synthesis.")
    file = _open(path, os.getpid())
    num = _check_arrays(file, path)
    colors = _colors(first_existing(root, ANNOTATIONS), num)
    splits = _splits(first_existing(root, SPLIT), num)
    identity = np.eye(NUM_COLORS).tolist()
    rows = tuple(
        Row(
            f"{index:05d}",
            str(index),
            str(index),
            tuple(identity[colors[index] - 1]) if colors is not None else (),
            splits.get(index, ""),
        )
        for index in range(num)
    )
    return Layout(
        SCHEMA,
        rows,
        H5Reader(path, sideways=_is_sideways(file, path)),
        tuple(f"color_{index + 1}" for index in range(NUM_COLORS)) if colors is not None else (),
        attribute_kind="exclusive",
    )


@dataclass(frozen=True)
class H5Reader:
    """Pictures and maps inside one HDF5 file; `Row.image` and `Row.label` are indices."""

    path: Path
    sideways: bool
    """Whether height and width are exchanged in the file."""

    def read_image(self, row: Row) -> npt.NDArray[np.uint8]:
        """(H, W, 3) uint8 RGB."""
        file = _open(self.path, os.getpid())
        image = np.clip(file["ih"][int(row.image)] + file["ih_mean"][()], 0.0, 1.0)
        if not np.isfinite(image).all():
            raise DataError(f"{self.path} has a value that is not finite in picture {row.image}.")
        pixels: npt.NDArray[np.uint8] = np.round(image * 255.0).astype(np.uint8)
        return pixels.transpose((2, 1, 0) if self.sideways else (1, 2, 0))

    def read_label_map(self, row: Row) -> npt.NDArray[np.uint8]:
        """(H, W) uint8 ids of deepfashion-7."""
        label_map = np.asarray(_open(self.path, os.getpid())["b_"][int(row.label), 0])
        SCHEMA.check_ids(label_map, f"{self.path} map {row.label}")
        label_map = label_map.astype(np.uint8)
        return label_map.T if self.sideways else label_map

    def files(self, row: Row) -> tuple[Path, ...]:
        """The one file."""
        return (self.path,)


@lru_cache(maxsize=2)
def _open(path: Path, process: int) -> Any:
    """The HDF5 file, opened once per process: an open one must not be carried into a forked worker."""
    h5py = optional("h5py", extra="data")
    try:
        open_regular(path).close()  # a pipe would hang
        return h5py.File(path, "r")
    except OSError as error:
        raise DataError(f"{path} cannot be read as an HDF5 file: copy or download it again.") from error


def _check_arrays(file: Any, path: Path) -> int:
    for name in ("ih", "ih_mean", "b_"):
        if name not in file:
            raise DataError(f"{path} has no array {name}: it needs ih, ih_mean and b_.")
    images, mean, maps = file["ih"].shape, file["ih_mean"].shape, file["b_"].shape
    if len(images) != 4 or images[1] != 3 or mean[-3:] != images[1:] or maps != (images[0], 1, *images[2:]):
        raise DataError(
            f"{path} has arrays of the shapes ih {images}, ih_mean {mean}, b_ {maps}, but needs (n, 3, h, w), "
            "(3, h, w) and (n, 1, h, w)."
        )
    return int(images[0])


def _is_sideways(file: Any, path: Path) -> bool:
    """Whether heads lie to the left of bodies rather than above them, over 32 maps spread over the file."""
    num = file["b_"].shape[0]
    gaps = []
    for index in np.unique(np.linspace(0, num - 1, 32).astype(int)):
        label_map = file["b_"][int(index), 0]
        head, body = np.argwhere(np.isin(label_map, _HEAD)), np.argwhere(np.isin(label_map, _BODY))
        if len(head) and len(body):
            gaps.append(body.mean(axis=0) - head.mean(axis=0))
    if not gaps:
        return False
    down, right = np.mean(gaps, axis=0)
    if max(down, right) <= 0:
        raise DataError(f"{path} shows people head down: its maps are not those of the data set.")
    return bool(right > down)


def _load_mat(path: Path) -> dict[str, Any]:
    scipy_io = optional("scipy.io", extra="data")
    try:
        with open_regular(path) as file:
            return dict(scipy_io.loadmat(file))
    except NotImplementedError as error:
        raise DataError(f"{path} is a MATLAB file of version 7.3: save it as version 7.") from error
    except (OSError, ValueError, TypeError) as error:
        raise DataError(f"{path} cannot be read as a MATLAB file ({error}): copy or download it again.") from error


def _whole_numbers(content: dict[str, Any], name: str, path: Path, low: int, high: int) -> list[int]:
    if name not in content:
        raise DataError(f"{path} has no array {name}.")
    values = np.asarray(content[name]).ravel().tolist()
    if not all(value == int(value) and low <= value <= high for value in values):
        raise DataError(f"{path} has values of {name} that are not whole numbers from {low} to {high}.")
    return [int(value) for value in values]


def _colors(path: Path | None, num: int) -> list[int] | None:
    if path is None:
        return None
    colors = _whole_numbers(_load_mat(path), "color_", path, 1, NUM_COLORS)
    if len(colors) != num:
        raise DataError(f"{path} has {len(colors)} colours for {num} pictures.")
    return colors


def _splits(path: Path | None, num: int) -> dict[int, str]:
    if path is None:
        return {}
    content = _load_mat(path)
    parts = {name: set(_whole_numbers(content, f"{name}_ind", path, 1, num)) for name in ("train", "test")}
    both = parts["train"] & parts["test"]
    if both:
        raise DataError(f"{path} has picture {min(both)} in both train_ind and test_ind.")
    return {index - 1: name for name, indices in parts.items() for index in indices}
