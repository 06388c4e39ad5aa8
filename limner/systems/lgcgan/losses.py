"""The losses of LGcGAN (lgcgan.md 5): least squares with matched, wrong-age and fake pairs; ages; the way back."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional

MAX_TURN, MAX_SCALE, MAX_SHIFT = math.radians(10), 0.05, 4 / 128
"""Of the landmarks under pose control: radians, and shares of the side."""
_BLUR = (1.0, 2.0, 1.0)


def triplet_loss(
    real: Float[Tensor, "b ..."], wrong: Float[Tensor, "b ..."] | None, fake: Float[Tensor, "b ..."]
) -> Float[Tensor, ""]:
    """1/2 (real - 1)^2 + 1/4 wrong^2 + 1/4 fake^2, means over patches and batch (IPCGAN, Eq. 3).

    Args:
        real: scores of real pictures under their own age.
        wrong: of the same pictures under another age; none: the fakes take its weight.
        fake: of generated pictures under the age that was asked for.
    """
    negative = fake.square().mean()
    if wrong is not None:
        negative = (wrong.square().mean() + negative) / 2
    return ((real - 1).square().mean() + negative) / 2


def fooling_loss(fake: Float[Tensor, "b ..."]) -> Float[Tensor, ""]:
    """1/2 (fake - 1)^2: what a generator minimises."""
    return (fake - 1).square().mean() / 2


def age_loss(
    logits: Float[Tensor, "b n"], group: Int64[Tensor, " b"], *, label_smoothing: float = 0.0
) -> Float[Tensor, ""]:
    """Cross-entropy of the age head."""
    return functional.cross_entropy(logits, group, label_smoothing=label_smoothing)


def soften(image: Float[Tensor, "b c h w"], chosen: Float[Tensor, " b"]) -> Float[Tensor, "b c h w"]:
    """Pictures where `chosen` is 1 lose what is finer than about four pixels; the others stay as they are.

    Twice the binomial filter 1 2 1 along rows and columns: at half the Nyquist frequency a quarter is left, at the
    Nyquist frequency nothing.
    """
    channels = image.shape[1]
    row = image.new_tensor(_BLUR) / sum(_BLUR)
    kernel = (row[:, None] * row).expand(channels, 1, 3, 3)
    soft = image
    for _ in range(2):
        soft = functional.conv2d(functional.pad(soft, (1, 1, 1, 1), mode="replicate"), kernel, groups=channels)
    return torch.where(chosen[:, None, None, None] > 0, soft, image)


def smoothness_penalty(
    discriminator: Callable[[Tensor], tuple[Tensor, Tensor]], pair: Float[Tensor, "b c h w"]
) -> Float[Tensor, ""]:
    """Half the squared gradients of both heads at real pictures, summed over pixels, mean over the batch.

    R1 of Mescheder et al. 2018, arXiv:1801.04406, Eq. 9. A head that is flat at real pictures gives a generator a slope
    to go by, and cannot be turned by changes that nobody would take for an age.

    Args:
        discriminator: pair -> (mean score (b,), log-probability of the true group (b,)).
        pair: real pictures with what else the discriminator sees.
    """
    point = pair.detach().requires_grad_(True)
    score, age = discriminator(point)
    # Of the two heads one after the other: the gradient of their sum could vanish where neither does.
    total = pair.new_zeros(())
    for head in (score, age):
        (gradient,) = torch.autograd.grad(head.sum(), point, create_graph=True)
        total = total + gradient.float().square().flatten(1).sum(1).mean() / 2
    return total


def move_landmarks(landmarks: Float[Tensor, "b 68 2"], draws: Float[Tensor, "b 4"]) -> Float[Tensor, "b 68 2"]:
    """Landmarks turned, scaled and shifted about their middle (lgcgan.md 6, pose control).

    Args:
        landmarks: shares of the side.
        draws: uniform in [0, 1): turn within 10 degrees, scale within 5 %, shift right and down within 4 of 128 pixels.
    """
    turn, scale, right, down = (2 * draws - 1).unbind(1)
    angle, factor = MAX_TURN * turn, 1 + MAX_SCALE * scale
    cos, sin = factor * angle.cos(), factor * angle.sin()
    middle = landmarks.mean(dim=1, keepdim=True)
    x, y = (landmarks - middle).unbind(2)
    moved = torch.stack([cos[:, None] * x - sin[:, None] * y, sin[:, None] * x + cos[:, None] * y], dim=2)
    return moved + middle + MAX_SHIFT * torch.stack([right, down], dim=1)[:, None]
