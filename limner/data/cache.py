"""Decoded samples, kept in memory (any arrays) or on the disk (planes: arrays of bytes with one row a sample)."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from limner.errors import ConfigError, DataError
from limner.files import MAX_TABLE_BYTES, read_json, reason

UInt8Array = npt.NDArray[np.uint8]
Planes = dict[str, UInt8Array]
Arrays = Mapping[str, npt.NDArray[Any]]
Progress = Callable[..., Iterable[Any]]

INDEX = "index.json"
_BATCH = 32


class MemoryCache:
    """Samples as they are read, while there is room for them; those that do not fit are read each time.

    Args:
        max_bytes: memory for the arrays of all of them.

    Raises:
        ConfigError: if `max_bytes` is negative.
    """

    def __init__(self, max_bytes: int) -> None:
        if max_bytes < 0:
            raise ConfigError(f"cache_bytes is {max_bytes}, but must not be negative.")
        self._free = max_bytes
        self._kept: dict[int, Arrays] = {}

    def get(self, index: int, read: Callable[[], Arrays]) -> Arrays:
        """The arrays of a sample by name: kept ones, else what `read` gives."""
        if index in self._kept:
            return self._kept[index]
        found = read()
        num_bytes = sum(array.nbytes for array in found.values())
        if num_bytes <= self._free:
            # A view would keep the whole picture that it was cut out of.
            found = {name: array if array.base is None else array.copy() for name, array in found.items()}
            self._kept[index] = found
            self._free -= num_bytes
        return found


@dataclass(frozen=True, eq=False)
class DiskCache:
    """Decoded samples in a folder: one array a plane, and an index that says what they are."""

    folder: Path
    index: Mapping[str, Any]
    """What the samples were written with."""
    planes: Planes = field(repr=False)
    """Name -> (n, ...), read from the disk as it is used."""

    def derived(
        self, key: str, function: Callable[[UInt8Array], UInt8Array], *, source: str, progress: Progress | None = None
    ) -> UInt8Array:
        """A map (n, H, W) made from each sample of a plane, computed once and kept beside it.

        Args:
            key: what it is and with which settings; the file's name.
            function: samples (b, H, W, ...) -> maps (b, H, W).
            source: name of the plane.
            progress: called as progress(iterable, total=, unit=, desc=) and iterated over.
        """
        path, plane = self.folder / f"{key}.npy", self.planes[source]
        if not path.exists():
            with tempfile.TemporaryDirectory(dir=self.folder) as temporary:
                part = Path(temporary) / path.name
                maps = np.lib.format.open_memmap(part, "w+", np.uint8, plane.shape[:3])
                starts: Iterable[Any] = range(0, len(plane), _BATCH)
                if progress is not None:
                    starts = progress(starts, total=len(range(0, len(plane), _BATCH)), unit="batch", desc=key)
                for start in starts:
                    maps[start : start + _BATCH] = function(np.asarray(plane[start : start + _BATCH]))
                maps.flush()
                os.replace(part, path)
        return np.load(path, mmap_mode="r")  # type: ignore[no-any-return]


def open_disk_cache(
    target: Path,
    planes: Mapping[str, tuple[int, ...]],
    fill: Callable[[Planes], Mapping[str, Any]],
    *,
    count: Callable[[Mapping[str, Any]], int],
) -> DiskCache:
    """The cache in a folder; made first if there is none, whole or not at all.

    Args:
        target: its folder, named after all that decides its content.
        planes: name -> shape of the array of all samples, (n, ...).
        fill: writes the samples into the arrays and gives the index; may use fewer rows than there are.
        count: index -> number of samples.

    Raises:
        DataError: if it cannot be written, or is damaged.
    """
    if not (target / INDEX).exists():
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
            try:
                _write(temporary, planes, fill)
                if not target.exists():  # another process may have been faster
                    temporary.rename(target)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
        except OSError as error:
            raise DataError(
                f"Decoded pictures cannot be kept in {target.parent}: {reason(error)}; name another folder for them."
            ) from error
    try:
        index = read_json(target / INDEX, most=MAX_TABLE_BYTES)
        # The arrays are as long as the folder's list; what was left out is at their end.
        rows = count(index)
        arrays = {name: np.load(target / f"{name}.npy", mmap_mode="r")[:rows] for name in planes}
    except (DataError, OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"The cached pictures in {target} are damaged: delete the folder.") from error
    return DiskCache(target, index, arrays)


def _write(folder: Path, planes: Mapping[str, tuple[int, ...]], fill: Callable[[Planes], Mapping[str, Any]]) -> None:
    arrays = {
        name: np.lib.format.open_memmap(folder / f"{name}.npy", "w+", np.uint8, shape) for name, shape in planes.items()
    }
    index = fill({**arrays})
    for array in arrays.values():
        array.flush()
    (folder / INDEX).write_text(json.dumps(index, indent=1), encoding="utf-8")
