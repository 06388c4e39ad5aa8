"""Hats: a beanie, a cap, a brimmed hat and a beret."""

from __future__ import annotations

import numpy as np

from limner.data.drawn.anatomy import Anatomy, Head
from limner.data.drawn.canvas import (
    Array,
    Canvas,
    Field,
    Mask,
    blend,
    clip,
    mix,
    rgb,
    scaled,
    smoothstep,
    spline,
    union,
)
from limner.data.drawn.face import lit
from limner.data.drawn.parameters import FaceParameters


def paint_hat(canvas: Canvas, p: FaceParameters, anatomy: Anatomy, thickness: float) -> None:
    """The hat over the hair, with the shadow of its rim on the face."""
    head = anatomy.head
    width = head.half_width + 0.75 * thickness + 0.010
    top = -0.325 - max(thickness, 0.02)
    face = canvas.polygon(anatomy.outline)
    painter = {"beanie": _beanie, "cap": _cap, "brim": _brimmed_hat, "beret": _beret}[p.hat]
    painter(canvas, p, head, face, width, top, _felt(p, anatomy))


def _felt(p: FaceParameters, anatomy: Anatomy) -> Field:
    color, dark, bright = p.hat_color, scaled(p.hat_color, 0.5), mix(p.hat_color, (1, 1, 1), 0.28)
    light = lit(p, anatomy)

    def paint(x: Array, y: Array) -> Array:
        level = light(x, y)
        cloth = blend(dark, color, smoothstep(level, 0.1, 0.65))
        cloth += (rgb(bright) - cloth) * smoothstep(level, 0.65, 1.05)
        return cloth

    return paint


def _dome(head: Head, width: float, top: float, low: float) -> Array:
    """Outline of a crown that sits on the head down to `low` at the sides and a little higher in front."""
    half = np.array(
        [
            (0.0, top),
            (0.42 * width, top + 0.012),
            (0.82 * width, top + 0.085),
            (width, -0.18),
            (0.985 * width, low - 0.02),
            (0.90 * width, low),
            (0.5 * width, low - 0.012),
            (0.0, low - 0.016),
        ]
    )
    curve = spline(half, steps=5)
    return head.silhouette(np.concatenate([curve, curve[-2::-1] * (-1, 1)]))


def _band(width: float, top: float, bottom: float, sag: float) -> Array:
    t = np.linspace(-1, 1, 17)
    bend = sag * np.sqrt(1 - t**2)
    upper, lower = np.stack([width * t, top + bend], -1), np.stack([width * t, bottom + bend], -1)
    return np.concatenate([upper, lower[::-1]]).astype(np.float32)


def _cast(canvas: Canvas, mask: Mask, face: Mask, p: FaceParameters) -> None:
    """The shadow of a hat on the face."""
    shadow = clip(canvas.soft(mask, 0.014 * p.scale, (0, 0.026 * p.scale)), face)
    canvas.fill(shadow, (0.55, 0.45, 0.48), multiply=True, opacity=0.75)


def _beanie(canvas: Canvas, p: FaceParameters, head: Head, face: Mask, width: float, top: float, felt: Field) -> None:
    crown = canvas.polygon(_dome(head, width, top, -0.13))
    band = canvas.polygon(head.silhouette(_band(width * 1.03, -0.185, -0.105, 0.022), 0.0))
    _cast(canvas, union(crown, band), face, p)

    def knit(x: Array, y: Array) -> Array:
        local_x, local_y = head.local(x, y)
        return felt(x, y) * (1 + np.float32(0.07) * np.sin(local_x * 190) * np.sin(local_y * 150))

    def ribs(x: Array, y: Array) -> Array:
        local_x, _ = head.local(x, y)
        return felt(x, y) * (np.float32(0.86) + np.float32(0.12) * np.sin(local_x * 170))

    pompom = canvas.ellipse(head.silhouette([(0, top - 0.012)])[0], 0.046 * p.scale)
    canvas.fill(pompom, lambda x, y: 0.5 * knit(x, y) + rgb(scaled(p.cloth_accent, 0.5)), label="hat")
    canvas.fill(canvas.soft(crown, 0.006, (0, -0.004)), scaled(p.hat_color, 0.4), opacity=0.35)
    canvas.fill(crown, knit, label="hat")
    canvas.fill(canvas.soft(band, 0.006, (0, -0.006)), scaled(p.hat_color, 0.4), opacity=0.5)
    canvas.fill(band, ribs, label="hat")


def _cap(canvas: Canvas, p: FaceParameters, head: Head, face: Mask, width: float, top: float, felt: Field) -> None:
    dark = scaled(p.hat_color, 0.5)
    crown = canvas.polygon(_dome(head, width, top, -0.125))
    seam = [(-0.176, -0.150), (-0.1, -0.178), (0.0, -0.188), (0.1, -0.178), (0.176, -0.150)]
    edge = [(0.196, -0.118), (0.12, -0.098), (0.0, -0.090), (-0.12, -0.098), (-0.196, -0.118)]
    visor_outline = spline(head.surface([*seam, *edge], np.array([0.02] * 5 + [0.05] * 5)), closed=True, steps=5)
    visor = canvas.polygon(visor_outline)
    _cast(canvas, union(crown, visor), face, p)
    canvas.fill(crown, felt, label="hat")
    side = [(0.05, top + 0.04), (0.11, -0.26), (0.125, -0.17)]
    panels = [[(0.0, top + 0.03), (0.0, -0.19)], side, [(-x, y) for x, y in side]]
    lines = [spline(head.surface(panel)) for panel in panels]
    canvas.fill(clip(canvas.soft(canvas.strokes(lines, 0.005), 0.002), crown), dark, opacity=0.7)
    canvas.fill(
        canvas.ellipse(head.silhouette([(0, top + 0.004)])[0], 0.018 * p.scale, 0.009 * p.scale), dark, label="hat"
    )
    canvas.fill(clip(canvas.soft(visor, 0.007, (0, -0.01)), crown), dark, opacity=0.6)
    accent = mix(p.hat_color, p.cloth_color, 0.6)
    middle = head.surface([(0, -0.14)], 0.04)[0]

    def shaded(x: Array, y: Array) -> Array:
        return blend(mix(accent, (1, 1, 1), 0.25), scaled(accent, 0.6), smoothstep(y - middle[1] + 0 * x, -0.06, 0.05))

    canvas.fill(visor, shaded, label="hat")
    canvas.fill(canvas.strokes([visor_outline[25:46]], 0.006 * p.scale), scaled(accent, 0.45), opacity=0.8)


def _brimmed_hat(
    canvas: Canvas, p: FaceParameters, head: Head, face: Mask, width: float, top: float, felt: Field
) -> None:
    dark = scaled(p.hat_color, 0.5)
    crown = canvas.polygon(_dome(head, width * 0.94, top - 0.02, -0.15))
    angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    across, down = np.cos(angle), np.sin(angle)
    rim_line = head.silhouette(
        np.stack([1.62 * width * across, -0.168 + 0.062 * down - 0.035 * np.abs(across) ** 3], -1), 0.0
    )
    rim = canvas.polygon(rim_line)
    _cast(canvas, rim, face, p)
    canvas.fill(rim, felt, label="hat")
    canvas.fill(canvas.strokes([rim_line[:25]], 0.006 * p.scale), dark, opacity=0.6)
    canvas.fill(clip(canvas.soft(crown, 0.012, (0, 0.014)), rim), dark, opacity=0.6)
    canvas.fill(crown, felt, label="hat")
    crease = canvas.soft(
        canvas.polygon(head.silhouette([(-0.05, top - 0.03), (0.05, top - 0.03), (0.0, top + 0.07)])), 0.012
    )
    canvas.fill(clip(crease, crown), dark, opacity=0.5)
    ribbon = clip(canvas.polygon(head.silhouette(_band(width, -0.215, -0.15, 0.022))), crown)
    canvas.fill(ribbon, mix(p.cloth_accent, dark, 0.35), label="hat")


def _beret(canvas: Canvas, p: FaceParameters, head: Head, face: Mask, width: float, top: float, felt: Field) -> None:
    side = 1 if p.hair_part > 0 else -1
    reach = width / 0.21
    shape = [(-0.215, -0.15), (-0.2, -0.27), (-0.05, top - 0.01), (0.15, top - 0.012), (0.28, -0.27), (0.275, -0.18)]
    shape += [(0.2, -0.15), (0.0, -0.172)]
    mask = canvas.polygon(spline(head.silhouette(np.array(shape) * (side * reach, 1)), closed=True, steps=6))
    _cast(canvas, mask, face, p)
    canvas.fill(mask, felt, label="hat")
    fold = spline(head.silhouette(np.array([(-0.19, -0.175), (0.0, -0.205), (0.25, -0.185)]) * (side * reach, 1)))
    canvas.fill(
        clip(canvas.soft(canvas.strokes([fold], 0.022 * p.scale), 0.01), mask), scaled(p.hat_color, 0.4), opacity=0.5
    )
    stalk = canvas.strokes(
        [head.silhouette(np.array([(0.06, top + 0.004), (0.08, top - 0.03)]) * (side, 1))], 0.016 * p.scale
    )
    canvas.fill(stalk, scaled(p.hat_color, 0.6), label="hat")
