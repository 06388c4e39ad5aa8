"""Eyeballs: a ball with a bulging cornea, the iris painted on it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from limner.data.schema import get_schema
from limner.people.body import PosedBody
from limner.people.chart import smooth_step
from limner.people.person import Eyes, Person
from limner.people.surface import Floats, Surface

SIZE = 128
"""Texels along the front of the ball."""
IRIS_ANGLE = 0.40
"""Half angle of the iris as seen from the centre of the ball, radians: 6.1 mm on the model's ball of 15.7 mm."""
_SCLERA = np.array([0.52, 0.465, 0.43], np.float32)
_VEINS = np.array([0.58, 0.36, 0.32], np.float32)
_RINGS, _SEGMENTS = 14, 28


def eye_surfaces(person: Person, body: PosedBody, age_years: float) -> list[Surface]:
    """Both eyeballs, labelled l_eye and r_eye (the subject's left and right)."""
    schema = get_schema("celebamask-19")
    directions, normals, radii, faces = _ball()
    uv = 0.5 + 0.5 * directions[:, [0, 2]]
    albedo = _paint(person.eyes, age_years)
    return [
        Surface(
            name=f"{side}-eye",
            vertices=eye.frame.to_world(eye.radius * radii[:, None] * directions),
            normals=normals @ eye.frame.axes,
            faces=faces,
            uv=uv,
            albedo=albedo,
            label=schema.id(f"{side}_eye"),
            body_label=get_schema("body-20").id("face"),
            roughness=0.1,
            specular=0.5,
            subsurface=0.3,
        )
        for side, eye in body.eyes.items()
    ]


@lru_cache(maxsize=1)
def _ball() -> tuple[Floats, Floats, Floats, npt.NDArray[np.int32]]:
    """Directions, normals (n, 3), radii (n,) and triangles of the front of a ball that looks along -y."""
    angle = np.repeat(np.linspace(0.0, 1.65, _RINGS), _SEGMENTS)
    around = np.tile(np.arange(_SEGMENTS) * (2 * np.pi / _SEGMENTS), _RINGS)

    def sphere(angle: npt.NDArray[np.float64]) -> Floats:
        out = (np.sin(angle) * np.cos(around), -np.cos(angle), np.sin(angle) * np.sin(around))
        return np.stack(out, axis=1).astype(np.float32)

    # Over the iris the cornea is more curved than the ball: its normals turn faster.
    inside = np.clip(1 - angle / (1.15 * IRIS_ANGLE), 0, 1)
    normals = sphere(angle * (1 + 0.45 * inside))
    radii = 1 + 0.035 * inside**2 * (3 - 2 * inside)
    ring, segment = np.meshgrid(np.arange(_RINGS - 1), np.arange(_SEGMENTS), indexing="ij")
    a = ring * _SEGMENTS + segment
    b = ring * _SEGMENTS + (segment + 1) % _SEGMENTS
    # From outside (-y) x runs to the right and z up: counter-clockwise is a, outward, outward next, next.
    quads = np.stack([a, a + _SEGMENTS, b + _SEGMENTS, a, b + _SEGMENTS, b], axis=-1)
    return sphere(angle), normals, radii.astype(np.float32), quads.reshape(-1, 3).astype(np.int32)


@lru_cache(maxsize=4)
def _paint(eyes: Eyes, age_years: float) -> Floats:
    """Texture (SIZE, SIZE, 3) of the front of the ball, as seen from the front."""
    row, column = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    x, y = (column + 0.5) / SIZE * 2 - 1, 1 - (row + 0.5) / SIZE * 2
    r = np.hypot(x, y) / np.float32(np.sin(IRIS_ANGLE))
    random = np.random.Generator(np.random.PCG64(eyes.seed))
    around = np.linspace(-np.pi, np.pi, 513, dtype=np.float32)
    fibres = np.interp(np.arctan2(y, x), around, _fibres(around, random)).astype(np.float32)
    iris = np.asarray(eyes.color, np.float32)
    # Lighter and warmer around the pupil, the fibres strongest half-way, a dark ring at the border.
    collarette = np.exp(-(((r - eyes.pupil - 0.14) / 0.13) ** 2))
    light = 1 + 0.42 * fibres * np.clip((r - eyes.pupil) / 0.2, 0, 1) + 0.3 * collarette
    light = light * (1 - 0.8 * eyes.limbal_ring * smooth_step(r, 0.72, 1.0))
    warm = 1 + collarette[..., None] * np.array([0.25, 0.08, -0.15], np.float32)
    color = np.clip(light[..., None] * warm, 0.03, None) * iris
    color *= smooth_step(r, eyes.pupil - 0.07, eyes.pupil + 0.07)[..., None] * 0.985 + 0.015
    edge = np.clip((np.abs(x) - 0.55) / 0.45, 0, 1)[..., None]
    old = min(max((age_years - 40) / 45, 0.0), 1.0)
    sclera = _SCLERA * np.array([1.0, 1 - 0.04 * old, 1 - 0.12 * old], np.float32)
    sclera = sclera + (0.45 + 0.3 * old) * edge * (_VEINS - sclera)
    out = color + smooth_step(r, 0.93, 1.06)[..., None] * (sclera - color)
    return np.asarray(out, np.float32)


def _fibres(angle: Floats, random: np.random.Generator) -> Floats:
    """Rays around the iris: a sum of harmonics, about -1 .. 1."""
    waves = random.integers(5, 40, 10)
    phases = random.uniform(0, 2 * np.pi, 10)
    total = sum(np.sin(k * angle + phase) / np.sqrt(10) for k, phase in zip(waves, phases, strict=True))
    return np.asarray(total, np.float32)
