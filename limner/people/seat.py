"""Something to sit on for people who sit: a plain box below the pelvis, part of the background."""

from __future__ import annotations

import numpy as np

from limner.people.body import PosedBody
from limner.people.dice import Dice, srgb
from limner.people.surface import Floats, Surface

SEATED_SLOPE = 0.75
"""Thighs that point down less than this (1: straight down) need a seat."""
COLORS = (srgb(0.93, 0.93, 0.92), srgb(0.55, 0.42, 0.30), srgb(0.45, 0.46, 0.48), srgb(0.12, 0.12, 0.13))
HALF_SIDE = 0.19
"""Half of the side of a low seat, metres on an adult whose thigh is `ADULT_THIGH` long; high ones are narrower."""
ADULT_THIGH = 0.43
_CORNERS = np.array([(x, y, z) for z in (0, 1) for y in (-1, 1) for x in (-1, 1)], np.float32)
_SIDES = np.array([(0, 1, 5, 4), (1, 3, 7, 5), (3, 2, 6, 7), (2, 0, 4, 6), (4, 5, 7, 6)])


def seat_surfaces(body: PosedBody, seed: int) -> list[Surface]:
    """A box from the ground to the thighs of a body that sits; nothing for one that stands.

    Args:
        body: posed.
        seed: chooses the colour.
    """
    hips, knees = (
        np.stack([body.joints[f"{name}.{side}"].origin for side in "LR"]) for name in ("upperleg01", "lowerleg01")
    )
    thighs = knees - hips
    lengths = np.linalg.norm(thighs, axis=1)
    if (-thighs[:, 2] > SEATED_SLOPE * lengths).any():
        return []
    ahead = -body.joints["root"].axes[1] * np.array([1, 1, 0])
    ahead /= np.linalg.norm(ahead)
    low = (-thighs[:, 2] < 0.4 * lengths).all()
    half = HALF_SIDE * float(lengths.mean()) / ADULT_THIGH * (1.0 if low else 0.75)
    middle = hips.mean(axis=0) + (0.35 if low else 0.1) * half * ahead
    axes = np.stack([np.array([-ahead[1], ahead[0], 0]), ahead, np.array([0, 0, 1])]).astype(np.float32)
    extent = np.array([half, half, _height(body, middle, half)])
    vertices = (_CORNERS * extent) @ axes + middle * np.array([1, 1, 0])
    corners = vertices[_SIDES]  # every side has corners of its own, so that its edges are sharp
    first = 4 * np.arange(len(_SIDES))[:, None]
    faces = np.concatenate([first + np.array([0, 1, 2]), first + np.array([0, 2, 3])])
    color = COLORS[Dice(seed, 0, "seat").integer(len(COLORS))]
    return [
        Surface(
            name="seat",
            vertices=corners.reshape(-1, 3),
            faces=faces.astype(np.int32),
            albedo=np.asarray(color, np.float32),
            label=0,
            roughness=0.6,
            specular=0.4,
        )
    ]


def _height(body: PosedBody, middle: Floats, half: float) -> float:
    """Of the lowest skin above the seat."""
    skin = body.part("body").vertices
    above = (np.abs(skin[:, :2] - middle[:2]).max(axis=1) < half) & (skin[:, 2] > 0.5 * middle[2])
    return max(float(skin[above, 2].min()), 0.02) if above.any() else float(middle[2])
