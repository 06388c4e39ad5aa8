"""Strokes as SVG: the same discs as the exact brush, or plain outlines for programs that want few shapes.

In the exact form every stroke is a rectangle of its colour under a mask. The mask holds the stroke's discs in their
order in opaque grey, so that a later disc replaces an earlier one as it does on the canvas; a mask's brightness is the
opacity. A clip path keeps strokes inside their tile. Colours are those that a viewer needs in order to show what the
raster shows, which are a few levels of 255 brighter than the strokes' own (`_color`).
"""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from limner.systems.painter.rasterizer import SUPERSAMPLING, Discs, nth_stroke, place_discs
from limner.systems.painter.strokes import StrokeDocument, StrokeList

Style = Literal["discs", "path"]


def to_svg(document: StrokeDocument, *, style: Style = "discs", size: tuple[int, int] | None = None) -> str:
    """The text of an SVG file.

    Args:
        document: strokes, canvas and frame.
        style: "discs" is exact up to the viewer's smoothing of edges; "path" gives each stroke one outline of its mean
            opacity, which is small and approximate.
        size: width and height in pixels of the raster that it matches; the document's own by default.
    """
    width, height = size or document.size
    side = document.plane_side((width, height))
    grid = SUPERSAMPLING * side
    left, top, right, bottom = (SUPERSAMPLING * place for place in document.box(side))
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="{left} {top} {right - left} {bottom - top}" preserveAspectRatio="none">',
        f'<rect width="{grid}" height="{grid}" fill="#{bytes(document.canvas).hex()}"/>',
    ]
    if len(document.strokes):
        lines += _disc_lines(document.strokes, side) if style == "discs" else _path_lines(document.strokes, side)
    return "\n".join([*lines, "</svg>\n"])


def svg_of_file(path: Path) -> str:
    """The same for a stroke file.

    Raises:
        DataError: if it cannot be read or is none.
    """
    return to_svg(StrokeDocument.read(path))


def _disc_lines(strokes: StrokeList, side: int) -> list[str]:
    discs = place_discs(strokes.points, strokes.radii, strokes.alphas, side)
    lines = []
    for number in range(len(strokes)):
        stroke = nth_stroke(discs, number)
        circles = "".join(
            f'<circle cx="{cx}" cy="{cy}" r="{r}" fill="{grey}"/>'
            for cx, cy, r, grey in zip(
                (stroke.x + 0.5).tolist(),
                (stroke.y + 0.5).tolist(),
                (_radius(int(radius)) for radius in stroke.radius),
                (_grey(float(value)) for value in stroke.value),
                strict=True,
            )
        )
        x, y, width, height = _box(stroke)
        box = f'x="{x}" y="{y}" width="{width}" height="{height}"'
        clip = _clip(strokes, number, side)
        lines.append(
            f'<mask id="m{number}" maskUnits="userSpaceOnUse" {box}>{circles}</mask>{clip}'
            f'<rect {box} fill="{_color(strokes, number)}" mask="url(#m{number})"'
            + (f' clip-path="url(#c{number})"/>' if clip else "/>")
        )
    return lines


def _path_lines(strokes: StrokeList, side: int) -> list[str]:
    """One outline a stroke: both sides of the curve and round ends."""
    grid = SUPERSAMPLING * side
    lines = []
    t = np.linspace(0, 1, 17)[:, None]
    for number in range(len(strokes)):
        p0, p1, p2 = strokes.points[number] * grid
        curve = (1 - t) ** 2 * p0 + 2 * t * (1 - t) * p1 + t**2 * p2
        slope = 2 * (1 - t) * (p1 - p0) + 2 * t * (p2 - p1)
        length = np.hypot(slope[:, :1], slope[:, 1:])
        normal = np.stack([-slope[:, 1], slope[:, 0]], axis=1) / np.maximum(length, 1e-9)
        radius = 1 + grid * ((1 - t) * strokes.radii[number, 0] + t * strokes.radii[number, 1])
        first, second = curve + radius * normal, (curve - radius * normal)[::-1]
        start, end = _number(float(radius[0, 0])), _number(float(radius[-1, 0]))
        path = (
            f"M{_points(first)}A{end} {end} 0 0 0 {_points(second[:1])}L{_points(second)}"
            f"A{start} {start} 0 0 0 {_points(first[:1])}Z"
        )
        if float(length.max()) < 1e-6:  # no length: a dot
            path = (
                f"M{_points(curve[:1] - [radius[0, 0], 0])}a{start} {start} 0 1 0 {_number(2 * float(radius[0, 0]))} 0"
                f"a{start} {start} 0 1 0 {_number(-2 * float(radius[0, 0]))} 0Z"
            )
        clip = _clip(strokes, number, side)
        opacity = _number(float(strokes.alphas[number].mean()))
        lines.append(
            f'{clip}<path d="{path}" fill="{_color(strokes, number)}" fill-opacity="{opacity}"'
            + (f' clip-path="url(#c{number})"/>' if clip else "/>")
        )
    return lines


def _clip(strokes: StrokeList, number: int, side: int) -> str:
    """The clip path of a stroke that may not reach every pixel; else nothing."""
    x, y, width, height = strokes.clips[number]
    if (x, y, width, height) == (0, 0, 1, 1):
        return ""
    left, top = (SUPERSAMPLING * math.floor(value * side + 0.5) for value in (x, y))
    right, bottom = (SUPERSAMPLING * math.floor(value * side + 0.5) for value in (x + width, y + height))
    box = f'x="{left}" y="{top}" width="{right - left}" height="{bottom - top}"'
    return f'<clipPath id="c{number}"><rect {box}/></clipPath>'


def _box(stroke: Discs) -> tuple[int, int, int, int]:
    left, top = int((stroke.x - stroke.radius).min()) - 1, int((stroke.y - stroke.radius).min()) - 1
    right, bottom = int((stroke.x + stroke.radius).max()) + 2, int((stroke.y + stroke.radius).max()) + 2
    return left, top, right - left, bottom - top


@lru_cache(maxsize=4096)
def _radius(radius: int) -> str:
    """Radius of the circle that has the area of the disc's samples."""
    offsets = np.arange(-radius, radius + 1)
    samples = int((2 * np.floor(np.sqrt(radius**2 - offsets**2)) + 1).sum())
    return _number(math.sqrt(samples / math.pi))


def _grey(value: float) -> str:
    level = round(255 * value)
    return f"#{level:02x}{level:02x}{level:02x}"


def _color(strokes: StrokeList, number: int) -> str:
    """Colour of a stroke for a viewer that paints on 8 bits without rounding, as Chromium does without a GPU.

    Of a stroke of opacity a and colour c such a viewer makes round(255 c a) + floor(canvas (256 - 255 a) / 256): it
    rounds what the stroke brings and truncates what is left of the canvas, which makes every covered pixel
    0.5 - a canvas / 255 levels darker on average. One stroke is nothing, but paintings are tens of faint strokes deep
    and lost 1.3 to 2.4 of 255. A colour that is brighter by 0.5 / a - canvas / 255 levels gives it back; most of what a
    stroke covers has about its own colour, so that c stands for the canvas.
    """
    color = strokes.colors[number].clip(0, 1)
    lift = 0.5 / max(float(strokes.alphas[number].mean()), 1 / 255) - color
    return "#" + bytes((255 * color + lift).round().clip(0, 255).astype(np.uint8)).hex()


def _points(points: NDArray[np.float64]) -> str:
    return " ".join(f"{_number(float(x))} {_number(float(y))}" for x, y in points)


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
