"""What is behind a person: out of focus, as a function of the place in the picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from limner.people.dice import Dice
from limner.people.film import blurred
from limner.people.surface import Floats

if TYPE_CHECKING:
    from limner.people.scene import Background

DETAIL = 128
"""Pixels along an edge at which every background is painted: it is out of focus, and the same at every size."""
_Y, _X = ((np.mgrid[:DETAIL, :DETAIL] + 0.5) / DETAIL).astype(np.float32)
_WHITE = np.ones(3, np.float32)


def paint_background(background: Background, size: int) -> Floats:
    """Linear RGB (size, size, 3) of the background; a photographer's white is about 1."""
    colors = np.array(background.colors, np.float32)
    painted = _PAINTERS[background.kind](colors, Dice(background.seed, 0, "background"))
    return np.asarray(np.maximum(resized(blurred(painted, background.blur * DETAIL), size), 0))


def resized(image: Floats, size: int) -> Floats:
    """A square image (n, n, channels) at another size."""
    channels = [
        Image.fromarray(np.ascontiguousarray(image[..., channel])).resize((size, size), Image.Resampling.BICUBIC)
        for channel in range(image.shape[2])
    ]
    return np.stack([np.asarray(channel, np.float32) for channel in channels], axis=-1)


def _plain(colors: Floats, dice: Dice) -> Floats:
    """Paper or a wall with a spot of light on it."""
    return np.asarray(colors[0] * _spot(dice, 0.35))


def _gradient(colors: Floats, dice: Dice) -> Floats:
    """From one colour to another, mostly from top to bottom."""
    angle = dice.uniform(-0.9, 0.9)
    along = (_X - 0.5) * np.float32(np.sin(angle)) + (_Y - 0.5) * np.float32(np.cos(angle))
    return _blend(colors[0], colors[1], _step(along, -0.55, 0.55)) * _spot(dice, 0.25)


def _clouds(colors: Floats, dice: Dice) -> Floats:
    """A painted canvas of a studio."""
    image = _blend(colors[0], colors[1], _noise(dice, 3))
    return _blend(image, colors[2], 0.6 * _noise(dice, 5) ** 2) * _spot(dice, 0.5)


def _bokeh(colors: Floats, dice: Dice) -> Floats:
    """Lights at night or leaves against the sun: discs of the aperture."""
    image = 0.6 * _blend(colors[0], colors[1], _noise(dice, 3))
    warm = np.array([1.0, 0.72, 0.42], np.float32)
    radius = dice.uniform(0.03, 0.09)
    for _ in range(8 + dice.integer(20)):
        x, y, own = dice.uniform(-0.1, 1.1), dice.uniform(-0.1, 1.0), radius * dice.uniform(0.6, 1.4)
        tint = warm if dice.chance(0.4) else 0.3 * _WHITE + 0.7 * colors[dice.integer(3)]
        distance = _distance(x, y) / np.float32(own)
        disc = (1 - _step(distance, 0.85, 1.1)) * (0.75 + 0.25 * distance)
        image = image + np.float32(dice.uniform(0.1, 0.7) ** 1.5) * disc[..., None] * tint
    return image


def _room(colors: Floats, dice: Dice) -> Floats:
    """A wall with a window or a door, pictures, and furniture below."""
    wall, other, dark = colors
    image = wall * _spot(dice, 0.4)
    if dice.chance(0.5):  # a corner: the other wall has less light
        corner = dice.uniform(0.1, 0.9)
        image = _blend(image, 0.6 * wall, _step(_X, corner, corner + 0.01))
    left, top, width, height = (dice.uniform(*span) for span in ((-0.2, 0.8), (-0.3, 0.2), (0.2, 0.45), (0.4, 1.2)))
    opening = dice.uniform(0.5, 1.6) * (0.7 * _WHITE + 0.3 * other) if dice.chance(0.5) else 0.5 * other
    image = _blend(image, 0.8 * _WHITE * wall.mean(), _box(left - 0.03, top - 0.03, width + 0.06, height + 0.06))
    image = _blend(image, opening, _box(left, top, width, height))
    image = _blend(image, 0.5 * wall, _box(left + width / 2 - 0.01, top, 0.02, height))
    for _ in range(dice.integer(3)):
        x, y, side = dice.uniform(), dice.uniform(0, 0.5), dice.uniform(0.06, 0.16)
        image = _blend(image, 0.25 * dark, _box(x - 0.01, y - 0.01, side + 0.02, 1.2 * side + 0.02))
        image = _blend(image, colors[1 + dice.integer(2)], _box(x, y, side, 1.2 * side))
    for _ in range(1 + dice.integer(3)):
        x, y, side = dice.uniform(-0.2, 1), dice.uniform(0.5, 0.85), dice.uniform(0.1, 0.5)
        image = _blend(image, dice.uniform(0.2, 0.9) * dark, _box(x, y, side, 1))
    return image


def _outdoors(colors: Floats, dice: Dice) -> Floats:
    """Sky, trees or houses, and ground."""
    sky = np.array([0.62, 0.74, 0.92], np.float32) * np.float32(dice.uniform(0.5, 1.2))
    leaf = np.array([0.09, 0.15, 0.04], np.float32) * np.float32(dice.uniform(0.6, 2.2))
    horizon = dice.uniform(0.3, 1.0)
    image = _blend(sky, _WHITE * sky.max(), _Y)
    if dice.chance(0.65):
        outline = _Y + 0.5 * (_noise(dice, 4) - 0.5)
        image = _blend(image, leaf, _step(outline, 0.1 * horizon, 0.25 * horizon))
        image = _blend(image, 2.2 * leaf, 0.8 * _step(_noise(dice, 12), 0.5, 0.75) * _step(outline, 0.15, 0.3))
        image = _blend(image, sky, 0.7 * _step(_noise(dice, 20), 0.68, 0.85) * (1 - _step(_Y, 0.3, 0.8)))
    else:
        for _ in range(3 + dice.integer(4)):
            x, side, top = dice.uniform(-0.2, 1.0), dice.uniform(0.1, 0.4), dice.uniform(-0.1, 0.6)
            image = _blend(image, dice.uniform(0.3, 1.0) * colors[dice.integer(3)], _box(x, top, side, 2))
    ground = 0.5 * colors[2] + 0.5 * (leaf if dice.chance(0.4) else 0.25 * _WHITE)
    return _blend(image, ground, _step(_Y, horizon, horizon + 0.05))


def _panel(colors: Floats, dice: Dice) -> Floats:
    """The wall of a press event: rows of marks, every other row shifted."""
    columns, rows = dice.uniform(1.5, 4.5), dice.uniform(3.0, 7.0)
    x = np.mod(_X * columns + 0.5 * np.mod(np.floor(_Y * rows), 2) + dice.uniform(), 1) - 0.5
    y = np.mod(_Y * rows, 1) - 0.5
    width, height = dice.uniform(0.2, 0.38), dice.uniform(0.1, 0.26)
    mark = (1 - _step(np.abs(x), width - 0.04, width)) * (1 - _step(np.abs(y), height - 0.08, height))
    letters = 0.5 + 0.5 * np.sin(_X * np.float32(columns * dice.uniform(25, 50)))
    black_or_white = _WHITE * (0.05 if colors[0].mean() > 0.3 else 0.8)
    ink = colors[1] if dice.chance(0.6) else black_or_white
    image = colors[0] * _spot(dice, 0.3)
    return _blend(image, ink, mark * (0.4 + 0.6 * letters) * np.float32(dice.uniform(0.4, 0.95)))


_PAINTERS: dict[str, Callable[[Floats, Dice], Floats]] = {
    "plain": _plain,
    "gradient": _gradient,
    "clouds": _clouds,
    "bokeh": _bokeh,
    "room": _room,
    "outdoors": _outdoors,
    "panel": _panel,
}


def _step(values: Floats, low: float, high: float) -> Floats:
    """0 below `low`, 1 above `high`, smooth between."""
    t = np.clip((values - np.float32(low)) / np.float32(high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def _blend(first: Floats, second: Floats, share: Floats) -> Floats:
    """`first` where `share` (n, n) is 0, `second` where it is 1; both are colours (3,) or images (n, n, 3)."""
    return np.asarray(first + share[..., None] * (second - first), np.float32)


def _box(left: float, top: float, width: float, height: float) -> Floats:
    """1 inside a rectangle, 0 outside."""
    edge = 0.006
    across = _step(_X, left - edge, left + edge) * (1 - _step(_X, left + width - edge, left + width + edge))
    return across * _step(_Y, top - edge, top + edge) * (1 - _step(_Y, top + height - edge, top + height + edge))


def _distance(x: float, y: float) -> Floats:
    """Distance of every pixel from a point, in picture widths."""
    return np.asarray(np.hypot(_X - np.float32(x), _Y - np.float32(y)))


def _spot(dice: Dice, depth: float) -> Floats:
    """Brightness (n, n, 1) of a wall lit unevenly: about 1 in the middle of the light, lower by `depth` far from it."""
    reach = np.float32(dice.uniform(0.5, 1.2))
    distance = _distance(dice.uniform(), dice.uniform(0, 0.8)) / reach
    return np.asarray(1.1 - depth * np.minimum(distance, 1.3) ** 2, np.float32)[..., None]


def _noise(dice: Dice, cells: int) -> Floats:
    """Smooth noise (n, n) in [0, 1] of three octaves, the coarsest with `cells` across."""
    random = np.random.Generator(np.random.PCG64(dice.integer()))
    total = np.zeros((DETAIL, DETAIL), np.float32)
    for octave in range(3):
        values = random.random((cells * 2**octave + 1,) * 2, np.float32)
        total += resized(values[..., None], DETAIL)[..., 0] * np.float32(0.5 ** (octave + 1))
    return np.asarray(np.clip((total - 0.4375) * np.float32(1.6) + 0.5, 0, 1))
