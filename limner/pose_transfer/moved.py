"""A photo moved limb by limb into another pose: the key points say where a garment is, and where it is wanted.

Ours, in the spirit of the deformable skips of Siarohin et al., CVPR 2018: every pixel is taken from the same place of
the same limb in the photo. A limb is as long as each picture says and keeps its width; what the photo hides is not
guessed, but of a limb that it does not show at all the one of the other side is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from limner.data.keypoints import NAMES

CHANNELS = 4
"""Of a moved photo: red, green, blue, and how surely each pixel is of the person."""


class Limb(NamedTuple):
    """A part of the body that moves as a whole, from one point to another."""

    start: tuple[str, ...]
    """Names of the key points whose middle is its start."""
    end: tuple[str, ...]
    reach: float
    """How far to all sides it surely goes, as a share of the length of the torso."""
    layer: float
    """Of several limbs at one place the one of the highest layer is mostly in front."""


_SHOULDERS, _HIPS = ("r_shoulder", "l_shoulder"), ("r_hip", "l_hip")
_FACE = ("nose", "r_eye", "l_eye", "r_ear", "l_ear")
LIMBS = (
    Limb(_SHOULDERS, _HIPS, 0.2, 0.0),
    Limb(_SHOULDERS, _FACE, 0.16, 1.0),
    *(
        Limb((f"{side}_{start}",), (f"{side}_{end}",), reach, layer)
        for start, end, reach, layer in (
            ("hip", "knee", 0.11, 0.5), ("knee", "ankle", 0.09, 0.5),
            ("shoulder", "elbow", 0.07, 2.0), ("elbow", "wrist", 0.06, 2.0),
        )
        for side in "rl"
    ),
)  # fmt: skip
"""Torso, head, then each limb of the right side and of the left."""
_OTHER_SIDE = [0, 1, *(number ^ 1 for number in range(2, len(LIMBS)))]
_FADE = 0.75  # over so much of its reach a limb fades away beyond it
_TORSO, _SHORT = 0.3, 0.1  # length of a torso that is not seen, and the least that one is taken to have; of the height


def moved_photo(
    photo: Float[Tensor, "b 3 h w"], source: Float[Tensor, "b 18 2"], target: Float[Tensor, "b 18 2"]
) -> Float[Tensor, "b 4 h w"]:
    """The person of a photo in another pose, as far as moving limbs can show it.

    Args:
        photo: in [-1, 1].
        source: its key points, x and y in pixels, NaN where not seen.
        target: those of the pose that is wanted, in pixels of as large a picture.

    Returns:
        Colours in [-1, 1], and how surely each pixel is of the person, in [0, 1]; all 0 where it is not.
    """
    height, width = photo.shape[-2:]
    wanted, given = limb_ends(target), limb_ends(source)
    given = torch.where(given.isnan().any(dim=(2, 3), keepdim=True), given[:, _OTHER_SIDE], given)
    torso, torso_given = (_torso(ends, height) for ends in (wanted, given))

    # Where each pixel is in the coordinates of each limb that is wanted: along it and across it, (b n h w).
    start, unit, length = _axes(wanted)
    rows, columns = (torch.arange(size, device=photo.device, dtype=torch.float32) for size in (height, width))
    x, y = columns[None, :] - start[..., :1, None], rows[:, None] - start[..., 1:, None]
    along = x * unit[..., :1, None] + y * unit[..., 1:, None]
    across = y * unit[..., :1, None] - x * unit[..., 1:, None]
    within = torch.minimum(along.clamp(min=0), length)
    reach = torch.tensor([limb.reach for limb in LIMBS], device=photo.device)[:, None, None] * torso
    distance = ((along - within).square() + across.square()).sqrt() / reach

    # The same place of the same limb in the photo.
    start, unit, length_given = _axes(given)
    scale = torso_given / torso
    along, across = within / length * length_given + (along - within) * scale, across * scale
    places = [
        start[..., :1, None] + along * unit[..., :1, None] - across * unit[..., 1:, None],
        start[..., 1:, None] + along * unit[..., 1:, None] + across * unit[..., :1, None],
    ]
    grid = torch.stack([2 * (places[0] + 0.5) / width - 1, 2 * (places[1] + 0.5) / height - 1], dim=-1)
    is_inside = (grid.abs() <= 1).all(dim=-1)  # false for NaN: a limb that is not known

    share = ((1 + _FADE - distance) / _FADE).clamp(0, 1)
    share = torch.where(is_inside, share, 0.0)
    layer = torch.tensor([limb.layer for limb in LIMBS], device=photo.device)[:, None, None]
    rank = torch.where(is_inside, share * (1 + layer / 10) - distance.clamp(max=10) / 100, -1.0)
    best = rank.argmax(dim=1, keepdim=True)
    grid = grid.nan_to_num(0).gather(1, best[..., None].expand(-1, -1, -1, -1, 2))[:, 0]
    share = share.gather(1, best)
    # Cubic, as a person of few pixels is soft enough; it may overshoot.
    colours = functional.grid_sample(photo.float(), grid, mode="bicubic", padding_mode="border", align_corners=False)
    return torch.cat([colours.clamp(-1, 1) * share, share], dim=1)


def limb_ends(points: Float[Tensor, "b 18 2"]) -> Float[Tensor, "b n 2 2"]:
    """Start and end of each of `LIMBS`: the middles of those of their points that are seen; NaN if none is."""

    def middles(ends: Sequence[tuple[str, ...]]) -> Tensor:
        return torch.stack([points[:, [NAMES.index(name) for name in names]].nanmean(dim=1) for names in ends], dim=1)

    return torch.stack([middles([limb.start for limb in LIMBS]), middles([limb.end for limb in LIMBS])], dim=2).float()


def _torso(ends: Float[Tensor, "b n 2 2"], height: int) -> Float[Tensor, "b 1 1 1"]:
    """Length of the torso in pixels, by which limbs are as wide as they are."""
    length: Tensor = (ends[:, 0, 1] - ends[:, 0, 0]).norm(dim=-1)
    return length.nan_to_num(_TORSO * height).clamp(min=_SHORT * height)[:, None, None, None]


def _axes(
    ends: Float[Tensor, "b n 2 2"],
) -> tuple[Float[Tensor, "b n 2"], Float[Tensor, "b n 2"], Float[Tensor, "b n 1 1"]]:
    """Start, direction and length of limbs; one that is seen end on, or has no length, points down."""
    start, way = ends[:, :, 0], ends[:, :, 1] - ends[:, :, 0]
    length = way.norm(dim=-1, keepdim=True)
    down = torch.tensor([0.0, 1.0], device=ends.device)
    unit = torch.where(length < 1, down, way / length.clamp(min=1))
    return start, unit, length.clamp(min=1)[..., None]
