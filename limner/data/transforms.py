"""Changes of all fields of a sample together: one geometry, bilinear or bicubic for colours, nearest for ids."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, get_args

import numpy as np
import numpy.typing as npt
from PIL import Image

from limner.data.config import AugmentConfig, Fit
from limner.data.geometry import Geometry
from limner.data.sample import Sample
from limner.data.size import Size, SizeLike
from limner.data.spec import DataSpec
from limner.errors import ConfigError, DataError, quoted

UInt8Array = npt.NDArray[np.uint8]

FACE_MIDDLE = (0.56, 0.5)
"""Row and column, as shares of the sides, of the middle between brows and chin in the pictures of CelebAMask-HQ."""
CROP_AREA = (0.8, 1.0)  # share of the area that a random crop keeps (StarGAN v2, arXiv:1912.01865)
CROP_RATIO = (0.9, 1.1)  # its width : height


def resize_image(image: UInt8Array, size: SizeLike) -> UInt8Array:
    """Resize (H, W, 3) or (H, W): bilinear, with the filter widened when shrinking (no aliasing)."""
    height, width = Size.of(size)
    if image.shape[:2] == (height, width):
        return image
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))


def resize_label_map(label_map: UInt8Array, size: SizeLike) -> UInt8Array:
    """Resize ids (H, W) by the nearest pixel, so that no id is invented."""
    height, width = Size.of(size)
    if label_map.shape == (height, width):
        return label_map
    return np.asarray(Image.fromarray(label_map).resize((width, height), Image.Resampling.NEAREST))


def make_square(pixels: UInt8Array, fit: Fit, where: str, *, is_label_map: bool = False) -> UInt8Array:
    """Cut or pad a picture (H, W) or (H, W, 3) to a square about its centre.

    Padding repeats the edge of an image and is 0 (background) in a label map.

    Raises:
        ConfigError: if there is no such `fit`.
        DataError: if the picture is not square and `fit` is "refuse".
    """
    if fit not in get_args(Fit):
        raise ConfigError(f"fit is {quoted(fit)}; it must be one of {', '.join(get_args(Fit))}.")
    height, width = pixels.shape[:2]
    if height == width:
        return pixels
    if fit == "refuse":
        raise DataError(f'{where} is {width}x{height}, but must be square: cut it, or use fit "crop" or "pad".')
    if fit == "crop":
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        return pixels[top : top + side, left : left + side]
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    margins = [(top, side - height - top), (left, side - width - left)] + [(0, 0)] * (pixels.ndim - 2)
    return np.pad(pixels, margins) if is_label_map else np.pad(pixels, margins, mode="edge")


def zoom_box(height: int, width: int, zoom: float) -> tuple[int, int, int, int]:
    """Top, left, height and width of what a picture (height, width) shows when it is seen `zoom` times as large.

    The middle is `FACE_MIDDLE`, moved inwards where the box would leave the picture.
    """
    rows, columns = max(1, round(height / zoom)), max(1, round(width / zoom))
    top = min(max(0, round(FACE_MIDDLE[0] * height - rows / 2)), height - rows)
    left = min(max(0, round(FACE_MIDDLE[1] * width - columns / 2)), width - columns)
    return top, left, rows, columns


def zoom_in(pixels: UInt8Array, zoom: float) -> UInt8Array:
    """The part of a picture (H, W, 3) or map (H, W) that `zoom_box` names, in its own pixels."""
    if zoom == 1:
        return pixels
    top, left, rows, columns = zoom_box(pixels.shape[0], pixels.shape[1], zoom)
    return pixels[top : top + rows, left : left + columns]


def square_origin(height: int, width: int, fit: Fit) -> tuple[int, int]:
    """Row and column that the first pixel of a picture (height, width) has in the square made by `make_square`."""
    if fit == "crop":
        side = min(height, width)
        return -((height - side) // 2), -((width - side) // 2)
    side = max(height, width)
    return (side - height) // 2, (side - width) // 2


def fit_shape(
    pixels: UInt8Array, size: Size, fit: Fit, where: str, *, is_label_map: bool = False
) -> tuple[UInt8Array, Geometry]:
    """Cut or pad a picture (H, W) or (H, W, 3) about its centre to the proportions of a size, and say where it went.

    Raises:
        DataError: if the proportions differ and `fit` is "refuse".
    """
    height, width = pixels.shape[:2]
    if size.square:
        top, left = square_origin(height, width, fit) if height != width else (0, 0)
        return make_square(pixels, fit, where, is_label_map=is_label_map), Geometry.moved(left, top)
    wanted = width * size.height / size.width  # the height that fits this width
    if abs(wanted - height) < 1:
        return pixels, Geometry()
    if fit == "refuse":
        raise DataError(
            f"{where} is {width}x{height}, but must have the proportions of {size.width}x{size.height}: cut it, or use "
            'fit "crop" or "pad".'
        )
    if (wanted > height) == (fit == "pad"):  # the height must grow to be padded, or shrink to be cut
        new_height, new_width = round(wanted), width
    else:
        new_height, new_width = height, round(height * size.width / size.height)
    top, left = (new_height - height) // 2, (new_width - width) // 2
    if fit == "crop":
        cut = pixels[-top : -top + new_height, -left : -left + new_width]
        return cut, Geometry.moved(left, top)
    margins = [(top, new_height - height - top), (left, new_width - width - left)] + [(0, 0)] * (pixels.ndim - 2)
    padded = np.pad(pixels, margins) if is_label_map else np.pad(pixels, margins, mode="edge")
    return padded, Geometry.moved(left, top)


class Move(Protocol):
    """A change of pixels' places."""

    @property
    def geometry(self) -> Geometry:
        """Where pixels go."""

    def colours(self, pixels: UInt8Array) -> UInt8Array:
        """Pixels (H, W, 3) or (H, W) moved, interpolated between."""

    def ids(self, label_map: UInt8Array) -> UInt8Array:
        """Ids (H, W) moved, the nearest ones taken."""


@dataclass(frozen=True)
class Mirror:
    """Left to right; classes keep their names, see `LabelSchema.flip_permutation`."""

    size: Size

    @property
    def geometry(self) -> Geometry:
        """Where pixels go."""
        return Geometry.mirrored(self.size.width)

    def colours(self, pixels: UInt8Array) -> UInt8Array:
        """(H, W, 3) or (H, W) mirrored."""
        return np.ascontiguousarray(pixels[:, ::-1])

    def ids(self, label_map: UInt8Array) -> UInt8Array:
        """(H, W) mirrored."""
        return label_map[:, ::-1]


@dataclass(frozen=True)
class Cut:
    """A box cut out and enlarged to the whole picture."""

    size: Size
    box: tuple[float, float, float, float]
    """Left, top, right, bottom edges in pixels."""

    @classmethod
    def drawn(cls, size: Size, draws: Sequence[float]) -> Cut:
        """A random box: four numbers in [0, 1) for area (`CROP_AREA`), ratio (`CROP_RATIO`), place x, place y."""
        area = CROP_AREA[0] + (CROP_AREA[1] - CROP_AREA[0]) * draws[0]
        ratio = CROP_RATIO[0] * (CROP_RATIO[1] / CROP_RATIO[0]) ** draws[1]
        width = min(1.0, math.sqrt(area * ratio)) * size.width
        height = min(1.0, math.sqrt(area / ratio)) * size.height
        left, top = (size.width - width) * draws[2], (size.height - height) * draws[3]
        return cls(size, (left, top, left + width, top + height))

    @property
    def geometry(self) -> Geometry:
        """Where pixels go."""
        return Geometry.cut(self.box, self.size)

    def colours(self, pixels: UInt8Array) -> UInt8Array:
        """Enlarged bilinearly."""
        return self._enlarged(pixels, Image.Resampling.BILINEAR)

    def ids(self, label_map: UInt8Array) -> UInt8Array:
        """Enlarged by the nearest pixel."""
        return self._enlarged(label_map, Image.Resampling.NEAREST)

    def _enlarged(self, pixels: UInt8Array, resampling: Image.Resampling) -> UInt8Array:
        size = (self.size.width, self.size.height)
        return np.asarray(Image.fromarray(pixels).resize(size, resampling, self.box))


@dataclass(frozen=True)
class Turn:
    """Rotated counter-clockwise and magnified about the centre, then shifted.

    What comes in from outside is the picture mirrored at its border. Colours are interpolated by a cubic: a line
    between two pixels halves the finest detail, and the discriminator would learn soft pictures as real ones.
    """

    size: Size
    degrees: float
    scale: float
    shift: tuple[float, float]
    """Right and down, as fractions of width and height."""

    @property
    def geometry(self) -> Geometry:
        """Where pixels go."""
        a, b, c, d, e, f = self._way_back(0)
        # Pillow's places count from the edges of pixels, a half before their middles.
        back = np.array([[a, b, c + (a + b - 1) / 2], [d, e, f + (d + e - 1) / 2], [0, 0, 1]])
        return Geometry(np.linalg.inv(back))

    def colours(self, pixels: UInt8Array) -> UInt8Array:
        """Interpolated by a cubic."""
        return self._moved(pixels, Image.Resampling.BICUBIC)

    def ids(self, label_map: UInt8Array) -> UInt8Array:
        """The nearest ones."""
        return self._moved(label_map, Image.Resampling.NEAREST)

    def _way_back(self, margin: int) -> tuple[float, float, float, float, float, float]:
        """What Image.transform wants: from the middle of an output pixel to a place in the padded input."""
        height, width = self.size
        cos = math.cos(math.radians(self.degrees)) / self.scale
        sin = math.sin(math.radians(self.degrees)) / self.scale
        x, y = width * (0.5 + self.shift[0]), height * (0.5 + self.shift[1])
        return (
            cos, -sin, width / 2 + margin - cos * x + sin * y,
            sin, cos, height / 2 + margin - sin * x - cos * y,
        )  # fmt: skip

    def _moved(self, pixels: UInt8Array, resampling: Image.Resampling) -> UInt8Array:
        height, width = self.size
        cos, sin = self._way_back(0)[0], self._way_back(0)[3]
        # how far from the centre a pixel may come from, in sides
        reach = (abs(cos) + abs(sin)) * (0.5 + max(map(abs, self.shift)))
        side, least = max(self.size), min(self.size)
        margin = max(0, math.ceil(side * (reach - 0.5) + (side - least) / 2)) + 2  # 2: the cubic's support
        padded = pixels.take(_mirrored(height, margin), axis=0).take(_mirrored(width, margin), axis=1)
        matrix = self._way_back(margin)
        moved = Image.fromarray(padded).transform((width, height), Image.Transform.AFFINE, matrix, resample=resampling)
        return np.asarray(moved)


def _mirrored(side: int, margin: int) -> npt.NDArray[np.int64]:
    """Places that a side with margins takes its pixels from: mirrored at the border."""
    period = max(1, 2 * side - 2)
    places = np.arange(-margin, side + margin) % period
    return np.where(places >= side, period - places, places)


@dataclass(frozen=True)
class Changes:
    """The random changes of one sample."""

    moves: tuple[Move, ...]
    """In their order."""
    brightness: float = 1.0
    """Factor on colours."""

    @classmethod
    def drawn(cls, config: AugmentConfig, size: Size, random: np.random.Generator) -> Changes:
        """Changes by the random numbers of `random`.

        Every number is drawn whether or not its option is on, so that switching one on leaves the others as they were.
        """
        draw_flip, draw_angle, draw_scale, draw_x, draw_y, draw_brightness = random.random(6).tolist()
        draw_crop, *crop_draws = random.random(5).tolist()
        moves: list[Move] = []
        if draw_crop < config.crop:
            moves.append(Cut.drawn(size, crop_draws))
        if config.flip and draw_flip < 0.5:
            moves.append(Mirror(size))
        if config.moves_pixels:
            degrees, scale = config.rotate_degrees * (2 * draw_angle - 1), 1 + config.scale * (2 * draw_scale - 1)
            shift = (config.translate * (2 * draw_x - 1), config.translate * (2 * draw_y - 1))
            moves.append(Turn(size, degrees, scale, shift))
        return cls(tuple(moves), 1 + config.brightness * (2 * draw_brightness - 1) if config.brightness else 1.0)

    @property
    def geometry(self) -> Geometry:
        """All moves as one."""
        whole = Geometry()
        for move in self.moves:
            whole = whole.then(move.geometry)
        return whole

    def colours(self, image: UInt8Array) -> UInt8Array:
        """An image (H, W, 3) moved and made brighter or darker."""
        for move in self.moves:
            image = move.colours(image)
        if self.brightness != 1.0:
            image = np.clip(np.arange(256) * self.brightness + 0.5, 0, 255).astype(np.uint8)[image]
        return image

    def ids(self, label_map: UInt8Array, flip_permutation: npt.NDArray[np.uint8]) -> UInt8Array:
        """Ids (H, W) moved; left and right classes change places where the picture is mirrored."""
        for move in self.moves:
            label_map = move.ids(label_map)
        return flip_permutation[label_map] if self.geometry.flipped else label_map


def change_sample(sample: Sample, spec: DataSpec, changes: Changes) -> Sample:
    """A sample with all its fields changed alike: colours, ids and points, each by its own rule."""
    moved: dict[str, Any] = {}
    if sample.image is not None:
        moved["image"] = changes.colours(sample.image)
    if sample.label_map is not None:
        moved["label_map"] = changes.ids(sample.label_map, spec.schema.flip_permutation())
    for name, schema in (("landmarks", spec.landmarks), ("keypoints", spec.keypoints)):
        points = getattr(sample, name)
        if points is not None and schema is not None:
            moved[name] = changes.geometry.move(points, schema)
    return dataclasses.replace(sample, **moved)


def augment(
    image: UInt8Array,
    label_map: UInt8Array,
    config: AugmentConfig,
    *,
    flip_permutation: npt.NDArray[np.uint8],
    random: np.random.Generator,
) -> tuple[UInt8Array, UInt8Array]:
    """Change image (H, W, 3) and ids (H, W) by the random numbers of `random`; both move by the same matrix."""
    changes = Changes.drawn(config, Size(*image.shape[:2]), random)
    return changes.colours(image), changes.ids(label_map, flip_permutation)
