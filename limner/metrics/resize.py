"""Resizing with the filter written out: one matrix a direction, the same numbers on every device and in every version.

Programs that compute FID differ in this step more than in any other (Parmar et al., "On Aliased Resizing and Surprising
Subtleties in GAN Evaluation", CVPR 2022, arXiv:2104.11222), so it is part of every protocol.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor

from limner.data.size import Size, SizeLike
from limner.errors import ConfigError

Filter = Literal["bilinear", "bicubic"]
Grid = Literal["centres", "corners"]

_CUBIC = -0.5  # Keys' coefficient as Pillow has it; PyTorch's and OpenCV's plain bicubic have -0.75


@dataclass(frozen=True)
class Resize:
    """Bring images to one size.

    Attributes:
        size: height and width in pixels; one number for a square.
        filter: "bilinear" (a triangle two pixels wide) or "bicubic" (four).
        antialias: whether the filter is widened by the factor of shrinking, as Pillow does; the part of it that lies
            outside of the image is cut off. Without, pixels are skipped, and the border is repeated.
        grid: "centres" matches the outer edges of the two images, as PyTorch, Pillow and OpenCV do; "corners" puts
            the middles of the first pixels on top of each other and steps by in/out, as TensorFlow 1 did: half a pixel
            off, and part of the graph that defines FID.
        enlarge: whether images that are smaller, in both directions, are enlarged; else they stay as they are.

    Raises:
        ConfigError: if there is no such size, filter or grid.
    """

    size: SizeLike
    filter: Filter = "bilinear"
    antialias: bool = False
    grid: Grid = "centres"
    enlarge: bool = True

    def __post_init__(self) -> None:
        Size.of(self.size)
        for name, value, words in (("filter", self.filter, Filter), ("grid", self.grid, Grid)):
            if value not in get_args(words):
                raise ConfigError(f'There is no {name} "{value}"; there are {", ".join(get_args(words))}.')

    def __str__(self) -> str:
        shift = "" if self.grid == "centres" else " on TensorFlow 1's grid"
        return f"{self.filter}{shift} to {self.target} px"

    @property
    def target(self) -> Size:
        """Height and width."""
        return Size.of(self.size)

    def changes(self, height: int, width: int) -> bool:
        """Whether images of this size are resized."""
        if not self.enlarge and height <= self.target.height and width <= self.target.width:
            return False
        return (height, width) != self.target

    def __call__(self, image: Float[Tensor, "batch c h w"]) -> Float[Tensor, "batch c h2 w2"]:
        """Resize images of any range; bicubic can go beyond it."""
        if not self.changes(*image.shape[-2:]):
            return image
        rows, columns = (
            filter_matrix(side, wanted, self.filter, self.antialias, self.grid).to(image)
            for side, wanted in zip(image.shape[-2:], self.target, strict=True)
        )
        return rows @ image @ columns.T


@lru_cache(maxsize=64)
def filter_matrix(
    size_in: int, size_out: int, filter: Filter, antialias: bool, grid: Grid
) -> Float[Tensor, "size_out size_in"]:
    """Weights of the input pixels (columns) for every output pixel (rows), float64; each row sums to 1."""
    scale = size_in / size_out
    width = max(scale, 1.0) if antialias else 1.0
    offset = 0.5 if grid == "centres" else 0.0
    centres = (torch.arange(size_out, dtype=torch.float64) + offset) * scale - offset
    margin = int(2 * width) + 2
    places = torch.arange(-margin, size_in + margin, dtype=torch.float64)
    weights = _kernel((places - centres[:, None]) / width, filter)
    if antialias:
        weights[:, (places < 0) | (places > size_in - 1)] = 0
    weights = weights / weights.sum(1, keepdim=True)
    matrix = torch.zeros(size_out, size_in, dtype=torch.float64)
    return matrix.index_add_(1, places.clamp(0, size_in - 1).long(), weights)


def _kernel(x: Tensor, filter: Filter) -> Tensor:
    """The filter at distance x, in pixels."""
    x = x.abs()
    if filter == "bilinear":
        return (1 - x).clamp_min(0)
    near = ((_CUBIC + 2) * x - (_CUBIC + 3)) * x * x + 1
    far = ((x - 5) * x + 8) * x * _CUBIC - 4 * _CUBIC
    return torch.where(x < 1, near, torch.where(x < 2, far, 0))
