"""How much images differ that were made from one condition with different latents."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from limner.errors import ShapeError


def mean_pairwise_distance(
    samples: Float[Tensor, "batch latents *dims"],
) -> Float[Tensor, " batch"]:
    """Mean absolute difference over all pairs of latents, for each condition.

    Args:
        samples: images or feature vectors, `latents` of them for each condition; any range.

    Returns:
        For images in [-1, 1] a value in [0, 2]; 0 means that the latent changes nothing.

    Raises:
        ShapeError: if there are fewer than two latents.
    """
    count = samples.shape[1]
    if count < 2:
        raise ShapeError(f"Diversity needs at least two latents for each condition, not {count}.")
    flat = samples.flatten(2)
    first, second = torch.triu_indices(count, count, offset=1, device=samples.device)
    return torch.stack([(a[first] - a[second]).abs().mean() for a in flat])
