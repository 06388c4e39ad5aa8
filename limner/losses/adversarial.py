"""The adversarial losses by name; every function takes logits of any shape and averages over them.

`bce`    Goodfellow et al. 2014, arXiv:1406.2661, in the form that does not saturate (Sec. 3)
`lsgan`  Mao et al. 2017, arXiv:1611.04076: squared distance to 1 (real) and 0 (fake)
`hinge`  Lim, Ye 2017, arXiv:1705.02894; Miyato et al. 2018, arXiv:1802.05957, Eq. 16 and 17

The penalty R1 goes with any of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

AdversarialLoss = Literal["bce", "lsgan", "hinge"]


def discriminator_loss(
    real: Float[Tensor, "*any"], fake: Float[Tensor, "*other"], kind: AdversarialLoss
) -> Float[Tensor, ""]:
    """Loss on the logits of real pictures plus loss on those of fake ones, which carry no gradient to a generator."""
    if kind == "hinge":
        return functional.relu(1 - real).mean() + functional.relu(1 + fake).mean()
    return _distance(real, 1.0, kind) + _distance(fake, 0.0, kind)


def generator_loss(fake: Float[Tensor, "*any"], kind: AdversarialLoss) -> Float[Tensor, ""]:
    """What a generator minimises so that the discriminator takes its pictures for real."""
    return -fake.mean() if kind == "hinge" else _distance(fake, 1.0, kind)


def r1_penalty(scores_of: Callable[[Tensor], Tensor], real: Float[Tensor, "b 3 h w"]) -> Float[Tensor, ""]:
    """Half the squared gradient of a discriminator at real images, summed over pixels, averaged over the batch.

    Mescheder et al., "Which Training Methods for GANs do actually Converge?", ICML 2018, arXiv:1801.04406, Eq. 9. The
    gradient is taken with respect to the image alone, not to its condition.

    Args:
        scores_of: the discriminator: images to logits of any shape, their conditions given.
        real: images.
    """
    real = real.detach().requires_grad_(True)
    (gradient,) = torch.autograd.grad(scores_of(real).float().sum(), real, create_graph=True)
    return 0.5 * gradient.float().square().sum(dim=(1, 2, 3)).mean()


def _distance(logits: Tensor, target: float, kind: AdversarialLoss) -> Tensor:
    wanted = torch.full_like(logits, target)
    if kind == "lsgan":
        return functional.mse_loss(logits, wanted)
    return functional.binary_cross_entropy_with_logits(logits, wanted)
