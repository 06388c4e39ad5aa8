"""Distances between pictures in the layers of a network."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


def feature_distance(real: Sequence[Tensor], fake: Sequence[Tensor], weights: Sequence[float]) -> Float[Tensor, ""]:
    """Weighted sum over layers of the mean absolute difference; no gradient flows to the real features.

    With the layers of a discriminator it is the feature matching of Wang et al. 2018, arXiv:1711.11585, Eq. 4; with
    those of a recognition network the perceptual loss of their Sec. 3.

    Args:
        real: one tensor a layer.
        fake: likewise.
        weights: one a layer.
    """
    distances = [
        weight * functional.l1_loss(b.float(), a.detach().float())
        for a, b, weight in zip(real, fake, weights, strict=True)
    ]
    return torch.stack(distances).sum()
