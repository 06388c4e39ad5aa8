"""Losses of a discriminator that judges a picture alone and together with its condition.

Zhang et al.: "StackGAN++", TPAMI 2018, arXiv:1710.10916, Sec. 3.2, with the shares of AttnGAN's code: the two true
judgements count half each, the three false ones a third each.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


def joint_discriminator_loss(
    *,
    real_picture: Float[Tensor, " b"] | None,
    fake_picture: Float[Tensor, " b"] | None,
    real_pair: Float[Tensor, " b"],
    fake_pair: Float[Tensor, " b"],
    wrong_pair: Float[Tensor, " n"],
) -> Float[Tensor, ""]:
    """Cross entropies of what a discriminator says of true and false pictures and pairs.

    Args:
        real_picture: logits of real pictures; none where the discriminator judges pairs alone.
        fake_picture: logits of generated pictures; likewise.
        real_pair: of real pictures with their condition.
        fake_pair: of generated pictures with the condition that they were made for.
        wrong_pair: of real pictures with the condition of another one, for which it does not hold.
    """
    right, wrong = [real_pair], [fake_pair, wrong_pair]
    if real_picture is not None and fake_picture is not None:
        right, wrong = [real_picture, *right], [fake_picture, *wrong]
    return _mean_cross_entropy(right, 1.0) + _mean_cross_entropy(wrong, 0.0)


def joint_generator_loss(fake_picture: Float[Tensor, " b"] | None, fake_pair: Float[Tensor, " b"]) -> Float[Tensor, ""]:
    """What a generator minimises so that both judgements take its pictures for real: the sum of both."""
    logits = [fake_pair] if fake_picture is None else [fake_picture, fake_pair]
    return _mean_cross_entropy(logits, 1.0) * len(logits)


def _mean_cross_entropy(logits: list[Tensor], target: float) -> Tensor:
    each = [functional.binary_cross_entropy_with_logits(part, torch.full_like(part, target)) for part in logits]
    return torch.stack(each).mean()
