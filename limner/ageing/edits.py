"""Edits of landmarks: turn, scale, shift, open the mouth, raise the brows, close the eyes."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from limner.errors import ConfigError, nearest, quoted

Points = npt.NDArray[np.float32]
LIMITS = {
    "turn_degrees": 20.0,
    "scale": 0.2,
    "right": 0.15,
    "down": 0.15,
    "open_mouth": 1.0,
    "smile": 1.0,
    "raise_brows": 1.0,
    "close_eyes": 1.0,
}
"""Edit -> largest amount to either side; shifts are shares of the picture's side, 1 of an expression is all of it."""
_LOWER = (*range(55, 60), *range(65, 68))
_CORNERS = (48, 54)


def edit_landmarks(landmarks: Points, edits: Mapping[str, float]) -> Points:
    """Landmarks (68, 2), changed by each edit in turn.

    Raises:
        ConfigError: if an edit is unknown or an amount is out of range.
    """
    for name, amount in edits.items():
        if name not in LIMITS:
            raise ConfigError(f'There is no edit "{name}".{nearest(name, LIMITS)}')
        if isinstance(amount, bool) or not isinstance(amount, int | float | np.number):
            raise ConfigError(f"The edit {name} is {quoted(amount)}; it must be a number.")
        if not abs(amount) <= LIMITS[name]:  # also catches NaN
            raise ConfigError(f"The edit {name} is {amount}; it must be from {-LIMITS[name]:g} to {LIMITS[name]:g}.")
    points = np.array(landmarks, np.float64)
    eyes = float(np.linalg.norm(points[36:42].mean(0) - points[42:48].mean(0)))
    for name, amount in edits.items():
        if name in ("open_mouth", "smile", "raise_brows", "close_eyes"):
            _express(points, name, amount, eyes)
    middle = points.mean(axis=0)
    angle = math.radians(edits.get("turn_degrees", 0.0))  # counter-clockwise in the picture, whose y points down
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    points = (1 + edits.get("scale", 0.0)) * (points - middle) @ turn.T + middle
    points += (edits.get("right", 0.0), edits.get("down", 0.0))
    return np.asarray(points, np.float32)


def _express(points: npt.NDArray[np.float64], name: str, amount: float, eyes: float) -> None:
    """Change points in place, in units of the distance between the eyes."""
    if name == "open_mouth":
        points[list(_LOWER), 1] += 0.35 * eyes * amount
        points[4:13, 1] += 0.25 * eyes * amount * np.sin(np.linspace(0, math.pi, 9))  # the chin follows
    elif name == "smile":
        points[list(_CORNERS), 1] -= 0.12 * eyes * amount
        points[list(_CORNERS), 0] += 0.08 * eyes * amount * np.array([-1, 1])
        points[[60, 64], 1] -= 0.12 * eyes * amount
    elif name == "raise_brows":
        points[17:27, 1] -= 0.15 * eyes * amount
    else:
        for eye in (range(36, 42), range(42, 48)):
            middle = points[list(eye), 1].mean()
            points[list(eye), 1] += amount * (middle - points[list(eye), 1])
