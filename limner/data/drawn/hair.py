"""Hair: a mass behind the head, a cap with a hairline, locks, and strands that follow how it is combed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from limner.data.drawn.anatomy import Anatomy
from limner.data.drawn.canvas import Array, Canvas, Field, Mask, blend, clip, mix, rgb, smoothstep, spline, union
from limner.data.drawn.face import Palette, lit
from limner.data.drawn.parameters import FaceParameters

_CROWN = -0.298  # top of the skull in head coordinates

# Thickness of the hair over the skull, lowest point at the temples and at the back, in head coordinates.
_SHAPES: dict[str, tuple[float, float, float]] = {
    "buzz": (0.012, 0.02, 0.0),
    "short": (0.036, 0.035, 0.0),
    "side_part": (0.045, 0.03, 0.0),
    "spiky": (0.038, 0.02, 0.0),
    "pixie": (0.038, 0.06, 0.12),
    "curly": (0.05, 0.08, 0.2),
    "bob": (0.05, 0.20, 0.21),
    "long": (0.045, 0.42, 0.45),
    "wavy": (0.055, 0.40, 0.44),
    "bun": (0.022, 0.03, 0.0),
    "ponytail": (0.024, 0.03, 0.0),
    "braids": (0.03, 0.06, 0.06),
}


@dataclass(frozen=True)
class Hair:
    """Masks of the hair; `back` lies behind the neck, `front` over the face. None of both is set on a bald head."""

    back: Mask | None
    front: Mask | None
    thickness: float


def build_hair(canvas: Canvas, p: FaceParameters, anatomy: Anatomy) -> Hair:
    """The masks of the hair of the face with parameters `p`."""
    if p.hair_style == "bald":
        return Hair(None, None, 0.0)
    thickness, side, behind = _SHAPES[p.hair_style]
    thickness *= p.hair_volume
    random = np.random.default_rng(p.texture_seed + 3)
    shapes = [_cap(p, anatomy, thickness, random)]
    back: list[Array] = []
    if p.hair_style in ("bob", "long", "wavy"):
        shapes += [_curtain(p, anatomy, thickness, side * p.hair_length, sign) for sign in (-1, 1)]
    if behind:
        back.append(_mass(p, anatomy, thickness, behind * p.hair_length))
    if p.hair_style == "bun" and p.hat == "none":
        back.append(_circle(anatomy, (0.02 * p.hair_part, _CROWN - 0.045), 0.078 * p.hair_volume**0.5))
    if p.hair_style == "ponytail":
        back.append(_ponytail(p, anatomy))
    if p.hair_style == "braids":
        shapes += [segment for sign in (-1, 1) for segment in _braid(p, anatomy, sign)]
    if p.hair_style == "curly":
        shapes += _curls(p, anatomy, thickness, random)
    front = union(*(canvas.polygon(shape) for shape in shapes))
    return Hair(union(*(canvas.polygon(shape) for shape in back)) if back else None, front, thickness)


def paint_hair_back(canvas: Canvas, hair: Hair, p: FaceParameters, palette: Palette, anatomy: Anatomy) -> None:
    """The hair behind the neck, in shade."""
    if hair.back is not None:
        bright = 0.0 if p.hair_style in ("bun", "ponytail") else -0.30
        paint = curl_paint if p.hair_style == "curly" else hair_paint
        canvas.fill(hair.back, paint(p, palette, anatomy, brightness=bright), label="hair")


def paint_hair_front(
    canvas: Canvas, hair: Hair, p: FaceParameters, palette: Palette, anatomy: Anatomy, head: Mask
) -> None:
    """The hair over the face, with the shadow it throws on the skin."""
    if hair.front is None:
        return
    shadow = clip(canvas.soft(hair.front, 0.012 * p.scale, (0, 0.014 * p.scale)), head)
    canvas.fill(shadow, (0.66, 0.52, 0.52), multiply=True, opacity=0.75)
    if p.hair_style == "curly":
        canvas.fill(hair.front, curl_paint(p, palette, anatomy), label="hair")
        _curl_lights(canvas, hair.front, p, palette, anatomy)
    elif p.hair_style == "buzz":
        canvas.fill(hair.front, buzz_paint(p, palette, anatomy), opacity=0.88, label="hair")
    else:
        canvas.fill(hair.front, hair_paint(p, palette, anatomy), label="hair")
    if p.hair_style == "braids":
        _plait(canvas, p, palette, anatomy, hair.front)


def buzz_paint(p: FaceParameters, palette: Palette, anatomy: Anatomy) -> Field:
    """Hair of some millimetres: the form of the head with a fine grain."""
    light = lit(p, anatomy)
    hair = mix(palette.hair, (0.72, 0.72, 0.73), 0.5 * p.grey)

    def paint(x: Array, y: Array) -> Array:
        local_x, local_y = anatomy.head.local(x, y)
        grain = np.sin(local_x * 410 + 3 * np.sin(local_y * 170)) * np.sin(local_y * 370 + 3 * np.sin(local_x * 150))
        level = light(x, y) * np.float32(0.9) - np.float32(0.08) + np.float32(0.09) * grain
        color = blend(palette.hair_shadow, hair, smoothstep(level, 0.1, 0.7))
        return color + (rgb(palette.hair_light) - color) * (np.float32(0.6) * smoothstep(level, 0.65, 1.1))

    return paint


def hair_paint(p: FaceParameters, palette: Palette, anatomy: Anatomy, *, brightness: float = 0.0) -> Field:
    """Strands that leave the parting in quarter ellipses and then hang down, with a band of gloss across them."""
    random = np.random.default_rng(p.texture_seed + 4)
    fine, coarse = (_smooth_noise(random, width) for width in (4, 22))
    light = lit(p, anatomy)
    part = 0.075 * p.hair_part
    phase = float(random.uniform(0, 6.28))
    amplitude = (0.022 if p.hair_style == "wavy" else 0.006) * (0.4 + p.hair_wave)

    def paint(x: Array, y: Array) -> Array:
        local_x, local_y = anatomy.head.local(x, y)
        fall = np.clip((local_y - np.float32(_CROWN - 0.03)) / np.float32(0.34), 0, 1)
        spread = np.float32(0.03) + np.float32(0.25) * np.sqrt(1 - (1 - fall) ** 2)
        wave = np.float32(amplitude) * fall * np.sin(local_y * np.float32(38) + np.float32(phase) + 6 * local_x)
        along = (local_x - np.float32(part) - wave) / spread
        index = (along * 220 + 2048).astype(np.int32) & 4095
        strand, clump = fine[index], coarse[index]
        level = light(x, y) * np.float32(0.62) + np.float32(0.16 + brightness)
        level = level + np.float32(0.17) * strand + np.float32(0.15) * clump
        ring = fall - np.float32(0.30) + np.float32(0.05) * clump
        level = level + np.float32(0.42 * p.gloss) * np.exp(-((ring / np.float32(0.12)) ** 2)) * (
            np.float32(0.6) + strand * 0.5
        )
        low = (local_y - np.float32(0.16) + np.float32(0.03) * clump) / np.float32(0.07)
        level = level + np.float32(0.16 * p.gloss) * np.exp(-(low**2))
        color = blend(palette.hair_shadow, palette.hair, smoothstep(level, 0.12, 0.62))
        color += (rgb(palette.hair_light) - color) * smoothstep(level, 0.62, 1.15)
        if p.grey:
            streaks = smoothstep(coarse[(index + 1500) & 4095] + np.abs(local_x) * np.float32(3.0), 0.25, 0.9)
            silver = rgb((0.74, 0.74, 0.75)) * (np.float32(0.35) + level * np.float32(0.85))
            color += (silver - color) * (streaks * np.float32(p.grey))
        return color

    return paint


def curl_paint(p: FaceParameters, palette: Palette, anatomy: Anatomy, *, brightness: float = 0.0) -> Field:
    """Curls: a pattern of small round swellings, lit like the head."""
    light = lit(p, anatomy)
    phase = np.random.default_rng(p.texture_seed + 6).uniform(0, 6.28, 4).astype(np.float32)

    def paint(x: Array, y: Array) -> Array:
        local_x, local_y = anatomy.head.local(x, y)
        bend_x = local_x + np.float32(0.012) * np.sin(local_y * 60 + phase[0])
        bend_y = local_y + np.float32(0.012) * np.sin(local_x * 55 + phase[1])
        swell = np.sin(bend_x * 105 + phase[2]) * np.sin(bend_y * 95 + phase[3])
        level = light(x, y) * np.float32(0.72) + np.float32(0.02 + brightness) + np.float32(0.16) * swell
        color = blend(palette.hair_shadow, palette.hair, smoothstep(level, 0.1, 0.6))
        color += (rgb(palette.hair_light) - color) * smoothstep(level, 0.6, 1.1)
        silver = rgb((0.74, 0.74, 0.75)) * (np.float32(0.35) + level * np.float32(0.85))
        color += (silver - color) * (np.float32(0.75 * p.grey) * smoothstep(swell, -1.2, 0.9))
        return color

    return paint


def _smooth_noise(random: np.random.Generator, width: int) -> Array:
    """4096 periodic values around 0, about within ±1, that change over `width` samples."""
    spectrum = np.fft.rfft(random.normal(size=4096))
    spectrum *= np.exp(-((np.arange(len(spectrum)) * width / 4096) ** 2) * 2)
    noise = np.fft.irfft(spectrum, 4096)
    scaled: Array = (noise / (2 * noise.std())).astype(np.float32)
    return scaled


def _outer(p: FaceParameters, anatomy: Anatomy, thickness: float, low: float) -> Array:
    """Outline of the hair over the skull from `low` on the picture's left over the crown to `low` on its right."""
    angle = np.linspace(np.pi, 0, 15)
    radius = anatomy.head.half_width + 0.75 * thickness
    arc = np.stack([radius * np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** 0.9, -(np.sin(angle) ** 0.92)], -1)
    arc[:, 1] = -0.06 + arc[:, 1] * (-_CROWN - 0.06 + thickness)
    ends = np.array([[-(radius - 0.006), low], [radius - 0.006, low]])
    return np.concatenate([ends[:1], arc, ends[1:]]).astype(np.float32)


def _cap(p: FaceParameters, anatomy: Anatomy, thickness: float, random: np.random.Generator) -> Array:
    """The hair over the skull, down to the hairline."""
    spiky = p.hair_style == "spiky" and p.hat == "none"
    outer = _outer(p, anatomy, thickness, -0.045)
    over = anatomy.head.silhouette(_spikes(outer, random, p) if spiky else outer)
    hw = anatomy.head.half_width
    burn = min(_SHAPES[p.hair_style][1], 0.05) * (1.0 if p.male else 0.5)
    temple = [
        (-hw - 0.002, burn + 0.004),
        (-hw + 0.011, burn - 0.002),
        (-hw + 0.016, burn - 0.03),
        (-hw + 0.021, -0.06),
    ]
    line = np.array([*temple, *_hairline(p, hw, random), *[(-x, y) for x, y in temple[::-1]]])
    # On the forehead the hairline turns with the face, at the temples it slides with the outline.
    to_side = np.clip(np.abs(line[:, :1]) / hw, 0, 1) ** 3
    placed = (1 - to_side) * anatomy.head.surface(line) + to_side * anatomy.head.silhouette(line, -0.03)
    hairline = spline(placed, steps=4 if p.fringe == "straight" else 6)
    return np.concatenate([over if spiky else spline(over, steps=4), hairline[::-1]])


def _hairline(p: FaceParameters, hw: float, random: np.random.Generator) -> list[tuple[float, float]]:
    """Where the hair ends on the forehead, in head coordinates from the picture's left to its right."""
    if p.fringe == "straight":
        x = np.linspace(-0.165, 0.165, 15)
        y = -0.088 + 0.04 * (np.abs(x) / 0.165) ** 3 + 0.012 * random.uniform(-1, 1, 15)
        return [(-hw + 0.03, -0.08), *zip(x.tolist(), y.tolist(), strict=True), (hw - 0.03, -0.08)]
    if p.fringe == "swept":
        side = 1 if p.hair_part > 0 else -1
        x = side * np.array([-0.165, -0.13, -0.06, 0.02, 0.09, 0.135, 0.17])
        y = np.array([-0.055, -0.085, -0.105, -0.13, -0.175, -0.185, -0.13])
        return list(zip(x.tolist(), y.tolist(), strict=True))[::side]
    if p.hair_style in ("side_part", "long", "wavy", "bob", "ponytail") or abs(p.hair_part) > 0.75:
        peak, top = 0.06 * p.hair_part, -0.232
        return [
            (-hw + 0.034, -0.11),
            ((-hw + peak) * 0.55, -0.178),
            (peak - 0.035, top + 0.018),
            (peak, top),
            (peak + 0.035, top + 0.018),
            ((hw + peak) * 0.55, -0.178),
            (hw - 0.034, -0.11),
        ]
    recede = 0.012 * p.wrinkles * p.male
    half = [(0.06, -0.196), (0.125, -0.178 - 2 * recede), (hw - 0.028, -0.12 - recede)]
    return [*((-x, y) for x, y in half[::-1]), (0.0, -0.192), *half]


def _spikes(outer: Array, random: np.random.Generator, p: FaceParameters) -> Array:
    """The outline with tufts that lean to the side of the parting."""
    curve = spline(outer, steps=6)
    center = np.array([0, -0.06])
    tuft = np.linspace(0, 1, 5, endpoint=False)
    count = len(curve) // len(tuft) + 1
    height = np.concatenate([tuft**1.5 * random.uniform(0.10, 0.26) for _ in range(count)])[: len(curve)]
    above = np.clip(-(curve[:, 1] + 0.06) / 0.12, 0, 1)
    grown: Array = center + (curve - center) * (1 + p.hair_volume * height * above)[:, None]
    return grown


def _curtain(p: FaceParameters, anatomy: Anatomy, thickness: float, length: float, sign: int) -> Array:
    hw = anatomy.head.half_width
    inner = np.array(
        [(hw - 0.03, -0.15), (hw - 0.03, -0.06), (hw - 0.032, 0.03), (hw - 0.036, 0.6 * length), (hw - 0.05, length)]
    )
    outer = np.array(
        [
            (hw + thickness * 0.75, -0.1),
            (hw + thickness * 0.95, 0.02),
            (hw + thickness * 1.05 + 0.012, 0.6 * length),
            (hw + thickness * 0.8 + 0.008, 0.92 * length),
            (hw - 0.01, length + 0.018),
        ]
    )
    shape = np.concatenate([inner, outer[::-1]])
    shape[:, 0] += _ripple(p, shape[:, 1]) * (1 if sign > 0 else -1)
    return spline(anatomy.head.silhouette(shape * (sign, 1), -0.03), closed=True, steps=6)


def _ripple(p: FaceParameters, y: Array) -> Array:
    if p.hair_style != "wavy":
        return np.zeros_like(y)
    ripple: Array = 0.016 * np.sin(34 * y + 6 * p.hair_wave) * np.clip(y * 8 + 0.4, 0, 1)
    return ripple


def _mass(p: FaceParameters, anatomy: Anatomy, thickness: float, length: float) -> Array:
    hw = anatomy.head.half_width
    half = np.array(
        [
            (0.0, _CROWN - 0.6 * thickness),
            (0.7 * hw, -0.24),
            (hw + 0.6 * thickness, -0.08),
            (hw + 0.9 * thickness, 0.04),
            (hw + 0.9 * thickness + 0.01, 0.7 * length),
            (hw + 0.4 * thickness, length),
            (0.5 * hw, length + 0.015),
        ]
    )
    half[:, 0] += _ripple(p, half[:, 1])
    return spline(anatomy.head.silhouette(np.concatenate([half, half[::-1] * (-1, 1)])), closed=True, steps=6)


def _circle(anatomy: Anatomy, center: tuple[float, float], radius: float) -> Array:
    angle = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    ring = np.stack([center[0] + 1.1 * radius * np.cos(angle), center[1] + radius * np.sin(angle)], -1)
    return anatomy.head.silhouette(ring)


def _ponytail(p: FaceParameters, anatomy: Anatomy) -> Array:
    sign = 1 if p.hair_part > 0 else -1
    length = 0.3 * p.hair_length
    shape = np.array(
        [
            (0.1, -0.27),
            (0.2, -0.29),
            (0.275, -0.2),
            (0.295, -0.05),
            (0.29, 0.1),
            (0.25, length),
            (0.225, 0.12),
            (0.225, -0.02),
            (0.19, -0.12),
        ]
    )
    return spline(anatomy.head.silhouette(shape * (sign, 1)), closed=True, steps=6)


def _braid(p: FaceParameters, anatomy: Anatomy, sign: int) -> list[Array]:
    hw = anatomy.head.half_width
    count = 6
    return [
        _circle(anatomy, (sign * (hw + 0.012 + 0.006 * (-1) ** i), 0.07 + 0.058 * i * p.hair_length), 0.040 - 0.002 * i)
        for i in range(count)
    ]


def _plait(canvas: Canvas, p: FaceParameters, palette: Palette, anatomy: Anatomy, front: Mask) -> None:
    """The strands of the braids: a light middle and a dark edge for each."""
    for sign in (-1, 1):
        knots = _braid(p, anatomy, sign)
        edges = canvas.soft(canvas.strokes(knots, 0.012 * p.scale), 0.004)
        canvas.fill(clip(edges, front), palette.hair_shadow, opacity=0.8)
        lights = canvas.polygon(*(knot.mean(0) + 0.4 * (knot - knot.mean(0)) for knot in knots))
        canvas.fill(clip(canvas.soft(lights, 0.008 * p.scale), front), palette.hair_light, opacity=0.45)


def _curls(p: FaceParameters, anatomy: Anatomy, thickness: float, random: np.random.Generator) -> list[Array]:
    hw = anatomy.head.half_width
    low = -0.45 if p.male else -0.75
    circles = []
    for angle in np.linspace(low, np.pi - low, 22):
        radius = 0.045 + 0.016 * float(random.random())
        reach_x, reach_y = hw + thickness * 0.9, -_CROWN - 0.06 + thickness
        center = (reach_x * float(np.cos(angle)), -0.06 - reach_y * float(np.sin(angle)))
        if p.hat != "none" and center[1] < -0.15:
            continue
        circles.append(_circle(anatomy, center, radius * p.hair_volume**0.5))
    for angle in np.linspace(0.5, np.pi - 0.5, 9):  # over the forehead, where the hairline turns with the face
        x, y = 0.78 * hw * float(np.cos(angle)), -0.06 - 0.165 * float(np.sin(angle)) + 0.01 * float(random.random())
        turned = anatomy.head.surface([(x, y)]) - anatomy.head.silhouette([(x, y)])
        circles.append(_circle(anatomy, (x, y), 0.038) + 0.7 * turned)
    return circles


def _curl_lights(canvas: Canvas, front: Mask, p: FaceParameters, palette: Palette, anatomy: Anatomy) -> None:
    random = np.random.default_rng(p.texture_seed + 5)
    s = p.scale
    lines: list[Array] = []
    darks: list[Array] = []
    for _ in range(150):
        angle, reach = random.uniform(-0.8, np.pi + 0.8), random.uniform(0.6, 1.35)
        center = anatomy.head.silhouette(
            [(anatomy.head.half_width * reach * np.cos(angle), -0.06 - 0.24 * reach * np.sin(angle))]
        )[0]
        start = random.uniform(0, 6.28)
        arc = np.linspace(start, start + random.uniform(2, 3.6), 9)
        radius = random.uniform(0.012, 0.024) * s
        curl = center + np.stack([radius * np.cos(arc), radius * np.sin(arc)], -1)
        (lines if random.random() < 0.5 else darks).append(curl.astype(np.float32))
    canvas.fill(clip(canvas.soft(canvas.strokes(darks, 0.009 * s), 0.003), front), palette.hair_shadow, opacity=0.75)
    canvas.fill(
        clip(canvas.soft(canvas.strokes(lines, 0.006 * s), 0.002), front),
        mix(palette.hair, palette.hair_light, 0.75),
        opacity=0.6,
    )
