"""The terms of AVWnet's losses (avwnet.md 6)."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from limner.talking_faces.training import mouth_mask

_REAL, _FAKE = 1.0, 0.0
MOUTH_MOTION = 0.02
"""Distances between the eyes by which points of a mouth move in speech as a rule: the unit of `mouth_motion_error`."""


def dynamic_pixel_loss(
    found: Float[Tensor, "b f 3 h w"],
    true: Float[Tensor, "b f 3 h w"],
    mask: Float[Tensor, "b f 1 h w"],
    *,
    offset: float,
    weight_mouth: float = 0.0,
) -> Float[Tensor, ""]:
    """Mean absolute difference, in which a pixel counts as much as its mask is open, and `offset` more.

    ATVGnet, arXiv:1905.03820, Eq. 6; the mask gets no gradient from its weight.
    """
    weight = mask.detach() + offset
    if weight_mouth:
        weight = weight * (1 + weight_mouth * mouth_mask(true.shape[-1], true))
    return (weight * (found - true).abs()).mean()


def mouth_change_error(found: Float[Tensor, "b f 3 h w"], true: Float[Tensor, "b f 3 h w"]) -> Float[Tensor, ""]:
    """Mean squared difference, in the mouth's box, of how pixels change about their mean over the frames.

    An option of ours. The absolute differences of the other terms ask for the median: most frames show a pixel of the
    lips as the photo does, so a mouth that hardly moves is their best until speech is understood; the square asks for
    the mean, which follows any speech that says a little of the mouth.
    """
    changes = [one - one.mean(dim=1, keepdim=True) for one in (found, true)]
    mask = mouth_mask(true.shape[-1], true)
    squares = (changes[0] - changes[1]).square() * mask
    return squares.mean() / mask.mean()


def total_variation(mask: Float[Tensor, "b f 1 h w"]) -> Float[Tensor, ""]:
    """Absolute differences of neighbours, added up over each mask; mean over the masks."""
    across = (mask[..., 1:] - mask[..., :-1]).abs().sum(dim=(2, 3, 4))
    down = (mask[..., 1:, :] - mask[..., :-1, :]).abs().sum(dim=(2, 3, 4))
    return (across + down).mean()


def taken_for_real(logits: Tensor) -> Float[Tensor, ""]:
    """Cross-entropy with "real"."""
    return functional.binary_cross_entropy_with_logits(logits, torch.full_like(logits, _REAL))


def taken_for_fake(logits: Tensor) -> Float[Tensor, ""]:
    """Cross-entropy with "not real", or "not of this speech"."""
    return functional.binary_cross_entropy_with_logits(logits, torch.full_like(logits, _FAKE))


def wrong_speech(speech: Float[Tensor, "b f a"], is_shifted: Bool[Tensor, " b"]) -> Float[Tensor, "b f a"]:
    """Codes that do not belong to their frames: of the next clip of the batch, or of other frames of the same clip.

    A clip is moved by half its length; a batch of one clip has no other.
    """
    moved = speech.roll(max(1, speech.shape[1] // 2), dims=1)
    if len(speech) == 1:
        return moved
    return torch.where(is_shifted[:, None, None], moved, speech.roll(1, dims=0))


def landmark_error(
    found: Float[Tensor, "b f 136"], true: Float[Tensor, "b f 68 2"], size: int, *, mouth_weight: float = 10.0
) -> Float[Tensor, ""]:
    """Weighted squared difference of landmarks in [-1, 1]; what is not known counts nothing.

    The error is weighted after it is squared: ATVGnet's code multiplies before, so that its weights count squared.
    """
    wanted = (true + 0.5) / size * 2 - 1
    squares = (found.unflatten(2, (-1, 2)) - wanted).square()
    weight = torch.ones(68, 1, device=found.device)
    weight[48:] = mouth_weight
    known = squares.isfinite()
    return torch.where(known, squares * weight, 0.0).sum() / known.sum().clamp(min=1)


def mouth_motion_error(found: Float[Tensor, "b f 20 2"], true: Float[Tensor, "b f 68 2"]) -> Float[Tensor, ""]:
    """Mean squared difference of how mouths move, in units of `MOUTH_MOTION`; what is not known counts nothing.

    Motion is what is left of a mouth's points when their middle is taken from each frame and their mean over the clip
    from each point, in distances between the eyes: who speaks and how the head is held play no part.
    """
    eyes = (true[:, :, 36:42].mean(dim=2) - true[:, :, 42:48].mean(dim=2)).norm(dim=2)[..., None, None]
    mouth = true[:, :, 48:]
    shape = (mouth - mouth.mean(dim=2, keepdim=True)) / eyes.clamp(min=1e-6) / MOUTH_MOTION
    moved, wanted = (one - one.mean(dim=1, keepdim=True) for one in (found, shape))
    known = wanted.isfinite()
    squares = torch.where(known, moved - torch.where(known, wanted, 0.0), 0.0).square()
    return squares.sum() / known.sum().clamp(min=1)
