"""Sliced Wasserstein distance of image patches: how far two sets of pictures are apart, without a feature network.

Karras et al., "Progressive Growing of GANs", ICLR 2018, arXiv:1710.10196, Sec. 5: patches of the levels of a Laplacian
pyramid, so that fine detail counts as much as light and colour. (Patches of the picture itself, which is nearly all
light and colour, would find a blurred copy nearer to the real set than another half of that set.) Two differences suit
small sets: patches lie at random positions shared by both sets, and there is one number, the mean over the levels.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from limner.errors import ShapeError

PATCH = 7
PATCHES_PER_IMAGE = 64
NUM_DIRECTIONS = 256
SMALLEST_LEVEL = 16
_DIRECTIONS_AT_ONCE = 32  # keeps the sorted projections of a few thousand images below a gigabyte


def sliced_wasserstein_distance(
    real: Float[Tensor, "n 3 h w"], fake: Float[Tensor, "*shape"], *, seed: int = 0
) -> float:
    """Mean over pyramid levels of the sliced 1-Wasserstein distance between 7x7 patches.

    Computed in float64, which automatic mixed precision leaves alone.

    Args:
        real: images in [-1, 1].
        fake: as many images of the same size.
        seed: of patch positions and directions; the same seed gives the same number.

    Returns:
        At least 0, in units of one value's standard deviation in the level of the real images.

    Raises:
        ShapeError: if the two sets differ in shape, are empty, or their images are smaller than a patch.
    """
    if real.shape != fake.shape or len(real) == 0 or min(real.shape[-2:]) < PATCH:
        raise ShapeError(
            f"The two sets must have one shape, with an image of at least {PATCH} px, "
            f"not {tuple(real.shape)} and {tuple(fake.shape)}."
        )
    random = torch.Generator().manual_seed(seed)
    levels = zip(_pyramid(real.double()), _pyramid(fake.double()), strict=True)
    distances = [_level_distance(one, other, random) for one, other in levels]
    return float(torch.stack(distances).mean())


def _pyramid(images: Tensor) -> list[Tensor]:
    """What each halving of the size takes away, finest first, then what is left."""
    levels = []
    while min(images.shape[-2:]) // 2 >= SMALLEST_LEVEL:
        small = functional.avg_pool2d(images, 2)
        levels.append(images - functional.interpolate(small, size=images.shape[-2:], mode="bilinear"))
        images = small
    return [*levels, images]


def _level_distance(real: Tensor, fake: Tensor, random: torch.Generator) -> Tensor:
    height, width = real.shape[-2:]
    n = len(real)
    rows = torch.randint(height - PATCH + 1, (n, PATCHES_PER_IMAGE), generator=random)
    columns = torch.randint(width - PATCH + 1, (n, PATCHES_PER_IMAGE), generator=random)
    real, fake = (_patches(images, rows, columns) for images in (real, fake))
    mean, deviation = real.mean(dim=(0, 2), keepdim=True), real.std(dim=(0, 2), keepdim=True).clamp(min=1e-6)
    real, fake = (((patches - mean) / deviation).flatten(1) for patches in (real, fake))  # per channel, by the reals
    directions = torch.randn(real.shape[1], NUM_DIRECTIONS, generator=random, dtype=real.dtype)
    directions = directions / directions.norm(dim=0)
    distances = [
        ((real @ some).sort(dim=0).values - (fake @ some).sort(dim=0).values).abs().mean(0)
        for some in directions.split(_DIRECTIONS_AT_ONCE, dim=1)
    ]
    return torch.cat(distances).mean()


def _patches(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Patches of (n, 3, h, w) as (n * patches, 3, 49)."""
    offset = torch.arange(PATCH)
    n = torch.arange(len(images))[:, None, None, None]
    y = rows[:, :, None, None] + offset[:, None]
    x = columns[:, :, None, None] + offset[None, :]
    return images[n, :, y, x].flatten(0, 1).permute(0, 3, 1, 2).flatten(2)
