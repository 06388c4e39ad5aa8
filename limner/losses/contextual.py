"""How like the features of two pictures are, wherever in the picture they lie.

Mechrez, Talmi, Zelnik-Manor: "The Contextual Loss for Image Transformation with Non-Aligned Data", ECCV 2018,
arXiv:1803.02077. Centring, normalisation and the mean over a batch follow facts of SCA-GAN's code.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


def contextual_loss(
    target: Float[Tensor, "b c h w"],
    generated: Float[Tensor, "b c h2 w2"],
    *,
    bandwidth: float = 0.5,
    epsilon: float = 1e-5,
) -> Float[Tensor, ""]:
    """-log of how well every position of the target finds one like it among the generated ones; mean over the batch.

    Each generated position shares itself out among those of the target; 0 where each of these has one of its own. The
    matrix has (h w) x (h2 w2) numbers for each picture.

    Args:
        target: a map of features of the real pictures; no gradient flows to it.
        generated: the same of the pictures that are to be like them.
        bandwidth: h of Eq. 3: the smaller, the more the nearest position counts.
        epsilon: keeps the distance to the nearest position away from 0.
    """
    target = target.detach().float()
    mean = target.mean(dim=(0, 2, 3), keepdim=True)
    # 1e-12: a position that equals the mean has no direction.
    wanted, found = (
        functional.normalize((part - mean).flatten(2), dim=1, eps=1e-12) for part in (target, generated.float())
    )
    losses = []
    for one, other in zip(wanted, found, strict=True):  # one picture at a time: the matrices are large
        distance = (1 - one.T @ other) / 2  # target x generated
        relative = distance / (distance.amin(dim=0, keepdim=True) + epsilon)
        similarity = ((1 - relative) / bandwidth).softmax(dim=0)  # w / sum of w, of w = exp((1 - d) / h)
        losses.append(-similarity.amax(dim=1).mean().log())
    return torch.stack(losses).mean()
