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
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from limner.errors import ConfigError, ShapeError, nearest, quoted
from limner.files import checked_name

MAX_SEED = 2**63 - 1
MAX_PICTURES = 1_000_000
MAX_BYTES = 2**30
"""Of all arrays of a stored plan together."""


@dataclass(frozen=True)
class Condition:
    """What an array of a plan must be, for a system to draw it.

    Attributes:
        dtype: name of its numbers' type, such as "uint8".
        shape: behind the first axis; None where any length will do.
        low: smallest number allowed; none: any that is finite.
        high: largest number allowed; none: any that is finite.
        is_required: whether a plan must have it.
        is_shared: whether all pictures must share one row.
        may_be_nan: whether NaN has a meaning in it.
    """

    dtype: str
    shape: tuple[int | None, ...]
    low: float | None = None
    high: float | None = None
    is_required: bool = True
    is_shared: bool = False
    may_be_nan: bool = False

    def fault(self, array: NDArray[Any]) -> str | None:
        """What is wrong with an array, to stand behind its name; none if nothing is."""
        fits = len(array.shape) == len(self.shape) + 1 and all(
            wanted in (None, found) for wanted, found in zip(self.shape, array.shape[1:], strict=True)
        )
        if not fits or array.dtype.name != self.dtype or not array.dtype.isnative:
            wanted = ", ".join("any" if size is None else str(size) for size in self.shape)
            return f"is {array.dtype} of the shape {array.shape[1:]} a picture; it must be {self.dtype} ({wanted})"
        if self.is_shared and len(array) != 1:
            return f"has {len(array)} rows; it must have one for all pictures"
        if not array.size:
            return None
        if self.may_be_nan:
            return None
        low, high = array.min(), array.max()
        if not (np.isfinite(low) and np.isfinite(high)):
            return "has a number that is not finite"
        if (self.low is not None and low < self.low) or (self.high is not None and high > self.high):
            return f"has numbers from {low} to {high}; they must lie in {self.low:g}..{self.high:g}"
        return None


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
        runtime: what runs the networks, "torch" or "onnx"; they round differently.
    """

    seeds: Sequence[int | None]
    settings: dict[str, Any]
    conditions: dict[str, NDArray[Any]]
    batch_size: int = 1
    names: list[str] | None = None
    from_photo: bool = False
    runtime: Literal["torch", "onnx"] = "torch"

    def __post_init__(self) -> None:
        size = self.batch_size
        if isinstance(size, bool) or not isinstance(size, int | np.integer) or not 1 <= size < 2**31:
            raise ConfigError(f"batch_size is {quoted(size)}; it must be a whole number, 1 or more and below 2^31.")
        if self.runtime not in ("torch", "onnx"):
            raise ConfigError(f'The plan\'s runtime is {quoted(self.runtime)}; it must be "torch" or "onnx".')
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

    def check(self, conditions: Mapping[str, Condition] | None) -> None:
        """Refuse what cannot be drawn, whoever made the plan.

        Args:
            conditions: every array that the system reads; none: arrays are not looked at.

        Raises:
            ConfigError: if seeds, columns or a number are out of range, or an array is unknown.
            ShapeError: if an array is missing or of another shape or type.
        """
        if not 1 <= len(self.seeds) <= MAX_PICTURES:
            raise ConfigError(f"The plan has {len(self.seeds)} pictures; it must have 1 to {MAX_PICTURES}.")
        for name in self.names or ():
            checked_name(name, what="The plan's name")
        for seed in self.seeds:
            if seed is None:
                continue
            if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= MAX_SEED:
                raise ConfigError(f"The plan has the seed {quoted(seed)}; seeds are whole numbers in 0..{MAX_SEED}.")
        columns = self.settings.get("columns", 1)
        if isinstance(columns, bool) or not isinstance(columns, int) or not 1 <= columns <= len(self.seeds):
            raise ConfigError(
                f"The plan lays {len(self.seeds)} pictures out in {quoted(columns)} columns; that must be a whole "
                f"number in 1..{len(self.seeds)}."
            )
        if conditions is None:
            return
        for name in self.conditions:
            if name not in conditions:
                raise ConfigError(
                    f'The plan has the condition "{name}", which is not known.{nearest(name, conditions)}'
                )
        for name, condition in conditions.items():
            if name not in self.conditions:
                if condition.is_required:
                    raise ShapeError(f'The plan lacks the condition "{name}".')
            elif (fault := condition.fault(self.conditions[name])) is not None:
                raise ShapeError(f'The plan\'s condition "{name}" {fault}.')

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
        seeds, arrays = data["seeds"], data["conditions"]
        if not isinstance(seeds, list) or not all(seed is None or type(seed) is int for seed in seeds):
            raise ValueError("seeds")
        if sum(_num_bytes(array) for array in arrays.values()) > MAX_BYTES:
            raise ValueError(f"more than {MAX_BYTES / 1e6:.0f} MB")
        return cls(
            seeds=seeds,
            settings=dict(data["settings"]),
            conditions={name: _decode_array(array) for name, array in arrays.items()},
            batch_size=data["batch_size"],
            names=[str(name) for name in data["names"]] if "names" in data else None,
            from_photo=bool(data.get("from_photo", False)),
            runtime=data.get("runtime", "torch"),
        )

    def _additions(self) -> dict[str, Any]:
        found: dict[str, Any] = {} if self.names is None else {"names": self.names}
        if self.from_photo:
            found["from_photo"] = True
        return found if self.runtime == "torch" else {**found, "runtime": self.runtime}

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


def safe_name(text: str) -> str:
    """A text, such as the name of a user's file without its suffix, as part of another file's name; dots go, too."""
    return re.sub(r"[^\w-]+", "_", text)[:60] or "file"


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


def _num_bytes(data: Mapping[str, Any]) -> int:
    """What an array will take in memory, by its description alone."""
    shape = [int(size) for size in data["shape"]]
    if min(shape, default=0) < 0:
        raise ValueError(f"shape {shape}")
    return math.prod(shape) * np.dtype(str(data["dtype"])).itemsize


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
