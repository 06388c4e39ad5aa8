"""The parts of a face: where they are in a label map, how they are cut out of a photo and put into feature maps.

Gu et al., arXiv:1905.10346, Sec. 3; sizes, fall-backs and the enlargement as in the authors' code, which has 256 px;
other sizes scale with it. Positions are (row, column).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from limner.faces.parts import CLASSES, PARTS, SCHEMA
from limner.nn.label_maps import one_hot

PLACED = ("left_eye", "right_eye", "mouth")
"""Parts that are cut out around their centre; the others keep the size of the photo."""

_FULL = 256  # the size that the numbers below are of
_CROPS = {"left_eye": (32, 48), "right_eye": (32, 48), "mouth": (80, 144)}
_FALLBACKS = {"left_eye": (116, 96), "right_eye": (116, 160), "mouth": (184, 128)}
"""Where a part is looked for that the map does not have."""


@dataclass(frozen=True)
class Geometry:
    """Sizes at one image size, in pixels."""

    image_size: int
    feature_stride: int
    """Pixels of the photo for one pixel of the features."""

    @property
    def feature_size(self) -> int:
        """Side of the feature maps."""
        return self.image_size // self.feature_stride

    def crop(self, part: str) -> tuple[int, int]:
        """Height and width of what the encoder of a part sees."""
        if part not in PLACED:
            return self.image_size, self.image_size
        height, width = _CROPS[part]
        return height * self.image_size // _FULL, width * self.image_size // _FULL

    def block(self, part: str) -> tuple[int, int]:
        """Height and width of a part's features."""
        height, width = self.crop(part)
        return height // self.feature_stride, width // self.feature_stride

    def fallback(self, part: str) -> tuple[int, int]:
        """Centre of a part that the map does not have."""
        row, column = _FALLBACKS[part]
        return row * self.image_size // _FULL, column * self.image_size // _FULL


class Target:
    """What is asked for: maps with eyes and mouth grown, and where those are.

    Args:
        label_map: (b, h, w) ids of portrait-11.
        geometry: sizes.
        grow: see `grow_parts`.
    """

    def __init__(self, label_map: Tensor, geometry: Geometry, grow: float) -> None:
        self.centres = part_centres(label_map, geometry)
        self.label_map = grow_parts(label_map, self.centres, grow)
        self.one_hot = one_hot(self.label_map, SCHEMA.num_classes)


def part_mask(label_map: Tensor, part: str) -> Tensor:
    """Where a map (b, h, w) shows a part: booleans of the same shape."""
    return torch.stack([label_map == index for index in CLASSES[part]]).any(0)


def part_centres(label_map: Tensor, geometry: Geometry) -> Tensor:
    """Middles of the boxes around both eyes and the mouth, moved so far inwards that their crops lie in the photo.

    Args:
        label_map: (b, h, w) ids of portrait-11.
        geometry: sizes.

    Returns:
        (b, 3, 2) rows and columns, int64, in the order of `PLACED`.
    """
    centres = []
    for part in PLACED:
        mask = part_mask(label_map, part)
        fallback = torch.tensor(geometry.fallback(part), device=label_map.device)
        row, column = _middle(mask.any(2)), _middle(mask.any(1))
        centre = torch.stack([row, column], dim=1).where(mask.flatten(1).any(1)[:, None], fallback)
        half = torch.tensor(geometry.crop(part), device=label_map.device) // 2
        centres.append(centre.clamp(half, geometry.image_size - half))
    return torch.stack(centres, dim=1)


def grow_parts(label_map: Tensor, centres: Tensor, factor: float) -> Tensor:
    """The map with both eyes and the mouth enlarged about their centres, painted over what is there.

    Lashes and the rims of the lips belong to the part, but maps are often drawn too small.

    Args:
        label_map: (b, h, w) ids.
        centres: from `part_centres`.
        factor: 1 changes nothing.
    """
    if factor == 1:
        return label_map
    size = label_map.shape[-1]
    places = torch.arange(size, device=label_map.device)
    grown = label_map
    for index, part in enumerate(PLACED):
        row, column = centres[:, index, :1], centres[:, index, 1:]
        # Where a pixel of the enlarged map comes from, by the nearest pixel.
        rows, columns = (
            (middle + ((places - middle) / factor).round().long()).clamp(0, size - 1) for middle in (row, column)
        )
        enlarged = label_map.gather(1, rows[:, :, None].expand(-1, -1, size))
        enlarged = enlarged.gather(2, columns[:, None].expand(-1, size, -1))
        grown = enlarged.where(part_mask(enlarged, part), grown)
    return grown


def cut(image: Tensor, centre: Tensor, size: tuple[int, int]) -> Tensor:
    """The rectangle (b, c, height, width) of an image (b, c, h, w) about a centre (b, 2)."""
    rows, columns = _window(centre, size)
    channels, breadth = image.shape[1], image.shape[3]
    band = image.gather(2, rows[:, None, :, None].expand(-1, channels, -1, breadth))
    return band.gather(3, columns[:, None, None].expand(-1, channels, size[0], -1))


def place(block: Tensor, centre: Tensor, size: int) -> Tensor:
    """A block (b, c, height, width) about a centre (b, 2) in zeros (b, c, size, size); the reverse of `cut`."""
    batch, channels, height, width = block.shape
    rows, columns = _window(centre, (height, width))
    band = block.new_zeros(batch, channels, height, size)
    band = band.scatter(3, columns[:, None, None].expand(-1, channels, height, -1), block)
    canvas = block.new_zeros(batch, channels, size, size)
    return canvas.scatter(2, rows[:, None, :, None].expand(-1, channels, -1, size), band)


def feature_centres(centres: Tensor, geometry: Geometry) -> Tensor:
    """Centres in the feature maps, rounded half up."""
    return (centres + geometry.feature_stride // 2) // geometry.feature_stride


def align(block: Tensor, found: Tensor, wanted: Tensor, image_size: int) -> Tensor:
    """Features of whole photos, moved, turned and scaled so that eyes and mouth come from `found` to `wanted`.

    The similarity that fits best by least squares (Umeyama, TPAMI 1991, without reflections), from half to twice the
    size; beyond the border features go on as they are at it.

    Args:
        block: (b, c, size, size) features.
        found: (b, 3, 2) centres in the photos that the features are of, in pixels of the photo.
        wanted: (b, 3, 2) the same of the maps that they are for.
        image_size: side of photos and maps.
    """
    # Columns and rows in [-1, 1], the corners of the outer pixels; a point x of the result is at z (x - to) + from,
    # where z is a rotation and a scale, written as the complex number a + ib.
    source, target = ((2 * centres.float().flip(2) + 1) / image_size - 1 for centres in (found, wanted))
    from_middle, to_middle = source.mean(1), target.mean(1)
    source, target = source - from_middle[:, None], target - to_middle[:, None]
    squares = target.square().sum((1, 2)).clamp_min(1e-4)
    a = (source * target).sum((1, 2)) / squares
    b = (source[..., 1] * target[..., 0] - source[..., 0] * target[..., 1]).sum(1) / squares
    length = (a.square() + b.square()).sqrt().clamp_min(1e-4)
    a, b = (number / length * length.clamp(0.5, 2.0) for number in (a, b))
    places = (2 * torch.arange(block.shape[-1], device=block.device) + 1) / block.shape[-1] - 1
    columns, rows = places - to_middle[:, :1], places - to_middle[:, 1:]
    columns, rows = columns[:, None], rows[:, :, None]  # (b, 1, size) and (b, size, 1)
    a, b = a[:, None, None], b[:, None, None]
    grid = torch.stack([a * columns - b * rows, b * columns + a * rows], dim=-1) + from_middle[:, None, None]
    moved = functional.grid_sample(block.float(), grid, padding_mode="border", align_corners=False)
    return moved.to(block.dtype)


def cut_parts(
    photo: Tensor, target: Target, geometry: Geometry, *, eye_input: Literal["crop", "masked"]
) -> dict[str, Tensor]:
    """What the five encoders see of a photo.

    Pixels that do not belong to the part are 0, which is grey; an eye keeps its surroundings unless it is "masked".

    Args:
        photo: (b, 3, h, w) in [-1, 1].
        target: the photo's own map.
        geometry: sizes.
        eye_input: what the eye encoders see.
    """
    parts = {}
    for part in PARTS:
        keeps_all = part.endswith("eye") and eye_input == "crop"
        image = photo if keeps_all else photo * part_mask(target.label_map, part)[:, None]
        if part in PLACED:
            image = cut(image, target.centres[:, PLACED.index(part)], geometry.crop(part))
        parts[part] = image
    return parts


def _middle(occupied: Tensor) -> Tensor:
    """Whole-number middle between the first and the last True of each row (b, n)."""
    places = torch.arange(occupied.shape[1], device=occupied.device).expand_as(occupied)
    first = places.where(occupied, occupied.shape[1]).amin(1)
    last = places.where(occupied, -1).amax(1)
    return (first + last) // 2


def _window(centre: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Rows (b, height) and columns (b, width) of a rectangle about a centre (b, 2)."""
    rows = centre[:, :1] - size[0] // 2 + torch.arange(size[0], device=centre.device)
    columns = centre[:, 1:] - size[1] // 2 + torch.arange(size[1], device=centre.device)
    return rows, columns
