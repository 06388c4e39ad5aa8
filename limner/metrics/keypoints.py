"""Key points that a judge finds in pictures, beside where they should be."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from limner.errors import ShapeError

SHARE_OF_HEIGHT = 0.05


def correct_keypoints(
    found: Float[Tensor, "b n 2"], truth: Float[Tensor, "b n 2"], *, height: int, within: float = SHARE_OF_HEIGHT
) -> Float[Tensor, " b"]:
    """Share of each picture's true points that were found near their places (PCK with a share of the picture's height).

    Args:
        found: x and y in pixels; NaN where the judge found nobody, or does not know the point.
        truth: likewise; NaN where a point is not seen, which then does not count.
        height: of the pictures in pixels.
        within: largest distance that counts as near, as a share of the height.

    Returns:
        In [0, 1]; NaN where the judge found nobody at all, or there is nothing to find.

    Raises:
        ShapeError: if the shapes differ.
    """
    if found.shape != truth.shape:
        raise ShapeError(f"{tuple(found.shape)} points were found, but there are {tuple(truth.shape)} true ones.")
    counts = truth.isfinite().all(dim=2) & _known(found)
    near = (found - truth).norm(dim=2) <= within * height
    share = (near & counts).sum(dim=1) / counts.sum(dim=1)
    return torch.where(found.isfinite().all(dim=2).any(dim=1), share, torch.nan)


def _known(found: Tensor) -> Tensor:
    """Points that the judge names in any picture: one that it does not know is no miss."""
    return found.isfinite().all(dim=2).any(dim=0, keepdim=True)
