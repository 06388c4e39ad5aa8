"""Height and width of pictures: one type for square and other sizes. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from limner.errors import ConfigError, quoted

MAX_SIDE = 8192
"""Longest side of a picture that a model may have."""


class Size(NamedTuple):
    """Height and width in pixels, in this order everywhere."""

    height: int
    width: int

    @classmethod
    def of(cls, value: SizeLike) -> Size:
        """A size from one whole number (a square) or from height and width.

        Raises:
            ConfigError: if it is neither, or a side is not from 1 to `MAX_SIDE`.
        """
        sides = (value, value) if isinstance(value, int) else tuple(value) if _is_sequence(value) else ()
        whole = all(isinstance(side, int) and not isinstance(side, bool) for side in sides)
        if len(sides) != 2 or not whole or not all(1 <= side <= MAX_SIDE for side in sides):
            raise ConfigError(
                f"The size {quoted(value)} must be a whole number of pixels, or a height and a width, from 1 to "
                f"{MAX_SIDE}."
            )
        return cls(*sides)

    @property
    def square(self) -> bool:
        """Whether height and width are equal."""
        return self.height == self.width

    def __str__(self) -> str:
        """`64`, or `256x176` with the height first."""
        return str(self.height) if self.square else f"{self.height}x{self.width}"

    def to_json(self) -> int | list[int]:
        """A whole number for a square, else [height, width]; `Size.of` reads both."""
        return self.height if self.square else [self.height, self.width]


SizeLike = int | Sequence[int]
"""What `Size.of` takes; a `Size` is one of them."""


def _is_sequence(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)
