"""Damage of the kinds that generators do to pictures, in known amounts: what the preset `features` learns to see.

The judge is trained to overlook softness, noise and wrong colours (`system.jitter`), as it must say what a picture
shows. A network whose features are to tell generated pictures from real ones must see them instead; see
docs/decisions/0010-fid-people.md.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional as F

from limner.nn.resampling import gaussian_blur

KINDS = ("blur", "noise", "checks", "blocks", "colour", "warp", "patch")
"""What the amounts stand for; each in [0, 1], 0 = none of it."""
NUM_NUMBERS = 6
_SHARE = 1 / 3  # of the damaged pictures that have a kind; every other picture is whole
_BLUR = 1.5  # pixels
FLOW_SHAPE = (2, 4, 4)  # directions and points of the warp


class Draws(NamedTuple):
    """Random numbers for a batch."""

    amounts: Float[Tensor, "batch kinds"]
    """From `draw_amounts`."""
    numbers: Float[Tensor, "batch 6"]
    """U(0, 1)."""
    noise: Float[Tensor, "batch 3 h w"]
    """N(0, 1)."""
    flow: Float[Tensor, "batch 2 4 4"]
    """N(0, 1)."""


def draw_amounts(
    present: Float[Tensor, "batch kinds"], amount: Float[Tensor, "batch kinds"]
) -> Float[Tensor, "batch kinds"]:
    """Amounts from two sets of U(0, 1): none for every second picture, else some of about every third kind."""
    damaged = torch.arange(len(present), device=present.device)[:, None] % 2 == 1
    return amount * ((present < _SHARE) & damaged)


def damage(
    image: Float[Tensor, "batch 3 h w"], label_map: Int64[Tensor, "batch h w"], draws: Draws
) -> tuple[Float[Tensor, "batch 3 h w"], Int64[Tensor, "batch h w"]]:
    """Pictures in [-1, 1] with their label maps, damaged; the maps move with the pixels."""
    size = image.shape[-1]
    amounts = {kind: amount[:, None, None, None] for kind, amount in zip(KINDS, draws.amounts.unbind(1), strict=True)}
    image, label_map = _patched(image, label_map, amounts["patch"], draws.numbers[:, :2])
    image, label_map = _warped(image, label_map, amounts["warp"], draws.flow)
    tint = 2 * draws.numbers[:, 2:5, None, None] - 1
    image = image + 0.4 * amounts["colour"] * tint
    image = torch.lerp(image, gaussian_blur(image, _BLUR), amounts["blur"].expand_as(image))
    image = torch.lerp(image, _in_blocks(image, max(2, size // 16)), 0.7 * amounts["blocks"].expand_as(image))
    image = image + 0.25 * amounts["checks"] * _checks(size, draws.numbers[:, 5])
    image = image + 0.25 * amounts["noise"] * draws.noise
    return image.clamp(-1, 1), label_map


def halved(
    image: Float[Tensor, "batch 3 h w"], label_map: Int64[Tensor, "batch h w"]
) -> tuple[Float[Tensor, "batch 3 h2 w2"], Int64[Tensor, "batch h2 w2"]]:
    """The same at half the size, antialiased; sharpness at the new size is no damage."""
    small = F.interpolate(image, scale_factor=0.5, mode="bilinear", antialias=True)
    return small, label_map[:, ::2, ::2][:, : small.shape[-2], : small.shape[-1]]


def _patched(image: Tensor, label_map: Tensor, amount: Tensor, centre: Tensor) -> tuple[Tensor, Tensor]:
    """A square of up to half the side comes from the next picture of the batch: parts that do not belong together."""
    places = (torch.arange(image.shape[-1], device=image.device) + 0.5) / image.shape[-1]
    reach = 0.25 * amount[:, 0, 0].sqrt()
    rows, columns = ((places - c[:, None]).abs() < reach for c in centre.unbind(1))
    inside = rows[:, :, None] & columns[:, None, :]
    return (
        torch.where(inside[:, None], image.roll(1, 0), image),
        torch.where(inside, label_map.roll(1, 0), label_map),
    )


def _warped(image: Tensor, label_map: Tensor, amount: Tensor, flow: Tensor) -> tuple[Tensor, Tensor]:
    """Shapes bent by a smooth flow of up to some hundredths of the side."""
    flow = 0.06 * amount * F.interpolate(flow, size=image.shape[-2:], mode="bicubic", align_corners=True)
    identity = torch.eye(2, 3, device=image.device).expand(len(image), 2, 3)
    grid = F.affine_grid(identity, list(image.shape), align_corners=False) + flow.permute(0, 2, 3, 1)
    # Bicubic: a bilinear one softens every bent picture alike, and that is what the network would learn to see.
    moved = F.grid_sample(image, grid, mode="bicubic", padding_mode="border", align_corners=False)
    ids = F.grid_sample(label_map[:, None].float(), grid, mode="nearest", padding_mode="border", align_corners=False)
    # A picture that is not to be bent keeps its very pixels; sampling would soften them.
    return torch.where(amount > 0, moved, image), torch.where(amount[:, 0] > 0, ids[:, 0].long(), label_map)


def _in_blocks(image: Tensor, block: int) -> Tensor:
    """The mean of each block, as strong compression leaves it."""
    means = F.avg_pool2d(image, block, ceil_mode=True)
    whole = F.interpolate(means, scale_factor=float(block), mode="nearest")
    return whole[..., : image.shape[-2], : image.shape[-1]]


def _checks(size: int, coin: Tensor) -> Tensor:
    """The chessboard that strided transposed convolutions leave: fields of one pixel, or of two."""
    places = torch.arange(size, device=coin.device)
    fine, coarse = (1.0 - 2.0 * ((places[:, None] // n + places // n) % 2) for n in (1, 2))
    return torch.where(coin[:, None, None, None] < 0.5, fine, coarse)
