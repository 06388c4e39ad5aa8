"""What lies behind the person."""

from __future__ import annotations

import numpy as np

from limner.data.drawn.canvas import Array, Canvas, blend, mix, rgb, scaled, smoothstep, spline
from limner.data.drawn.parameters import FaceParameters


def paint_background(canvas: Canvas, p: FaceParameters) -> None:
    """Fill the canvas: a gradient, and on it lights, a window, a wall or hills."""
    random = np.random.default_rng(p.texture_seed)
    tilt = random.uniform(-0.6, 0.6)
    top, bottom = p.background_top, p.background_bottom
    position = smoothstep(canvas.y + np.float32(tilt) * (canvas.x - np.float32(0.5)), -0.1, 1.1)
    canvas.image[:] = blend(top, bottom, position)
    if p.background == "bokeh":
        _bokeh(canvas, p, random)
    elif p.background == "window":
        _window(canvas, p, random)
    elif p.background == "wall":
        _wall(canvas, p, random)
    elif p.background == "hills":
        _hills(canvas, p, random)
    side = np.float32(0.5 + 0.35 * p.light_side)
    distance = (canvas.x - side) ** 2 + (canvas.y - np.float32(0.3)) ** 2
    canvas.image *= np.float32(1.06) - np.float32(0.30) * np.minimum(distance, 1)


def _bokeh(canvas: Canvas, p: FaceParameters, random: np.random.Generator) -> None:
    for _ in range(14):
        center, radius = random.random(2), random.uniform(0.03, 0.11)
        color = mix(
            p.background_top if random.random() < 0.5 else p.background_bottom,
            (1.0, 0.95, 0.85),
            random.uniform(0.3, 0.8),
        )
        canvas.fill(canvas.soft(canvas.ellipse(center, radius), 0.008), color, opacity=random.uniform(0.15, 0.45))


def _window(canvas: Canvas, p: FaceParameters, random: np.random.Generator) -> None:
    left = random.choice([-0.12, 0.55])
    width, top, height = 0.52, 0.06, 0.62
    sky = mix(p.background_top, (0.9, 0.96, 1.0), 0.75)
    frame = mix(p.background_bottom, (1, 1, 1), 0.55)

    def box(x: float, y: float, w: float, h: float) -> Array:
        return np.array([(x, y), (x + w, y), (x + w, y + h), (x, y + h)], np.float32)

    canvas.fill(canvas.polygon(box(left - 0.025, top - 0.025, width + 0.05, height + 0.05)), frame)
    panes = canvas.polygon(
        *(
            box(left + i * (width / 2 + 0.01), top + j * (height / 2 + 0.01), width / 2 - 0.01, height / 2 - 0.01)
            for i in (0, 1)
            for j in (0, 1)
        )
    )

    def light(x: Array, y: Array) -> Array:
        return blend(sky, mix(sky, p.background_bottom, 0.5), smoothstep(y + 0 * x, 0.1, 0.8))

    canvas.fill(canvas.soft(panes, 0.002), light)


def _wall(canvas: Canvas, p: FaceParameters, random: np.random.Generator) -> None:
    count = int(random.integers(4, 9))
    phase = random.uniform(0, 6.28)
    stripes = smoothstep(np.sin(canvas.x * np.float32(2 * np.pi * count) + np.float32(phase)), -0.2, 0.2)
    canvas.image += (rgb(mix(p.background_top, p.background_bottom, 0.7)) - canvas.image) * (0.35 * stripes)
    line = np.float32(random.uniform(0.55, 0.75))
    panel = smoothstep(canvas.y + 0 * canvas.x, float(line) - 0.004, float(line) + 0.004)
    canvas.image += (rgb(scaled(p.background_bottom, 0.72)) - canvas.image) * panel


def _hills(canvas: Canvas, p: FaceParameters, random: np.random.Generator) -> None:
    sky = mix(p.background_top, (0.75, 0.88, 1.0), 0.6)
    canvas.image += (rgb(sky) - canvas.image) * (0.75 * smoothstep(-canvas.y + 0 * canvas.x, -0.7, 0.0))
    land = mix(p.background_bottom, (0.35, 0.5, 0.3), 0.5)
    for i, height in enumerate((0.45, 0.58, 0.72)):
        x = np.linspace(-0.1, 1.1, 9)
        ridge = spline(np.stack([x, height + random.uniform(-0.07, 0.07, 9)], -1), steps=5)
        outline = np.concatenate([ridge, np.array([(1.1, 1.1), (-0.1, 1.1)], np.float32)])
        color = mix(mix(land, sky, 0.55), land, i / 2)
        canvas.fill(canvas.soft(canvas.polygon(outline), 0.006), color)
