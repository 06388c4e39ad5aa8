"""Changes of an image and its label map together: one geometry, bilinear or bicubic for colours, nearest for ids."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from limner.data.config import AugmentConfig, Fit
from limner.errors import DataError

UInt8Array = npt.NDArray[np.uint8]

FACE_MIDDLE = (0.56, 0.5)
"""Row and column, as shares of the sides, of the middle between brows and chin in the pictures of CelebAMask-HQ."""
CROP_AREA = (0.8, 1.0)  # share of the area that a random crop keeps (StarGAN v2, arXiv:1912.01865)
CROP_RATIO = (0.9, 1.1)  # its width : height


def resize_image(image: UInt8Array, size: int) -> UInt8Array:
    """Resize (H, W, 3) to (size, size, 3): bilinear, with the filter widened when shrinking (no aliasing)."""
    if image.shape[:2] == (size, size):
        return image
    return np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.BILINEAR))


def resize_label_map(label_map: UInt8Array, size: int) -> UInt8Array:
    """Resize ids (H, W) to (size, size) by the nearest pixel, so that no id is invented."""
    if label_map.shape == (size, size):
        return label_map
    return np.asarray(Image.fromarray(label_map).resize((size, size), Image.Resampling.NEAREST))


def make_square(pixels: UInt8Array, fit: Fit, where: str, *, is_label_map: bool = False) -> UInt8Array:
    """Cut or pad a picture (H, W) or (H, W, 3) to a square about its centre.

    Padding repeats the edge of an image and is 0 (background) in a label map.

    Raises:
        DataError: if the picture is not square and `fit` is "refuse".
    """
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


def flip(
    image: UInt8Array, label_map: UInt8Array, flip_permutation: npt.NDArray[np.uint8]
) -> tuple[UInt8Array, UInt8Array]:
    """Mirror image (H, W, 3) and ids (H, W) left to right; left and right classes change places."""
    return np.ascontiguousarray(image[:, ::-1]), flip_permutation[label_map[:, ::-1]]


def augment(
    image: UInt8Array,
    label_map: UInt8Array,
    config: AugmentConfig,
    *,
    flip_permutation: npt.NDArray[np.uint8],
    random: np.random.Generator,
) -> tuple[UInt8Array, UInt8Array]:
    """Change image (S, S, 3) and ids (S, S) by the random numbers of `random`; both move by the same matrix.

    Every number is drawn whether or not its option is on, so that switching one on leaves the others as they were.
    """
    draw_flip, draw_angle, draw_scale, draw_x, draw_y, draw_brightness = random.random(6).tolist()
    draw_crop, *crop_draws = random.random(5).tolist()
    if draw_crop < config.crop:
        image, label_map = random_crop(image, label_map, crop_draws)
    if config.flip and draw_flip < 0.5:
        image, label_map = flip(image, label_map, flip_permutation)
    if config.moves_pixels:
        image, label_map = affine(
            image,
            label_map,
            degrees=config.rotate_degrees * (2 * draw_angle - 1),
            scale=1 + config.scale * (2 * draw_scale - 1),
            shift=(config.translate * (2 * draw_x - 1), config.translate * (2 * draw_y - 1)),
        )
    if config.brightness:
        factor = 1 + config.brightness * (2 * draw_brightness - 1)
        image = np.clip(np.arange(256) * factor + 0.5, 0, 255).astype(np.uint8)[image]
    return image, label_map


def random_crop(image: UInt8Array, label_map: UInt8Array, draws: Sequence[float]) -> tuple[UInt8Array, UInt8Array]:
    """Cut the same box out of image (S, S, 3) and ids (S, S), and enlarge it to their size.

    Args:
        image: colours, enlarged bilinearly.
        label_map: ids, enlarged by the nearest pixel.
        draws: four numbers in [0, 1): area within `CROP_AREA`, ratio within `CROP_RATIO`, place x, place y.
    """
    size = image.shape[0]
    area = CROP_AREA[0] + (CROP_AREA[1] - CROP_AREA[0]) * draws[0]
    ratio = CROP_RATIO[0] * (CROP_RATIO[1] / CROP_RATIO[0]) ** draws[1]
    width, height = (min(1.0, math.sqrt(value)) * size for value in (area * ratio, area / ratio))
    left, top = (size - width) * draws[2], (size - height) * draws[3]
    box = (left, top, left + width, top + height)

    def enlarge(pixels: UInt8Array, resampling: Image.Resampling) -> UInt8Array:
        return np.asarray(Image.fromarray(pixels).resize((size, size), resampling, box))

    return enlarge(image, Image.Resampling.BILINEAR), enlarge(label_map, Image.Resampling.NEAREST)


def affine(
    image: UInt8Array, label_map: UInt8Array, *, degrees: float, scale: float, shift: tuple[float, float]
) -> tuple[UInt8Array, UInt8Array]:
    """Rotate (counter-clockwise), magnify about the centre, then shift (fraction of the side; right, down).

    What comes in from outside is the picture mirrored at its border. Colours are interpolated by a cubic: a line
    between two pixels halves the finest detail, and the discriminator would learn soft pictures as real ones.
    """
    size = image.shape[0]
    cos, sin = math.cos(math.radians(degrees)) / scale, math.sin(math.radians(degrees)) / scale
    reach = (abs(cos) + abs(sin)) * (0.5 + max(map(abs, shift)))  # how far from the centre a pixel may come from
    margin = max(0, math.ceil(size * (reach - 0.5))) + 2  # 2: the cubic's support
    # Image.transform wants the way back: from the middle of an output pixel to a place in the padded input.
    centre, x, y = size / 2, size * (0.5 + shift[0]), size * (0.5 + shift[1])
    matrix = (
        cos, -sin, centre + margin - cos * x + sin * y,
        sin, cos, centre + margin - sin * x - cos * y,
    )  # fmt: skip
    period = max(1, 2 * size - 2)
    mirrored = np.arange(-margin, size + margin) % period
    mirrored = np.where(mirrored >= size, period - mirrored, mirrored)

    def move(pixels: UInt8Array, resampling: Image.Resampling) -> UInt8Array:
        padded = Image.fromarray(pixels.take(mirrored, axis=0).take(mirrored, axis=1))
        return np.asarray(padded.transform((size, size), Image.Transform.AFFINE, matrix, resample=resampling))

    return move(image, Image.Resampling.BICUBIC), move(label_map, Image.Resampling.NEAREST)
