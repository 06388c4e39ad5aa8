"""Skin, nose, eyes, brows, mouth and ears."""

from __future__ import annotations

import numpy as np

from limner.data.drawn.anatomy import Anatomy, Ear, Eye
from limner.data.drawn.canvas import (
    Array,
    Canvas,
    Color,
    Field,
    Mask,
    blend,
    clip,
    mix,
    rgb,
    scaled,
    smoothstep,
    spline,
    spot,
)
from limner.data.drawn.parameters import FaceParameters


class Palette:
    """The tones of one face's skin and hair under its light."""

    def __init__(self, p: FaceParameters) -> None:
        skin = p.skin
        if not p.young:  # older skin: paler, less red
            grey = sum(skin) / 3
            skin = mix(skin, (grey * 1.02, grey * 0.97, grey * 0.9), 0.22)
        self.skin = skin
        depth = 0.30 + 0.16 * p.contrast
        self.shadow: Color = (skin[0] * (1 - depth * 0.85), skin[1] * (1 - depth), skin[2] * (1 - depth * 0.98))
        self.deep = mix(self.shadow, (self.shadow[0] * 0.5, self.shadow[1] * 0.36, self.shadow[2] * 0.36), 0.75)
        self.light = mix(skin, (1.0, 0.97, 0.92), 0.20 + 0.16 * p.contrast)
        self.blush = mix(skin, (0.90, 0.30, 0.30), 0.55)
        hair = mix(p.hair, (0.66, 0.65, 0.65), p.grey * 0.55)
        self.hair = hair
        self.hair_shadow = scaled(mix(hair, (0.10, 0.05, 0.08), 0.15), 0.5)
        self.hair_light = mix(scaled(hair, 1.45), (1.0, 0.95, 0.88), 0.16 + 0.12 * p.gloss)
        # Fair hair is darker and warmer where it is short: brows and beards.
        fair = min(max(sum(hair) / 3 - 0.25, 0.0) * 2, 1.0)
        self.beard: Color = (hair[0] * (1 - 0.22 * fair), hair[1] * (1 - 0.34 * fair), hair[2] * (1 - 0.42 * fair))
        self.brow = mix(scaled(self.beard, 0.85 - 0.12 * fair), (0.12, 0.07, 0.05), 0.15 + 0.2 * fair)
        self.line = mix(self.deep, (0.12, 0.05, 0.04), 0.55)


def lit(p: FaceParameters, anatomy: Anatomy) -> Field:
    """How much light falls on the head as if it were an ellipsoid, 0 to 1."""
    head = anatomy.head
    light = np.array([p.light_x, p.light_y, 0.75])
    light = (light / np.linalg.norm(light)).astype(np.float32)

    def field(x: Array, y: Array) -> Array:
        local_x, local_y = head.local(x, y)
        nx = local_x / np.float32(head.half_width * 1.12)
        ny = (local_y + np.float32(0.02)) / np.float32(0.33)
        nz = np.sqrt(np.maximum(0.03, 1 - nx * nx - ny * ny))
        level: Array = np.clip(0.5 + 0.5 * (nx * light[0] + ny * light[1] + nz * light[2]), 0, 1)
        return level

    return field


def skin_paint(p: FaceParameters, palette: Palette, anatomy: Anatomy) -> Field:
    """The whole skin of the head: form shading, eye sockets, cheeks, nose and chin."""
    light = lit(p, anatomy)
    s = p.scale
    toward = p.light_side
    cheek_y = np.array([0.0, 0.082 * s], np.float32)
    cheeks = [eye.center + cheek_y + np.array([eye.side * 0.018 * s, 0], np.float32) for eye in anatomy.eyes]
    tip, chin = anatomy.nose_tip, anatomy.landmarks[8]
    lip = anatomy.landmarks[57]
    brow = (anatomy.landmarks[19] + anatomy.landmarks[24]) / 2
    bridge = anatomy.landmarks[28]
    darker = [spot(eye.center - np.array([0, 0.008 * s]), 0.075 * s, 0.055 * s, strength=0.20) for eye in anatomy.eyes]
    darker += [
        spot(lip + np.array([0, 0.017 * s]), 0.05 * s, 0.016 * s, strength=0.22),
        spot(bridge - np.array([toward * 0.03 * s, -0.02 * s]), 0.024 * s, 0.06 * s, strength=0.22),
        spot(tip + np.array([0, 0.042 * s]), 0.05 * s, 0.018 * s, strength=0.20),
    ]
    darker += [
        spot(eye.center + np.array([eye.side * 0.045 * s, 0.125 * s]), 0.05 * s, 0.05 * s, strength=0.12 * p.male)
        for eye in anatomy.eyes
    ]
    lighter = [
        spot(brow - np.array([-toward * 0.04 * s, 0.055 * s]), 0.11 * s, 0.055 * s, strength=0.16),
        spot(chin - np.array([0, 0.035 * s]), 0.045 * s, 0.03 * s, strength=0.12),
        spot((cheeks[0] if toward < 0 else cheeks[1]) - np.array([0, 0.025 * s]), 0.05 * s, 0.035 * s, strength=0.14),
    ]
    red = [spot(cheek, 0.062 * s, 0.042 * s, strength=0.75 * p.blush) for cheek in cheeks]
    red += [spot(tip, 0.035 * s, 0.03 * s, strength=0.30 * p.blush + 0.1)]

    def paint(x: Array, y: Array) -> Array:
        level = light(x, y)
        for brush in darker:
            level = level - brush(x, y)
        for brush in lighter:
            level = level + brush(x, y)
        color = blend(palette.shadow, palette.skin, smoothstep(level, 0.18, 0.78))
        glow = smoothstep(level, 0.78, 1.12)
        color += (rgb(palette.light) - color) * glow
        flush = np.zeros_like(level)
        for brush in red:
            flush = flush + brush(x, y)
        color += (rgb(palette.blush) - rgb(palette.skin)) * flush
        return color

    return paint


def paint_ear(canvas: Canvas, ear: Ear, p: FaceParameters, palette: Palette, anatomy: Anatomy) -> None:
    """One ear, to be covered by the head's outline on its inner side."""
    light = lit(p, anatomy)
    mask = canvas.polygon(ear.outline)
    base = mix(palette.skin, palette.blush, 0.35)

    def paint(x: Array, y: Array) -> Array:
        return blend(palette.shadow, base, smoothstep(light(x, y), 0.15, 0.7))

    canvas.fill(mask, paint, label="l_ear" if ear.side > 0 else "r_ear")
    groove = canvas.soft(canvas.strokes([ear.inner], 0.012 * p.scale), 0.004)
    canvas.fill(clip(groove, mask), mix(palette.shadow, palette.deep, 0.6), opacity=0.85)


def paint_head(canvas: Canvas, p: FaceParameters, palette: Palette, anatomy: Anatomy) -> Mask:
    """The skin of the head with its age and beard, and the nose; returns the head's mask."""
    head = canvas.polygon(anatomy.outline)
    canvas.fill(head, skin_paint(p, palette, anatomy), label="skin")
    if p.freckles:
        _freckles(canvas, p, palette, anatomy, head)
    if p.stubble:
        _beard(canvas, p, palette, anatomy, head)
    if p.wrinkles:
        _wrinkles(canvas, p, palette, anatomy, head)
    _nose(canvas, p, palette, anatomy)
    return head


def _nose(canvas: Canvas, p: FaceParameters, palette: Palette, anatomy: Anatomy) -> None:
    s = p.scale
    toward = p.light_side
    mask = canvas.polygon(anatomy.nose)
    edge = canvas.soft(mask, 0.006 * s)
    tip, bridge = anatomy.nose_tip, anatomy.landmarks[28]
    shade_side = spot(bridge - np.array([toward * 0.022 * s, -0.035 * s]), 0.02 * s, 0.06 * s, strength=0.4)
    below = spot(tip + np.array([0, 0.03 * s]), 0.06 * s, 0.014 * s, strength=0.6)
    canvas.fill(mask, palette.light, opacity=0.16, label="nose")
    canvas.fill(edge, palette.shadow, opacity=lambda x, y: np.minimum(1, shade_side(x, y) + below(x, y)))
    shine = spot(tip + np.array([toward * 0.008 * s, -0.008 * s]), 0.018 * s, strength=0.75)
    canvas.fill(mask, palette.light, opacity=shine)
    glow = spot(bridge + np.array([toward * 0.005 * s, 0.0]), 0.009 * s, 0.06 * s, strength=0.5)
    canvas.fill(mask, palette.light, opacity=glow)
    wings = canvas.soft(canvas.strokes(anatomy.nose_wings, 0.006 * s), 0.0025)
    canvas.fill(wings, palette.deep, opacity=0.6)
    holes = canvas.polygon(*(_oval(point, 0.011 * s * p.nose_width, 0.0055 * s) for point in anatomy.nostrils))
    canvas.fill(canvas.soft(holes, 0.002), palette.line, opacity=0.75)


def _oval(center: Array, radius_x: float, radius_y: float) -> Array:
    angle = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    return (center + np.stack([radius_x * np.cos(angle), radius_y * np.sin(angle)], -1)).astype(np.float32)


def _freckles(canvas: Canvas, p: FaceParameters, palette: Palette, anatomy: Anatomy, head: Mask) -> None:
    random = np.random.default_rng(p.texture_seed + 1)
    center = anatomy.landmarks[29]
    spread = random.normal(size=(int(60 * p.freckles), 2)) * (0.07, 0.025) * p.scale
    dots = canvas.polygon(*(_oval(center + offset.astype(np.float32), 0.0035, 0.003) for offset in spread))
    canvas.fill(clip(dots, head), mix(palette.shadow, (0.5, 0.25, 0.12), 0.4), opacity=0.5)


def _beard(canvas: Canvas, p: FaceParameters, palette: Palette, anatomy: Anatomy, head: Mask) -> None:
    """Stubble as a cool tint of the jaw, a beard as short strokes of hair; the lips stay free."""
    s = p.scale
    jaw, marks = anatomy.jaw, anatomy.landmarks
    upper = [
        jaw[4],
        (marks[2] + marks[48] * 0.55) / 1.55,
        marks[48] + (-0.022 * s, -0.012 * s),
        marks[33] + (-0.045 * s, 0.026 * s),
    ]
    other = [
        jaw[-5],
        (marks[14] + marks[54] * 0.55) / 1.55,
        marks[54] + (0.022 * s, -0.012 * s),
        marks[33] + (0.045 * s, 0.026 * s),
    ]
    cheek_line = spline(np.array([*upper, marks[33] + (0, 0.02 * s), *other[::-1]]), steps=6)
    lowered = (jaw[4:-4] - anatomy.head.silhouette([(0, 0)])) * 1.03 + anatomy.head.silhouette([(0, 0)])
    area = canvas.polygon(np.concatenate([cheek_line, lowered[::-1]]).astype(np.float32))
    tint = mix(mix(scaled(palette.hair, 0.6), (0.30, 0.33, 0.38), 0.6), (1, 1, 1), 0.38)
    canvas.fill(clip(canvas.soft(area, 0.022 * s), head), tint, multiply=True, opacity=0.25 + 0.5 * p.stubble)
    if not p.beard:
        return
    random = np.random.default_rng(p.texture_seed + 2)
    center = marks[33]
    start = np.stack([random.uniform(-0.21, 0.21, 420), random.uniform(0.0, 0.25, 420)], -1) * s + center
    lean = np.stack([(start[:, 0] - center[0]) * 0.10 + random.normal(size=420) * 0.004, np.full(420, 0.022 * s)], -1)
    lines = [np.stack([a, a + b]).astype(np.float32) for a, b in zip(start, lean, strict=True)]
    solid = clip(canvas.soft(area, 0.007 * s), head)
    canvas.fill(solid, scaled(palette.beard, 0.8), opacity=0.55 + 0.4 * p.beard)
    levels = random.integers(60, 255, 420).tolist()
    canvas.fill(
        clip(canvas.strokes(lines, 0.004 * s, levels), solid), mix(palette.beard, palette.hair_light, 0.4), opacity=0.55
    )
    canvas.fill(
        clip(canvas.strokes([line + np.array([0.006, 0.004]) for line in lines[::2]], 0.004 * s), solid),
        palette.hair_shadow,
        opacity=0.4,
    )


def _wrinkles(canvas: Canvas, p: FaceParameters, palette: Palette, anatomy: Anatomy, head: Mask) -> None:
    """Forehead lines, crow's feet, bags under the eyes and the folds from the nose to the mouth."""
    h, s, marks = anatomy.head, p.scale, anatomy.landmarks
    lines = []
    for y, width in ((-0.168, 0.09), (-0.148, 0.105), (-0.128, 0.075)):
        t = np.linspace(-1, 1, 9)
        lines.append(h.surface(np.stack([width * t, y + 0.007 * t**2 + 0.003 * np.sin(5 * t)], -1)))
    for eye in anatomy.eyes:
        corner = eye.upper[-1]
        for angle in (-0.5, 0.05, 0.6):
            step = np.array([eye.side * np.cos(angle), np.sin(angle)]) * s
            lines.append(np.stack([corner + 0.012 * step, corner + 0.034 * step]).astype(np.float32))
    folds = []
    for side, wing, corner in ((-1, marks[31], marks[48]), (1, marks[35], marks[54])):
        out = np.array([side * 0.02 * s, 0])
        folds.append(
            spline(
                np.stack(
                    [
                        wing + np.array([side * 0.012, -0.008]) * s,
                        (wing + corner) / 2 + 1.3 * out,
                        corner + 1.2 * out + (0, 0.018 * s),
                    ]
                )
            )
        )
    bags = [eye.lower[2:-2] + np.array([0, 0.017 * s], np.float32) for eye in anatomy.eyes]
    fine = canvas.soft(canvas.strokes(lines, 0.005 * s), 0.0022)
    deep = canvas.soft(canvas.strokes([*folds, *bags], 0.009 * s), 0.004)
    canvas.fill(clip(fine, head), palette.deep, opacity=0.6 * p.wrinkles)
    canvas.fill(clip(deep, head), palette.deep, opacity=0.75 * p.wrinkles)


def paint_eye(canvas: Canvas, eye: Eye, p: FaceParameters, palette: Palette) -> None:
    """Lid shadow, white, iris, pupil, lashes and brow."""
    s = p.scale
    opening = canvas.polygon(eye.opening)
    toward = p.light_side
    if p.makeup:
        lid = canvas.polygon(np.concatenate([eye.crease, eye.upper[::-1]]))
        canvas.fill(canvas.soft(lid, 0.006 * s), mix(p.lips, (0.35, 0.2, 0.35), 0.5), opacity=0.45 * p.makeup)
    white = (0.97, 0.96, 0.94) if p.young else (0.93, 0.90, 0.84)
    canvas.fill(opening, white, label="l_eye" if eye.side > 0 else "r_eye")

    radius = eye.iris_radius
    iris = clip(canvas.ellipse(eye.iris, radius), opening)
    rim, core = scaled(p.iris, 0.4), mix(scaled(p.iris, 1.25), (1, 1, 0.9), 0.12)
    cx, cy = eye.iris

    def iris_paint(x: Array, y: Array) -> Array:
        distance = np.sqrt((x - cx) ** 2 + (y - cy) ** 2) / np.float32(radius)
        color = blend(core, p.iris, smoothstep(distance, 0.35, 0.75))
        color += (rgb(rim) - color) * smoothstep(distance, 0.72, 1.0)
        down: Array = np.clip((y - cy) / np.float32(radius), -1, 1)
        return color * (np.float32(0.82) + np.float32(0.3) * down)

    canvas.fill(iris, iris_paint)
    canvas.fill(clip(canvas.ellipse(eye.iris, radius * 0.46), opening), (0.03, 0.02, 0.03))
    lash_shadow = canvas.soft(canvas.strokes([eye.upper], 0.014 * s), 0.006)
    canvas.fill(clip(lash_shadow, opening), (0.45, 0.38, 0.42), multiply=True, opacity=0.8)
    canvas.fill(
        canvas.ellipse(eye.iris + np.array([toward * 0.38, -0.36]) * radius, radius * 0.27), (1, 1, 1), opacity=0.95
    )
    canvas.fill(
        canvas.ellipse(eye.iris + np.array([-toward * 0.34, 0.4]) * radius, radius * 0.14), (1, 1, 1), opacity=0.45
    )
    _lashes(canvas, eye, p, palette)
    _brow(canvas, eye, p, palette)


def _lashes(canvas: Canvas, eye: Eye, p: FaceParameters, palette: Palette) -> None:
    s = p.scale
    ink = mix(palette.brow, (0.05, 0.03, 0.03), 0.8)
    thickness = np.linspace(0.35, 1.0, len(eye.upper))[:, None] * (0.007 + 0.008 * p.makeup) * s
    normal = np.array([[0.0, -1.0]])
    top = eye.upper + normal * thickness
    if p.makeup:
        wing = eye.upper[-1] + np.array([eye.side * 0.017, -0.013]) * s * p.makeup
        top = np.concatenate([top[:-1], wing[None]])
    liner = canvas.polygon(np.concatenate([top, eye.upper[::-1] + np.array([0, 0.002 * s])]).astype(np.float32))
    canvas.fill(liner, ink)
    canvas.fill(canvas.soft(canvas.strokes([eye.crease], 0.005 * s), 0.0025), palette.deep, opacity=0.55)
    canvas.fill(canvas.strokes([eye.lower], 0.004 * s), mix(palette.deep, ink, 0.3 + 0.4 * p.makeup), opacity=0.6)


def _brow(canvas: Canvas, eye: Eye, p: FaceParameters, palette: Palette) -> None:
    mask = canvas.polygon(eye.brow)
    canvas.fill(canvas.soft(mask, 0.004), palette.brow, opacity=0.35)
    canvas.fill(mask, palette.brow, opacity=0.92 if p.male else 0.8, label="l_brow" if eye.side > 0 else "r_brow")


def paint_mouth(canvas: Canvas, p: FaceParameters, palette: Palette, anatomy: Anatomy) -> None:
    """Lips, and between them teeth and tongue when the mouth is open."""
    s, mouth, marks = p.scale, anatomy.mouth, anatomy.landmarks
    toward = p.light_side
    upper, lower = canvas.polygon(mouth.upper_lip), canvas.polygon(mouth.lower_lip)
    edge = 0.0035 * s
    canvas.fill(canvas.soft(lower, 0.007 * s, (0, 0.008 * s)), palette.shadow, opacity=0.6)
    dark, light = scaled(mix(p.lips, palette.deep, 0.25), 0.86), mix(p.lips, (1.0, 0.93, 0.9), 0.32)
    opening = canvas.polygon(mouth.inside)
    gap = float(np.linalg.norm(marks[62] - marks[66]))
    if gap > 0:
        canvas.fill(opening, (0.27, 0.07, 0.08), label="mouth")
        tongue = canvas.ellipse(marks[66] + (0, 0.006 * s), 0.045 * s, 0.5 * gap)
        canvas.fill(clip(canvas.soft(tongue, edge), opening), (0.74, 0.33, 0.34))
        # A smile bares the teeth to the corners of the mouth; otherwise only the middle ones show.
        t = np.linspace(-1, 1, len(mouth.inner_upper))
        bared = 0.34 + 0.12 * max(0.0, p.smile)
        drop = np.stack([0 * t, 0.003 + bared * gap * (1 - np.abs(t)) ** (0.9 - 0.6 * np.clip(p.smile, 0, 1))], -1)
        teeth = canvas.polygon(np.concatenate([mouth.inner_upper, (mouth.inner_upper + drop)[::-1]]).astype(np.float32))
        canvas.fill(clip(teeth, opening), (0.97, 0.95, 0.91))
        canvas.fill(
            clip(canvas.soft(upper, 0.006 * s, (0, 0.006 * s)), opening), (0.5, 0.35, 0.38), multiply=True, opacity=0.6
        )
    canvas.fill(upper, dark, label="u_lip")
    canvas.fill(lower, p.lips, label="l_lip")
    shine = spot(
        (marks[57] + marks[66]) / 2 + (toward * 0.012 * s, 0), 0.03 * s, 0.008 * s, strength=0.35 + 0.45 * p.makeup
    )
    canvas.fill(lower, light, opacity=shine)
    canvas.fill(
        upper,
        light,
        opacity=spot(marks[51] + (toward * 0.016 * s, 0.006 * s), 0.025 * s, 0.006 * s, strength=0.4 * p.makeup),
    )
    corners = [mouth.inner_upper] if gap == 0 else [mouth.outer_upper[:3], mouth.outer_upper[-3:]]
    canvas.fill(
        canvas.soft(canvas.strokes(corners, 0.006 * s), 0.002), scaled(mix(p.lips, palette.line, 0.7), 0.7), opacity=0.9
    )
