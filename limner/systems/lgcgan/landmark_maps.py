"""68 landmarks as seven maps, one a part of the face (lgcgan.md 2)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from limner.data.point_schema import IBUG_68
from limner.data.points import polylines

NUM_LANDMARKS = len(IBUG_68)
PARTS = {group.name: group.lines for group in IBUG_68.groups}
"""Channel of the maps -> lines through these points."""
SIGMA = 1.5 / 128
"""Width of the drawn lines, as a share of the side."""


def render_landmarks(landmarks: Float[Tensor, "b 68 2"], image_size: int) -> Float[Tensor, "b 7 s s"]:
    """Draw each part's lines: exp(-d^2 / (2 sigma^2)), d being the distance from a pixel's middle to the nearest line.

    Args:
        landmarks: x and y as shares of the picture's side, 0 being its left and upper border; may lie outside.
        image_size: side of the maps, pixels.

    Returns:
        Values in [0, 1].
    """
    pixels = landmarks.float() * image_size - 0.5
    return polylines(pixels, list(PARTS.values()), (image_size, image_size), sigma=SIGMA * image_size)


def one_hot_ages(groups: Sequence[int] | Tensor, num_groups: int) -> Float[Tensor, "... n"]:
    """Age groups by number -> one-hot rows."""
    return torch.nn.functional.one_hot(torch.as_tensor(groups).long(), num_groups).float()
