"""Neck, clothes, glasses and jewellery."""

from __future__ import annotations

import numpy as np

from limner.data.drawn.anatomy import Anatomy
from limner.data.drawn.canvas import (
    Array,
    Canvas,
    Field,
    blend,
    clip,
    mix,
    rgb,
    scaled,
    smoothstep,
    spline,
    union,
)
from limner.data.drawn.face import Palette
from limner.data.drawn.parameters import FaceParameters


def _mirrored(center_x: float, half: list[tuple[float, float]]) -> Array:
    """An outline from its right half (offset from the middle, y): down the left side first, then up the right one."""
    right = np.array(half)
    left = right * (-1, 1)
    outline: Array = np.concatenate([left, right[::-1]]) + np.array([center_x, 0])
    return outline


class Body:
    """Where the neck and the shoulders lie, in picture coordinates."""

    def __init__(self, p: FaceParameters, anatomy: Anatomy) -> None:
        s = p.scale
        self.x = 0.5 * (p.center_x + 0.5) - 0.03 * float(np.sin(p.yaw)) * s
        self.half_neck = 0.098 * p.neck_width * s
        self.half_shoulder = 0.40 * p.shoulder_width * s
        self.base = min(p.center_y + 0.365 * s, 0.905)  # where the neck meets the clothes
        self.jaw = float(anatomy.landmarks[8, 1]) - 0.1 * s


def paint_neck(canvas: Canvas, p: FaceParameters, palette: Palette, anatomy: Anatomy, body: Body) -> None:
    """Neck and chest with the shadow of the head."""
    n = body.half_neck
    half = [
        (n, body.jaw),
        (n * 0.98, body.base - 0.03),
        (n * 1.12, body.base),
        (n * 1.9, body.base + 0.03),
        (body.half_shoulder * 0.85, 1.0),
        (body.half_shoulder, 1.1),
    ]
    mask = canvas.polygon(spline(_mirrored(body.x, half), steps=5))
    toward = p.light_side

    def paint(x: Array, y: Array) -> Array:
        across = (x - np.float32(body.x)) / np.float32(n)
        level = np.float32(0.62) + np.float32(0.22 * toward) * across - np.float32(0.16) * across * across + 0 * y
        return blend(palette.shadow, palette.skin, smoothstep(level, 0.1, 0.8))

    canvas.fill(mask, paint, label="neck")
    under = canvas.soft(canvas.polygon(anatomy.outline), 0.018 * p.scale, (-0.015 * toward, 0.045 * p.scale))
    canvas.fill(clip(under, mask), palette.deep, opacity=0.62)
    bones = [
        np.array([(body.x + s * n * 0.25, body.base + 0.035), (body.x + s * n * 1.3, body.base + 0.02)], np.float32)
        for s in (-1, 1)
    ]
    canvas.fill(clip(canvas.soft(canvas.strokes(bones, 0.008), 0.004), mask), palette.shadow, opacity=0.7)


def paint_clothes(canvas: Canvas, p: FaceParameters, body: Body) -> None:
    """The garment over the shoulders with its collar."""
    n, base, shoulder = body.half_neck, body.base, body.half_shoulder
    edge = {"turtleneck": n * 1.06, "shirt": n * 1.12}.get(p.clothes, n * 1.32)
    depth = {"v_neck": 0.115, "blazer": 0.10, "shirt": 0.07, "turtleneck": 0.0}.get(p.clothes, 0.05)
    top = base - 0.008 if p.clothes != "turtleneck" else base - 0.055
    shoulders = [
        (edge, top),
        (n * 2.0, base + 0.028),
        (shoulder * 0.82, base + 0.062),
        (shoulder, base + 0.12),
        (shoulder * 1.08, 1.15),
    ]
    curve = spline(np.array(shoulders), steps=5)
    if p.clothes in ("v_neck", "blazer", "shirt"):
        neckline = np.array([(edge, top), (0.0, top + depth), (-edge, top)])
    else:
        t = np.linspace(1, -1, 13)
        neckline = np.stack([edge * t, top + depth * np.sqrt(1 - t**2)], -1)
    outline = (np.concatenate([curve[::-1], neckline, curve * (-1, 1)]) + np.array([body.x, 0])).astype(np.float32)
    mask = canvas.polygon(outline)
    canvas.fill(mask, _fabric(p, body), label="cloth")
    neck_edge = (neckline + np.array([body.x, 0])).astype(np.float32)
    if p.clothes in ("crew", "stripes", "v_neck"):
        band = clip(canvas.strokes([neck_edge], 0.026), mask)
        canvas.fill(band, scaled(p.cloth_color, 0.78) if p.clothes != "stripes" else p.cloth_accent, opacity=0.9)
    elif p.clothes == "turtleneck":
        _turtleneck(canvas, p, body)
    else:
        _collar(canvas, p, body, edge, top, depth)
    shade = canvas.soft(
        canvas.polygon(_mirrored(body.x, [(n * 1.2, base - 0.1), (n * 1.5, base + 0.02), (0, base + 0.07)])), 0.03
    )
    canvas.fill(clip(shade, mask), (0.55, 0.5, 0.58), multiply=True, opacity=0.6)


def _fabric(p: FaceParameters, body: Body) -> Field:
    color, dark, bright = p.cloth_color, scaled(p.cloth_color, 0.55), mix(p.cloth_color, (1, 1, 1), 0.22)
    toward = p.light_side

    def paint(x: Array, y: Array) -> Array:
        across = (x - np.float32(body.x)) / np.float32(body.half_shoulder)
        folds = np.float32(0.07) * np.sin(across * 17 + (y - np.float32(body.base)) * np.float32(40) * np.sign(across))
        level = (
            np.float32(0.55)
            + np.float32(0.3 * toward) * across
            - np.float32(1.2) * (y - np.float32(body.base + 0.05))
            + folds
        )
        fabric = blend(dark, color, smoothstep(level, 0.0, 0.6))
        fabric += (rgb(bright) - fabric) * smoothstep(level, 0.6, 1.1)
        if p.clothes == "stripes":
            sag = (y - np.float32(body.base)) - np.float32(0.25) * across * across
            stripe = smoothstep(np.sin(sag * np.float32(2 * np.pi / 0.062)), -0.15, 0.15)
            shaded = rgb(p.cloth_accent) * (np.float32(0.6) + np.float32(0.4) * smoothstep(level, 0, 0.7))
            fabric += (shaded - fabric) * stripe
        return fabric

    return paint


def _turtleneck(canvas: Canvas, p: FaceParameters, body: Body) -> None:
    n, base = body.half_neck, body.base
    band = spline(
        _mirrored(body.x, [(n * 1.04, base - 0.055), (n * 1.1, base - 0.02), (n * 1.16, base + 0.012)]), steps=4
    )
    mask = canvas.polygon(band)
    toward = p.light_side

    def paint(x: Array, y: Array) -> Array:
        across = (x - np.float32(body.x)) / np.float32(n)
        ribs = np.float32(0.05) * np.sin(across * 40)
        level = np.float32(0.6) + np.float32(0.35 * toward) * across + ribs + 0 * y
        return blend(scaled(p.cloth_color, 0.5), mix(p.cloth_color, (1, 1, 1), 0.12), smoothstep(level, 0.0, 1.0))

    canvas.fill(mask, paint, label="cloth")
    canvas.fill(
        clip(canvas.soft(canvas.strokes([band[len(band) // 2 - 3 : len(band) // 2 + 3]], 0.01), 0.005), mask),
        (0, 0, 0),
        opacity=0.2,
    )


def _collar(canvas: Canvas, p: FaceParameters, body: Body, edge: float, top: float, depth: float) -> None:
    x, flaps = body.x, []
    if p.clothes == "shirt":
        color = mix(p.cloth_color, (1, 1, 1), 0.35)
        flap = [
            (edge * 0.95, top - 0.02),
            (0.004, top + depth),
            (edge * 0.62, top + depth + 0.045),
            (edge * 1.32, top + 0.03),
        ]
    else:  # a shirt under the lapels of a blazer
        color = scaled(p.cloth_color, 0.82)
        inside = np.array(
            [
                (edge, top),
                (0, top + depth),
                (-edge, top),
                (-edge * 0.8, top - 0.015),
                (0, top + 0.05),
                (edge * 0.8, top - 0.015),
            ]
        )
        canvas.fill(canvas.polygon((inside + np.array([x, 0])).astype(np.float32)), p.cloth_accent, label="cloth")
        flap = [
            (edge * 0.92, top - 0.01),
            (0.0, top + depth),
            (edge * 1.1, top + depth + 0.01),
            (edge * 1.75, top + 0.06),
            (edge * 1.4, top + 0.012),
        ]
    for side in (-1, 1):
        flaps.append((np.array(flap) * (side, 1) + np.array([x, 0])).astype(np.float32))
    mask = canvas.polygon(*flaps)
    canvas.fill(canvas.soft(mask, 0.006, (0, 0.008)), (0.3, 0.28, 0.33), multiply=True, opacity=0.45)
    canvas.fill(mask, color, label="cloth")
    canvas.fill(
        canvas.strokes([np.concatenate([flap, flap[:1]]) for flap in flaps], 0.004), scaled(color, 0.7), opacity=0.6
    )


def paint_necklace(canvas: Canvas, p: FaceParameters, body: Body) -> None:
    """Pearls or a chain with a pendant, around the base of the neck."""
    n, base = body.half_neck, body.base
    drop = 0.045 if p.clothes != "turtleneck" else 0.07
    t = np.linspace(-1, 1, 19)
    curve = np.stack([body.x + 1.02 * n * t, base - 0.018 + drop * np.sqrt(1 - t**2)], -1).astype(np.float32)
    if p.necklace == "pearls":
        points = spline(curve, steps=2)[::2]
        mask = union(*(canvas.ellipse(point, 0.0125) for point in points))
        canvas.fill(mask, (0.93, 0.90, 0.86), label="neck_l")
        shine = union(*(canvas.ellipse(point - np.array([0.003, 0.004]), 0.0045) for point in points))
        canvas.fill(shine, (1, 1, 1), opacity=0.9)
        rims = union(*(canvas.ellipse(point + np.array([0.003, 0.006]), 0.005) for point in points))
        canvas.fill(clip(canvas.soft(rims, 0.002), mask), (0.5, 0.45, 0.45), opacity=0.5)
        return
    chain = canvas.strokes([curve], 0.013)
    canvas.fill(canvas.soft(chain, 0.004, (0, 0.006)), (0.3, 0.2, 0.2), multiply=True, opacity=0.4)
    canvas.fill(chain, p.metal, label="neck_l")
    stone = canvas.ellipse(curve[9] + np.array([0, 0.016]), 0.018, 0.022)
    canvas.fill(stone, p.metal, label="neck_l")
    canvas.fill(canvas.ellipse(curve[9] + np.array([0, 0.016]), 0.012, 0.015), p.iris)
    canvas.fill(canvas.ellipse(curve[9] + np.array([-0.004, 0.011]), 0.004), (1, 1, 1), opacity=0.9)


def paint_earrings(canvas: Canvas, p: FaceParameters, anatomy: Anatomy) -> None:
    """One on each ear that is not behind the cheek."""
    s = p.scale
    for ear in anatomy.ears:
        if not ear.visible:
            continue
        lobe = ear.lobe
        if p.earrings == "hoop":
            ring = canvas.ellipse(lobe + np.array([0, 0.03 * s]), 0.03 * s, 0.034 * s)
            hole = canvas.ellipse(lobe + np.array([0, 0.028 * s]), 0.017 * s, 0.02 * s)
            mask = clip(ring, hole.point(lambda value: 255 - value))
        elif p.earrings == "drop":
            mask = union(
                canvas.ellipse(lobe, 0.011 * s), canvas.ellipse(lobe + np.array([0, 0.036 * s]), 0.017 * s, 0.025 * s)
            )
        else:
            mask = canvas.ellipse(lobe, 0.018 * s)
        canvas.fill(mask, p.metal, label="ear_r")
        canvas.fill(clip(canvas.soft(mask, 0.004 * s, (0.006 * s, 0.007 * s)), mask), scaled(p.metal, 0.6), opacity=0.6)
        canvas.fill(canvas.ellipse(lobe - np.array([0.004, 0.005]) * s, 0.005 * s), (1, 1, 1), opacity=0.9)


def paint_glasses(canvas: Canvas, p: FaceParameters, anatomy: Anatomy) -> None:
    """Frame and lenses, both of the class eye_g, as in CelebAMask-HQ."""
    s, head = p.scale, anatomy.head
    power = {"round": 2.0, "square": 4.0, "sun": 2.8}[p.glasses]
    spacing = 0.098 * p.eye_spacing * p.face_width
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    circle = np.stack([np.cos(angle), np.sin(angle)], -1)
    shape = (
        np.sign(circle)
        * np.abs(circle) ** (2 / power)
        * (0.076 * p.face_width, 0.068 if p.glasses == "round" else 0.056)
    )
    lenses = [head.surface(shape + np.array([side * (spacing + 0.004), -0.018]), 0.02) for side in (-1, 1)]
    bridge = head.surface([(-0.03, -0.028), (0, -0.038), (0.03, -0.028)], 0.03)
    arms = [
        np.stack([lenses[i][20 if side < 0 else 0], ear.outline[0]])
        for i, (side, ear) in enumerate(zip((-1, 1), anatomy.ears, strict=True))
    ]
    glass = canvas.polygon(*lenses)
    rims = canvas.strokes([*(np.concatenate([lens, lens[:2]]) for lens in lenses), spline(bridge)], 0.012 * s)
    rims = union(rims, clip(canvas.strokes(arms, 0.012 * s), canvas.polygon(anatomy.outline)))
    canvas.fill(canvas.soft(rims, 0.005, (0, 0.01 * s)), (0.5, 0.4, 0.4), multiply=True, opacity=0.45)
    if p.glasses == "sun":
        top, bottom = mix(p.frame_color, (0.03, 0.03, 0.05), 0.75), mix(p.frame_color, (0.5, 0.4, 0.35), 0.4)
        middle = anatomy.landmarks[28, 1]

        def tint(x: Array, y: Array) -> Array:
            return blend(top, bottom, smoothstep(y - middle + 0 * x, -0.06, 0.06))

        canvas.fill(glass, tint, opacity=0.93, label="eye_g")
    else:
        canvas.fill(glass, (0.92, 0.96, 1.0), opacity=0.08, label="eye_g")
    for lens in lenses:
        middle_point = lens.mean(0)
        streak = (np.array([(-0.055, 0.05), (-0.02, 0.06), (0.045, -0.06), (0.02, -0.06)]) * s + middle_point).astype(
            np.float32
        )
        canvas.fill(clip(canvas.soft(canvas.polygon(streak), 0.004), glass), (1, 1, 1), opacity=0.13)
    canvas.fill(rims, p.frame_color, label="eye_g")
    highlight = clip(canvas.strokes([lens[22:32] for lens in lenses], 0.004 * s), rims)
    canvas.fill(highlight, mix(p.frame_color, (1, 1, 1), 0.55), opacity=0.8)
