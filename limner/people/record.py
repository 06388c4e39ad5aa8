"""Frozen records of plain values: checked names, and a round trip through JSON."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, fields
from typing import Any, ClassVar, Self, get_args, get_origin, get_type_hints

from limner.errors import ConfigError, DataError, nearest, quoted

Color = tuple[float, float, float]
"""Linear RGB, each in [0, 1]."""


_MOST = 1000.0
_MOST_WHOLE = 2**64


class Record:
    """Base of frozen dataclasses whose fields are numbers, words, colours, tables of numbers or other records."""

    CHOICES: ClassVar[dict[str, tuple[str, ...]]] = {}
    """Field -> the words it may hold; a field that is not listed may hold any."""
    RANGES: ClassVar[dict[str, tuple[float, float]]] = {}
    """Field -> least and largest number; others may be as far from 0 as `_MOST`, and whole ones not below 0."""

    def __post_init__(self) -> None:
        for field in fields(self):  # type: ignore[arg-type]  # every Record is a dataclass
            for number in _numbers(getattr(self, field.name)):
                usual = (0, _MOST_WHOLE) if type(number) is int else (-_MOST, _MOST)
                low, high = self.RANGES.get(field.name, usual)
                if not low <= number <= high:  # NaN is in no interval
                    raise ConfigError(
                        f"{type(self).__name__} cannot have {field.name} {quoted(number)}; it must be from {low:g} to "
                        f"{high:g}."
                    )
        for name, known in self.CHOICES.items():
            value = getattr(self, name)
            if value not in known:
                raise ConfigError(f'{type(self).__name__} cannot have {name} "{value}".{nearest(str(value), known)}')

    def to_json(self) -> dict[str, Any]:
        """Plain data from which `from_json` makes an equal record."""
        return asdict(self)  # type: ignore[call-overload,no-any-return]  # every Record is a dataclass

    @classmethod
    def from_json(cls, data: Any, *, where: str | None = None) -> Self:
        """Make a record from plain data.

        Raises:
            DataError: if a field is missing, unknown or of the wrong kind, or holds a word that it may not hold.
        """
        where = where or f"The {cls.__name__}"
        if not isinstance(data, dict):
            raise DataError(f"{where} must be a JSON object, not {type(data).__name__}.")
        kinds = _kinds(cls)
        for key in data:
            if key not in kinds:
                raise DataError(f'{where} has the unknown field "{key}".{nearest(key, kinds)}')
        for key in kinds:
            if key not in data:
                raise DataError(f'{where} lacks the field "{key}".')
        values = {key: _read(kind, data[key], f"{where}: {key}") for key, kind in kinds.items()}
        try:
            return cls(**values)
        except ConfigError as error:
            raise DataError(f"{where} cannot be used: {error}") from error


def _numbers(value: object) -> Iterator[float]:
    """All numbers of a field."""
    if isinstance(value, int | float):
        yield value
    elif isinstance(value, tuple | dict):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _numbers(one)


def _kinds(cls: Any) -> dict[str, Any]:
    hints = get_type_hints(cls)
    return {field.name: hints[field.name] for field in fields(cls)}


def _read(kind: Any, value: Any, where: str) -> Any:
    """`value` as the annotation `kind` wants it."""
    if isinstance(kind, type) and issubclass(kind, Record):
        return kind.from_json(value, where=where)
    origin, inner = get_origin(kind), get_args(kind)
    if origin is dict and isinstance(value, dict):
        return {str(key): _read(inner[1], item, f"{where}: {key}") for key, item in value.items()}
    if origin is tuple and isinstance(value, list | tuple) and len(value) == len(inner):
        return tuple(_read(part, item, where) for part, item in zip(inner, value, strict=True))
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value) if abs(value) <= _MOST_WHOLE else math.inf  # which no record takes
    if kind in (int, str, bool) and type(value) is kind:
        return value
    raise DataError(f"{where} has the wrong kind of value: {quoted(value)}.")
