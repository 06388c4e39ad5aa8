"""What the numbers of a configuration may be, and the sentence that refuses others. No torch import."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from typing import Any

from limner.errors import ConfigError

ENDLESS = 1e15
"""An upper end from here on is no advice to anybody: a message leaves it out."""


@dataclass(frozen=True)
class Range:
    """An interval.

    Attributes:
        least: its lower end.
        most: its upper end; none: there is none.
        open: ends that do not belong to it, "(", ")" or both.
        multiple_of: whole numbers alone, and of these the multiples of this one.
        power_of_two: powers of two alone.
        values: these alone; see `one_of`.
    """

    least: float
    most: float = math.inf
    open: str = ""
    multiple_of: int = 1
    power_of_two: bool = False
    values: tuple[float, ...] = ()

    @classmethod
    def one_of(cls, *values: float) -> Range:
        """These values alone."""
        return cls(min(values), max(values), values=values)

    def __contains__(self, value: float) -> bool:
        inside = self.least <= value <= self.most and value < math.inf  # NaN is in no interval
        if not inside or ("(" in self.open and value == self.least) or (")" in self.open and value == self.most):
            return False
        if self.values:
            return value in self.values
        if self.power_of_two:
            return int(value) & (int(value) - 1) == 0
        return self.multiple_of == 1 or value % self.multiple_of == 0

    def __str__(self) -> str:
        """What a value must be, after "it must "."""
        if self.values:
            return f"be one of {', '.join(map(_number, self.values))}"
        kind = "be a power of two" if self.power_of_two else "be"
        if self.multiple_of > 1:
            kind = f"be a multiple of {self.multiple_of}"
        if self.open and self.most < ENDLESS:
            left, right = "(" if "(" in self.open else "[", ")" if ")" in self.open else "]"
            return f"lie in {left}{_number(self.least)}, {_number(self.most)}{right}"
        if self.most < ENDLESS:
            return f"{kind} from {_number(self.least)} to {_number(self.most)}"
        return f"be a number {'above' if self.open else 'of at least'} {_number(self.least)}"


AT_LEAST_0 = Range(0)
AT_LEAST_1 = Range(1)
ABOVE_0 = Range(0, open="(")
SHARE = Range(0, 1)
RATE = Range(0, 1, open="(")
"""Of learning."""
MOMENT = Range(0, 1, open=")")
"""Of Adam."""
WIDTH = Range(1, 4096)
"""Of a layer, in channels."""
IMAGE_SIZE = Range(32, 2048, power_of_two=True)
"""Of systems that halve their pictures to the end."""
USUAL: Mapping[str, Range] = {
    "lr": RATE,
    "lr_*": RATE,
    "beta?": MOMENT,
    "*_images": AT_LEAST_0,
    "weight_*": AT_LEAST_0,
    "*width": WIDTH,
}
"""Names of fields -> what they may be wherever a section does not say something else."""


def check_ranges(section: Any, name: str, ranges: Mapping[str, Range] = USUAL) -> None:
    """Refuse numbers that are out of range.

    Args:
        section: a dataclass of a configuration.
        name: of the section on the command line.
        ranges: names of its fields, or patterns of names -> what they may be; `USUAL` holds for all others.

    Raises:
        ConfigError: naming the first field that is out of range.
    """
    known = [field.name for field in fields(section)]
    for pattern in ranges:
        if ranges is not USUAL and not any(fnmatchcase(field, pattern) for field in known):
            raise ValueError(f"{type(section).__name__} has no field {pattern}")  # the author is told, not the user
    for field in known:
        allowed = next((r for pattern, r in {**ranges, **USUAL}.items() if fnmatchcase(field, pattern)), None)
        value = getattr(section, field)
        if allowed is not None and isinstance(value, (int, float)) and value not in allowed:
            raise ConfigError(f"--{name}.{field} is {value}; it must {allowed}.")


def check_weighted(section: Any, name: str, networks: Mapping[str, str]) -> None:
    """Refuse weights of a network that are named for a loss without weight: the run would not look at them.

    Args:
        section: a dataclass of a configuration.
        name: of the section on the command line.
        networks: field that names such weights -> field with the weight of their loss.

    Raises:
        ConfigError: naming the first.
    """
    for field, weight in networks.items():
        if getattr(section, field) and not getattr(section, weight):
            raise ConfigError(
                f"--{name}.{field} has no effect with --{name}.{weight} 0; give that a value above 0, or leave "
                f"--{name}.{field} out."
            )


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else f"{value:g}"
