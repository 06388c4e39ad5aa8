"""Where each part of a body lies in two poses, and the affine map from the one place to the other (Sec. 3.2).

Siarohin, Sangineto, Lathuilière, Sebe: "Deformable GANs for Pose-Based Human Image Generation", CVPR 2018,
arXiv:1801.00055. Everything follows from key points; nothing is learned.

Ours: what is nearly seen edge on, as a torso from the side, leaves its map undetermined across; least squares then keep
to the identity. A limb's rectangle is as wide as a third of the mean length of the limbs in its picture.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from limner.data.keypoints import NAMES
from limner.pose_transfer.data import TORSO

HEAD = tuple(NAMES.index(name) for name in ("nose", "r_eye", "l_eye", "r_ear", "l_ear"))
LIMBS = tuple(
    (NAMES.index(f"{side}_{start}"), NAMES.index(f"{side}_{end}"))
    for start, end in (("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle"))
    for side in "rl"
)
"""The two joints of each limb, of the right side and of the left in turn."""
NUM_PARTS = 2 + len(LIMBS)
"""The whole body, the head, the limbs."""
_OTHER_SIDE = [limb ^ 1 for limb in range(len(LIMBS))]
_OUTSIDE = 4.0
"""Coordinate that no picture reaches: what is read there is 0."""


class Deformation(NamedTuple):
    """How the parts of a body move."""

    maps: Float[Tensor, "b 10 2 3"]
    """Place in the target to place in the source, both in [-1, 1] as `functional.affine_grid` has them."""
    masks: Float[Tensor, "b 10 h w"]
    """1 where a part is in the target, 0 elsewhere; 1 everywhere for the whole body, which carries the rest along."""


def deformation(source: Float[Tensor, "b 18 2"], target: Float[Tensor, "b 18 2"], size: tuple[int, int]) -> Deformation:
    """How the parts move from one pose to another.

    Of a limb that the source does not show the one of the other side is taken; a part of which neither is seen is read
    from outside of the picture, and is 0.

    Args:
        source: key points, x and y in pixels, NaN where not seen.
        target: those of the pose that is wanted.
        size: height and width of both pictures.
    """
    given, wanted = source.float(), target.float()
    half_given, half = (_half_width(points) for points in (given, wanted))
    limbs_given, limbs = _limb_corners(given, half_given), _limb_corners(wanted, half)
    unseen = limbs_given.isnan().any(dim=(2, 3), keepdim=True)
    limbs_given = torch.where(unseen, limbs_given[:, _OTHER_SIDE], limbs_given)
    corners_given, corners = (
        torch.cat([points[:, None, list(TORSO)], _head_corners(points, width)[:, None], limbs], dim=1)
        for points, width, limbs in ((given, half_given, limbs_given), (wanted, half, limbs))
    )
    maps = _affine_maps(_normalized(corners, size), _normalized(corners_given, size), rows=size[0])

    rows, columns = (torch.arange(side, device=target.device, dtype=torch.float32) for side in size)
    grid = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), dim=-1)
    rectangles = _inside(corners[:, 1:], grid)
    return Deformation(maps, torch.cat([torch.ones_like(rectangles[:, :1]), rectangles], dim=1))


def deform(features: Float[Tensor, "b c h w"], moved: Deformation) -> Float[Tensor, "b c h w"]:
    """Features of the source where the target has their parts: the largest value of all parts at each place.

    Args:
        features: of the source, at any resolution.
        moved: how the parts move.
    """
    exact = features.float()  # coordinates of half precision are pixels off
    masks = functional.interpolate(moved.masks, size=features.shape[-2:], mode="nearest")
    size = [features.shape[0], 1, *features.shape[-2:]]
    largest: Tensor | None = None
    for part in range(NUM_PARTS):
        grid = functional.affine_grid(moved.maps[:, part], size, align_corners=False)
        found = functional.grid_sample(exact, grid, align_corners=False) * masks[:, part, None]
        largest = found if largest is None else torch.maximum(largest, found)
    assert largest is not None
    return largest.to(features.dtype)


def _half_width(points: Float[Tensor, "b 18 2"]) -> Float[Tensor, "b 1"]:
    """Half the width of limbs: a sixth of their mean length; 1 pixel at least, and where no limb is seen."""
    lengths = torch.stack([(points[:, b] - points[:, a]).norm(dim=-1) for a, b in LIMBS], dim=1)
    return (lengths.nanmean(dim=1, keepdim=True) / 6).nan_to_num(1).clamp(min=1)


def _limb_corners(points: Float[Tensor, "b 18 2"], half_width: Float[Tensor, "b 1"]) -> Float[Tensor, "b 8 4 2"]:
    """Corners of the limbs' rectangles, in turn around each."""
    starts, ends = (points[:, list(joints)] for joints in zip(*LIMBS, strict=True))
    along = ends - starts
    across = torch.stack([-along[..., 1], along[..., 0]], dim=-1)
    across = across / along.norm(dim=-1, keepdim=True).clamp(min=1e-6) * half_width[:, None]
    return torch.stack([starts - across, starts + across, ends + across, ends - across], dim=2)


def _head_corners(points: Float[Tensor, "b 18 2"], half_width: Float[Tensor, "b 1"]) -> Float[Tensor, "b 4 2"]:
    """Corners of the upright box around what is seen of the head, and a limb's half width more; NaN if nothing is."""
    head = points[:, list(HEAD)]
    unseen = head.isnan()
    low = head.masked_fill(unseen, torch.inf).amin(dim=1) - half_width
    high = head.masked_fill(unseen, -torch.inf).amax(dim=1) + half_width
    box = torch.stack([low, high], dim=1)
    turns = [[0, 0], [1, 0], [1, 1], [0, 1]]  # low or high x and y of the corners in turn
    corners = torch.stack([torch.stack([box[:, x, 0], box[:, y, 1]], dim=1) for x, y in turns], dim=1)
    return corners.masked_fill(~corners.isfinite(), torch.nan)


def _normalized(points: Float[Tensor, "b n k 2"], size: tuple[int, int]) -> Float[Tensor, "b n k 2"]:
    """Pixels to [-1, 1] from edge to edge of the picture."""
    sides = torch.tensor([size[1], size[0]], device=points.device)
    return (2 * points + 1) / sides - 1


def _affine_maps(
    corners: Float[Tensor, "b n 4 2"], places: Float[Tensor, "b n 4 2"], *, rows: int
) -> Float[Tensor, "b n 2 3"]:
    """The maps that bring corners to their places with the least squared error, over those that both poses show.

    Args:
        corners: of the parts in the target.
        places: in the source.
        rows: height of the picture: so much is a pixel's weight, by which a map keeps to the identity.
    """
    is_seen = (corners.isfinite() & places.isfinite()).all(dim=-1, keepdim=True)
    count = is_seen.sum(dim=2).clamp(min=1)
    corners, places = (torch.where(is_seen, points, 0.0) for points in (corners, places))
    middle, place = corners.sum(dim=2) / count, places.sum(dim=2) / count
    away, apart = ((points - mean[:, :, None]) * is_seen for points, mean in ((corners, middle), (places, place)))
    pixel = (2 / rows) ** 2
    eye = torch.eye(2, device=corners.device)
    # A (C C' + pixel) = P C' + pixel. The inverse by hand: an elimination fails where points lie extremely far apart,
    # as rounding makes the matrix singular. Its determinant cannot be less than the bound.
    square, moved = away.mT @ away + pixel * eye, apart.mT @ away + pixel * eye
    trace = square.diagonal(dim1=-2, dim2=-1).sum(dim=-1)[..., None, None]
    determinant = square[..., :1, :1] * square[..., 1:, 1:] - square[..., :1, 1:].square()
    linear = moved @ (trace * eye - square) / determinant.clamp(min=pixel * (trace - pixel))
    shift = place[..., None] - linear @ middle[..., None]
    maps = torch.cat([linear, shift], dim=-1)
    nowhere = torch.tensor([[0.0, 0.0, _OUTSIDE]] * 2, device=corners.device)
    return torch.where(is_seen.sum(dim=2)[..., None] >= 2, maps, nowhere)


def _inside(corners: Float[Tensor, "b n 4 2"], grid: Float[Tensor, "h w 2"]) -> Float[Tensor, "b n h w"]:
    """1 within the parallelograms of these corners, half a pixel around them included; 0 for those not seen."""
    origin = corners[:, :, 0]
    inside: Tensor | None = None
    for side in (corners[:, :, 1] - origin, corners[:, :, 3] - origin):
        length = side.norm(dim=-1, keepdim=True).clamp(min=1e-6)
        unit = side / length
        along = ((grid - origin[:, :, None, None]) * unit[:, :, None, None]).sum(dim=-1)
        within = (along >= -0.5) & (along <= length[..., None] + 0.5)
        inside = within if inside is None else inside & within
    assert inside is not None
    return inside.float()
