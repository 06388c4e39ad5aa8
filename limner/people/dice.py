"""Random numbers for people and scenes: one independent stream per purpose."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from statistics import NormalDist
from typing import TypeVar

import numpy as np

from limner.errors import ConfigError
from limner.people.record import Color

Name = TypeVar("Name")
_NORMAL = NormalDist()


def check_type(what: str, value: object, *kinds: type) -> None:
    """Refuse a value of another type than these.

    Raises:
        ConfigError: naming both.
    """
    if isinstance(value, bool) or not isinstance(value, kinds):
        raise ConfigError(f"{what} is of the type {type(value).__name__}; it must be {kinds[0].__name__}.")


class Dice:
    """Draws from the stream of (`seed`, `index`, `purpose`); a new draw in one purpose moves no other one.

    Everything is made from uniform numbers, whose stream numpy keeps stable, and not from numpy's distributions, which
    may change between versions.
    """

    def __init__(self, seed: int, index: int, purpose: str) -> None:
        check_type("The seed of a person", seed, int, np.integer)
        check_type("The index of a person", index, int, np.integer)
        if seed < 0 or index < 0:
            raise ConfigError(f"Seed and index of a person must be 0 or more, not {seed} and {index}.")
        entropy = [seed, index, zlib.crc32(purpose.encode())]
        self._random = np.random.Generator(np.random.PCG64(np.random.SeedSequence(entropy)))

    def uniform(self, low: float = 0.0, high: float = 1.0) -> float:
        """Uniform in [low, high)."""
        return low + (high - low) * float(self._random.random())

    def normal(self, mean: float = 0.0, sigma: float = 1.0, *, limit: float = 2.5) -> float:
        """Normal, cut off at `limit` standard deviations."""
        low = _NORMAL.cdf(-limit)
        return mean + sigma * _NORMAL.inv_cdf(self.uniform(low, 1 - low))

    def chance(self, probability: float) -> bool:
        """True with `probability`."""
        return self.uniform() < probability

    def pick(self, weights: Mapping[Name, float]) -> Name:
        """One of the keys, as often as its weight says."""
        position = self.uniform() * sum(weights.values())
        for name, weight in weights.items():
            position -= weight
            if position < 0:
                return name
        return name  # position was rounded up to the sum

    def integer(self, high: int = 2**31) -> int:
        """Uniform in [0, high)."""
        return int(self.uniform() * high)

    def between(self, first: Color, second: Color) -> Color:
        """A colour on the line between two."""
        return mix(first, second, self.uniform())

    def hsv(self, hue: float, saturation: float, value: float) -> Color:
        """Linear RGB of an sRGB colour given by hue (any real, 1 = full turn), saturation and value."""
        sector = [(5 + 6 * hue) % 6, (3 + 6 * hue) % 6, (1 + 6 * hue) % 6]
        red, green, blue = (value - value * saturation * max(0.0, min(k, 4 - k, 1)) for k in sector)
        return srgb(red, green, blue)


def mix(first: Color, second: Color, t: float) -> Color:
    """`first` at t = 0, `second` at t = 1."""
    red, green, blue = (a + (b - a) * t for a, b in zip(first, second, strict=True))
    return red, green, blue


def scaled(color: Color, factor: float) -> Color:
    """The colour, brighter or darker, kept in [0, 1]."""
    red, green, blue = (min(max(channel * factor, 0.0), 1.0) for channel in color)
    return red, green, blue


def srgb(red: float, green: float, blue: float) -> Color:
    """Linear RGB of an sRGB colour in [0, 1] (IEC 61966-2-1)."""
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (red, green, blue))
    return r, g, b
