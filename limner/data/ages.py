"""Age groups: names of spans of whole years, and the group of an age. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from limner.errors import DataError, quoted

MAX_AGE = 116
"""The oldest age of UTKFace."""


@dataclass(frozen=True)
class AgeGroup:
    """A span of ages in whole years, both ends included."""

    name: str
    first: int
    last: int

    def __post_init__(self) -> None:
        if not 0 <= self.first <= self.last:
            raise DataError(f'The age group "{self.name}" goes from {self.first} to {self.last} years: exchange them.')

    def to_json(self) -> dict[str, Any]:
        """Plain data from which `from_json` makes an equal group."""
        return {"name": self.name, "first": self.first, "last": self.last}

    @classmethod
    def from_json(cls, data: Any) -> AgeGroup:
        """The reverse of `to_json`.

        Raises:
            DataError: if a field is missing or of the wrong kind.
        """
        try:
            return cls(str(data["name"]), int(data["first"]), int(data["last"]))
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"The age group {quoted(data)} needs a name, a first and a last age: {error}.") from error


def age_groups(last_years: Sequence[int], *, oldest: str) -> tuple[AgeGroup, ...]:
    """Groups without gaps from 0 years on.

    Args:
        last_years: last age of every group but the oldest.
        oldest: name of the group that holds all higher ages.
    """
    firsts = [0, *(year + 1 for year in last_years)]
    groups = [AgeGroup(f"{first}-{last}", first, last) for first, last in zip(firsts, last_years, strict=False)]
    return (*groups, AgeGroup(oldest, firsts[-1], max(MAX_AGE, firsts[-1])))


def group_of(age: float, groups: Sequence[AgeGroup]) -> int | None:
    """Index of the group that an age in years belongs to; a fraction counts to the years completed."""
    years = int(age)
    return next((index for index, group in enumerate(groups) if group.first <= years <= group.last), None)


LGCGAN_GROUPS = age_groups((5, 10, 20, 30, 40, 50, 60, 70, 80), oldest="80+")
"""The ten groups of LGcGAN on UTKFace (lgcgan.md 7); "80+" is 81 years and more."""
CAAE_GROUPS = age_groups((5, 10, 15, 20, 30, 40, 50, 60, 70), oldest="71+")
"""CAAE's ten groups."""
