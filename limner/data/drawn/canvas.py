"""A small painter: coverage masks, soft brushes, and a label map that follows the topmost shape.

Pictures are painted `oversample` times too large with hard-edged masks and reduced at the end, which is the
anti-aliasing. Every shape is rasterised once; the same mask gives the colour and, where its coverage of a final pixel
reaches one half, the label. All coordinates are fractions of the picture: (0, 0) is its upper left corner.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from limner.data.schema import SCHEMAS

Array: TypeAlias = npt.NDArray[np.floating[Any]]  # fields are float32
Point: TypeAlias = Sequence[float] | Array
Mask: TypeAlias = Image.Image  # mode "L", 255 = covered
Field: TypeAlias = Callable[[Array, Array], Array]  # (x of shape 1 x w, y of shape h x 1) -> h x w or 3 x h x w
Color: TypeAlias = tuple[float, float, float]  # display RGB in [0, 1]

_SCHEMA = SCHEMAS["celebamask-19"]


def mix(a: Sequence[float], b: Sequence[float], t: float) -> Color:
    """The color a fraction `t` of the way from `a` to `b`."""
    return (a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t, a[2] + (b[2] - a[2]) * t)


def scaled(color: Sequence[float], factor: float) -> Color:
    """`color` times `factor`, cut at white."""
    return (min(color[0] * factor, 1.0), min(color[1] * factor, 1.0), min(color[2] * factor, 1.0))


def rgb(color: Sequence[float]) -> Array:
    """A color as a 3 x 1 x 1 array, to be combined with fields."""
    return np.asarray(color, np.float32)[:, None, None]


def blend(a: Sequence[float], b: Sequence[float], amount: Array) -> Array:
    """Per pixel mixture of two colors: `amount` h x w in [0, 1] -> 3 x h x w."""
    return rgb(a) + (rgb(b) - rgb(a)) * amount


def smoothstep(value: Array, low: float, high: float) -> Array:
    """0 below `low`, 1 above `high`, smooth between."""
    t: Array = np.clip((value - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def spline(points: npt.ArrayLike, *, closed: bool = False, steps: int = 8) -> Array:
    """Catmull-Rom curve through `points` (n x 2): `steps` samples a segment -> m x 2."""
    knots = np.asarray(points, np.float32)
    if closed:
        padded = np.concatenate([knots[-1:], knots, knots[:2]])
    else:
        padded = np.concatenate([2 * knots[:1] - knots[1:2], knots, 2 * knots[-1:] - knots[-2:-1]])
    t = np.arange(steps, dtype=np.float32) / steps
    basis = 0.5 * np.stack([-(t**3) + 2 * t**2 - t, 3 * t**3 - 5 * t**2 + 2, -3 * t**3 + 4 * t**2 + t, t**3 - t**2])
    windows = np.stack([padded[i : len(padded) - 3 + i] for i in range(4)])  # 4 x segments x 2
    curve = np.einsum("ks,kn...->ns...", basis, windows).reshape(-1, knots.shape[1])
    return curve if closed else np.concatenate([curve, knots[-1:]])


def clip(*masks: Mask) -> Mask:
    """The part that all masks share."""
    result = masks[0]
    for mask in masks[1:]:
        result = ImageChops.multiply(result, mask)
    return result


def union(*masks: Mask) -> Mask:
    """The part that any mask covers."""
    result = masks[0]
    for mask in masks[1:]:
        result = ImageChops.lighter(result, mask)
    return result


class Canvas:
    """A square picture with its label map.

    Attributes:
        image: float32, 3 x extent x extent, display RGB in [0, 1], with extent = size * oversample.
        label_map: uint8, size x size.
        x: float32, 1 x extent, horizontal position of the pixel centres in [0, 1]; `y` is extent x 1.
    """

    def __init__(self, size: int, *, oversample: int) -> None:
        self.oversample = oversample
        self.extent = size * oversample
        axis = (np.arange(self.extent, dtype=np.float32) + 0.5) / self.extent
        self.x, self.y = axis[None, :], axis[:, None]
        self.image = np.zeros((3, self.extent, self.extent), np.float32)
        self.label_map = np.zeros((size, size), np.uint8)

    def polygon(self, *outlines: Array) -> Mask:
        """Filled outlines (each n x 2)."""
        mask = Image.new("L", (self.extent, self.extent))
        draw = ImageDraw.Draw(mask)
        for outline in outlines:
            draw.polygon(self._pixels(outline), fill=255)
        return mask

    def ellipse(self, center: Point, radius_x: float, radius_y: float | None = None) -> Mask:
        """A filled, upright ellipse."""
        radius_y = radius_x if radius_y is None else radius_y
        box = np.array([[center[0] - radius_x, center[1] - radius_y], [center[0] + radius_x, center[1] + radius_y]])
        mask = Image.new("L", (self.extent, self.extent))
        ImageDraw.Draw(mask).ellipse(self._pixels(box), fill=255)
        return mask

    def strokes(self, lines: Sequence[Array], width: float, levels: Sequence[int] | None = None) -> Mask:
        """Polylines (each n x 2) of a common width; `levels` gives each its own strength, 1 to 255."""
        mask = Image.new("L", (self.extent, self.extent))
        draw = ImageDraw.Draw(mask)
        pixels = max(1, round(width * self.extent))
        for i, line in enumerate(lines):
            draw.line(self._pixels(line), fill=255 if levels is None else levels[i], width=pixels, joint="curve")
        return mask

    def soft(self, mask: Mask, radius: float, shift: tuple[float, float] = (0.0, 0.0)) -> Mask:
        """`mask` blurred (Gaussian, standard deviation `radius`) and moved by `shift`."""
        box = mask.getbbox()
        if box is None:
            return mask
        blurred = Image.new("L", mask.size)
        sigma = radius * self.extent
        margin = int(3 * sigma) + 2
        left, top = max(box[0] - margin, 0), max(box[1] - margin, 0)
        part = mask.crop((left, top, min(box[2] + margin, self.extent), min(box[3] + margin, self.extent)))
        coarse = max(1, min(8, int(sigma / 2)))  # a wide blur does not need every pixel
        small = part.reduce(coarse) if coarse > 1 else part
        small = small.filter(ImageFilter.GaussianBlur(sigma / coarse))
        if coarse > 1:
            small = small.resize((small.width * coarse, small.height * coarse), Image.Resampling.BILINEAR)
        blurred.paste(small, (left + round(shift[0] * self.extent), top + round(shift[1] * self.extent)))
        return blurred

    def fill(
        self,
        mask: Mask,
        paint: Sequence[float] | Field,
        *,
        opacity: float | Field = 1.0,
        multiply: bool = False,
        label: str | None = None,
    ) -> None:
        """Lay `paint` through `mask`.

        Args:
            mask: where.
            paint: a color or a field that gives 3 x h x w.
            opacity: a number or a field that gives h x w, in [0, 1].
            multiply: multiply what lies below by `paint` instead of replacing it.
            label: class of CelebAMask-HQ to write where the mask covers at least half of a final pixel.
        """
        box = mask.getbbox()
        if box is None:
            return
        left, top, right, bottom = box
        x, y = self.x[:, left:right], self.y[top:bottom]
        region = self.image[:, top:bottom, left:right]
        cover = np.asarray(mask.crop(box), np.float32) / 255
        cover = cover * (opacity(x, y) if callable(opacity) else np.float32(opacity))
        color = paint(x, y) if callable(paint) else rgb(paint)
        region += ((region * color if multiply else color) - region) * cover
        if label is not None:
            self.label_map[np.asarray(mask.reduce(self.oversample)) >= 128] = _SCHEMA.id(label)

    def finish(self) -> npt.NDArray[np.uint8]:
        """The reduced picture: uint8, size x size x 3."""
        size = self.extent // self.oversample
        rows = np.clip(self.image, 0.0, 1.0).reshape(3, size, self.oversample, self.extent).sum(axis=2)
        sums = rows.reshape(3, size, size, self.oversample).sum(axis=3)
        image: npt.NDArray[np.uint8] = np.moveaxis(sums * (255 / self.oversample**2) + 0.5, 0, -1).astype(np.uint8)
        return image

    def _pixels(self, points: npt.ArrayLike) -> list[float]:
        # Pillow's coordinates name pixel centres: fraction 0.5 / extent is pixel 0.
        flat: list[float] = (np.asarray(points, np.float64) * self.extent - 0.5).ravel().tolist()
        return flat


def spot(center: Point, radius_x: float, radius_y: float | None = None, *, strength: float = 1.0) -> Field:
    """A soft round brush: `strength` in the middle, falling like a Gaussian; radii are standard deviations * sqrt 2."""
    radius_y = radius_x if radius_y is None else radius_y

    def field(x: Array, y: Array) -> Array:
        # A Gaussian is separable: two short exponentials and one product.
        along_x: Array = np.exp(-(((x - np.float32(center[0])) / np.float32(radius_x)) ** 2))
        along_y: Array = np.exp(-(((y - np.float32(center[1])) / np.float32(radius_y)) ** 2))
        return along_x * (along_y * np.float32(strength))

    return field
