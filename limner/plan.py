"""What a pipeline is about to draw: every input checked and turned into arrays, no network run."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from limner.errors import ConfigError, ShapeError


@dataclass(frozen=True, eq=False)
class GenerationPlan:
    """Everything that decides the pixels of a result, apart from the weights.

    Attributes:
        seeds: one a picture; picture k of seed s is the same in whatever company it is drawn.
        settings: what was asked for, in words and numbers that JSON can hold; also says how to lay out a sheet
            (`columns`).
        conditions: name -> array with one row a picture, or a single row that all pictures share.
        batch_size: pictures in one forward pass. Another value may change a picture by rounding.
    """

    seeds: list[int]
    settings: dict[str, Any]
    conditions: dict[str, NDArray[Any]]
    batch_size: int = 1

    def __post_init__(self) -> None:
        size = self.batch_size
        if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
            raise ConfigError(f"batch_size is {size!r}; it must be a whole number, 1 or more.")
        object.__setattr__(self, "batch_size", int(size))  # JSON knows no numpy
        for name, rows in self.conditions.items():
            if rows.ndim == 0 or len(rows) not in (1, len(self.seeds)):
                raise ShapeError(
                    f'The condition "{name}" has shape {rows.shape}, but there are {len(self.seeds)} pictures; '
                    "its first number must be that, or 1."
                )

    def condition(self, name: str, rows: range) -> NDArray[Any]:
        """The rows of a condition for those pictures."""
        array = self.conditions[name]
        return array[rows.start : rows.stop] if len(array) > 1 else np.repeat(array, len(rows), axis=0)

    def to_json(self) -> dict[str, Any]:
        """A JSON object that `from_json` turns back into an equal plan."""
        return {
            "seeds": self.seeds,
            "batch_size": self.batch_size,
            "settings": self.settings,
            "conditions": {name: _encode_array(array) for name, array in sorted(self.conditions.items())},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> GenerationPlan:
        """Raises: KeyError, TypeError or ValueError if `data` is not what `to_json` gave."""
        return cls(
            seeds=[int(seed) for seed in data["seeds"]],
            settings=dict(data["settings"]),
            conditions={name: _decode_array(array) for name, array in data["conditions"].items()},
            batch_size=int(data["batch_size"]),
        )

    def digest(self, system: str, weights_hash: str) -> str:
        """SHA-256 over the plan and the weights: equal digests mean equal pictures."""
        head = [system, weights_hash, self.seeds, self.batch_size, self.settings]
        digest = hashlib.sha256(json.dumps(head, sort_keys=True).encode())
        for name, array in sorted(self.conditions.items()):
            digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()


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
