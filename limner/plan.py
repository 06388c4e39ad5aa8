"""What a pipeline is about to draw: every input checked and turned into arrays, no network run."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limner.errors import ConfigError, ShapeError


@dataclass(frozen=True)
class Item:
    """One thing that is made.

    Attributes:
        name: of its file, without suffix.
        seed: that decided it; none: nothing in it is random.
    """

    name: str
    seed: int | None


@dataclass(frozen=True, eq=False)
class GenerationPlan:
    """Everything that decides the pixels of a result, apart from the weights.

    Attributes:
        seeds: one a picture, or none where no seed decides anything; picture k of seed s is the same in whatever
            company it is drawn.
        settings: what was asked for, in words and numbers that JSON can hold; also says how to lay out a sheet
            (`columns`).
        conditions: name -> array with one row a picture, or a single row that all pictures share.
        batch_size: pictures in one forward pass. Another value may change a picture by rounding.
        names: of the files, without suffix, one a picture; none: they are named after the seeds.
        from_photo: whether somebody's photo is changed or borrowed from: results then say "edited", not "generated".
    """

    seeds: Sequence[int | None]
    settings: dict[str, Any]
    conditions: dict[str, NDArray[Any]]
    batch_size: int = 1
    names: list[str] | None = None
    from_photo: bool = False

    def __post_init__(self) -> None:
        size = self.batch_size
        if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
            raise ConfigError(f"batch_size is {size!r}; it must be a whole number, 1 or more.")
        object.__setattr__(self, "batch_size", int(size))  # JSON knows no numpy
        object.__setattr__(self, "seeds", list(self.seeds))
        for name, rows in self.conditions.items():
            if rows.ndim == 0 or len(rows) not in (1, len(self.seeds)):
                raise ShapeError(
                    f'The condition "{name}" has shape {rows.shape}, but there are {len(self.seeds)} pictures; '
                    "its first number must be that, or 1."
                )
        if self.names is not None and not len(self.names) == len(set(self.names)) == len(self.seeds):
            raise ConfigError(
                f"The names of the files are {self.names}; there must be {len(self.seeds)} different ones."
            )

    @property
    def items(self) -> list[Item]:
        """What is made, in order."""
        names = _names_of_seeds(self.seeds) if self.names is None else self.names
        return [Item(name, seed) for name, seed in zip(names, self.seeds, strict=True)]

    def seeds_of(self, rows: range) -> list[int]:
        """The seeds of those pictures.

        Raises:
            ConfigError: if one has none, and so is not of a plan that draws from seeds.
        """
        seeds = [seed for seed in self.seeds[rows.start : rows.stop] if seed is not None]
        if len(seeds) != len(rows):
            raise ConfigError("The plan has no seeds, but these weights draw from seeds; it is another kind of plan.")
        return seeds

    def condition(self, name: str, rows: range) -> NDArray[Any]:
        """The rows of a condition for those pictures."""
        array = self.conditions[name]
        return array[rows.start : rows.stop] if len(array) > 1 else np.repeat(array, len(rows), axis=0)

    def to_json(self) -> dict[str, Any]:
        """A JSON object that `from_json` turns back into an equal plan."""
        return {
            "seeds": self.seeds,
            **self._additions(),
            "batch_size": self.batch_size,
            "settings": self.settings,
            "conditions": {name: _encode_array(array) for name, array in sorted(self.conditions.items())},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> GenerationPlan:
        """Raises: KeyError, TypeError or ValueError if `data` is not what `to_json` gave."""
        return cls(
            seeds=[None if seed is None else int(seed) for seed in data["seeds"]],
            settings=dict(data["settings"]),
            conditions={name: _decode_array(array) for name, array in data["conditions"].items()},
            batch_size=int(data["batch_size"]),
            names=[str(name) for name in data["names"]] if "names" in data else None,
            from_photo=bool(data.get("from_photo", False)),
        )

    def _additions(self) -> dict[str, Any]:
        named = {} if self.names is None else {"names": self.names}
        return {**named, "from_photo": True} if self.from_photo else named

    def digest(self, system: str, weights_hash: str) -> str:
        """SHA-256 over the plan and the weights: equal digests mean equal pictures."""
        head: list[Any] = [system, weights_hash, self.seeds, self.batch_size, self.settings]
        if self._additions():  # results without them keep the digests that they were stored with
            head.append(self._additions())
        digest = hashlib.sha256(json.dumps(head, sort_keys=True).encode())
        for name, array in sorted(self.conditions.items()):
            digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()


def safe_stem(name: str) -> str:
    """The name of a user's file, without suffix, as part of another file's name."""
    return re.sub(r"[^\w-]+", "_", Path(name).stem)[:60] or "file"


def _names_of_seeds(seeds: Sequence[int | None]) -> list[str]:
    """`seed-000007`, with the picture's number in front where a seed occurs twice; `picture-0000` without seeds."""
    if any(seed is None for seed in seeds):
        return [f"picture-{index:04d}" for index in range(len(seeds))]
    names = [f"seed-{seed:06d}" for seed in seeds]
    return names if len(set(seeds)) == len(seeds) else [f"{index:04d}-{name}" for index, name in enumerate(names)]


def _encode_array(array: NDArray[Any]) -> dict[str, Any]:
    array = np.ascontiguousarray(array)
    data = base64.b64encode(zlib.compress(array.tobytes(), 9)).decode()
    return {"dtype": array.dtype.str, "shape": list(array.shape), "zlib_base64": data}


def _decode_array(data: Mapping[str, Any]) -> NDArray[Any]:
    dtype = np.dtype(str(data["dtype"]))
    if dtype.kind not in "biuf":
        raise ValueError(f"dtype {dtype}")
    shape = tuple(int(size) for size in data["shape"])
    size = math.prod(shape) * dtype.itemsize
    try:
        raw = zlib.decompressobj().decompress(base64.b64decode(data["zlib_base64"]), size + 1)
    except binascii.Error as error:
        raise ValueError("base64") from error
    if len(raw) != size:
        raise ValueError(f"{len(raw)} bytes for {size}")
    return np.frombuffer(raw, dtype).reshape(shape)
