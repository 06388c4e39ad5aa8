"""Sliced Wasserstein distance of image patches: how far two sets of pictures are apart, without a feature network.

Karras et al., "Progressive Growing of GANs", ICLR 2018, arXiv:1710.10196, Sec. 5, with three differences that suit
small sets: plain average-pooled levels instead of a Laplacian pyramid, patches at random positions shared by both sets,
and one number (the mean over levels).
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


def sliced_wasserstein_distance(
    real: Float[Tensor, "n 3 h w"], fake: Float[Tensor, "n 3 h w"], *, seed: int = 0
) -> float:
    """Mean over pyramid levels of the sliced 1-Wasserstein distance between 7x7 patches.

    Args:
        real: images in [-1, 1].
        fake: as many images of the same size.
        seed: of patch positions and directions; the same seed gives the same number.

    Returns:
        At least 0, in units of one pixel value's standard deviation.

    Raises:
        ShapeError: if the two sets differ in shape or are empty.
    """
    if real.shape != fake.shape or len(real) == 0:
        raise ShapeError(f"The two sets must have one shape and not be empty, got {real.shape} and {fake.shape}.")
    random = torch.Generator().manual_seed(seed)
    distances = []
    while True:
        distances.append(_level_distance(real.float(), fake.float(), random))
        if real.shape[-1] // 2 < SMALLEST_LEVEL:
            return float(torch.stack(distances).mean())
        real, fake = functional.avg_pool2d(real, 2), functional.avg_pool2d(fake, 2)


def _level_distance(real: Tensor, fake: Tensor, random: torch.Generator) -> Tensor:
    height, width = real.shape[-2:]
    n = len(real)
    rows = torch.randint(height - PATCH + 1, (n, PATCHES_PER_IMAGE), generator=random)
    columns = torch.randint(width - PATCH + 1, (n, PATCHES_PER_IMAGE), generator=random)
    real, fake = (_patches(images, rows, columns) for images in (real, fake))
    mean, deviation = real.mean(dim=(0, 2), keepdim=True), real.std(dim=(0, 2), keepdim=True).clamp(min=1e-6)
    real, fake = ((patches - mean) / deviation for patches in (real, fake))  # per colour channel, by the reals
    directions = torch.randn(real[0].numel(), NUM_DIRECTIONS, generator=random)
    directions = directions / directions.norm(dim=0)
    real, fake = (patches.flatten(1) @ directions for patches in (real, fake))
    return (real.sort(dim=0).values - fake.sort(dim=0).values).abs().mean()


def _patches(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Patches of (n, 3, h, w) as (n * patches, 3, 49)."""
    offset = torch.arange(PATCH)
    n = torch.arange(len(images))[:, None, None, None]
    y = rows[:, :, None, None] + offset[:, None]
    x = columns[:, :, None, None] + offset[None, :]
    return images[n, :, y, x].flatten(0, 1).permute(0, 3, 1, 2).flatten(2)
