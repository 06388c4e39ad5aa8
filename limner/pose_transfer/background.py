"""The photo's own background behind a newly drawn person: a step after the networks, ours, in no paper.

Networks of pose transfer paint the background anew in every picture, so that it has another colour than the photo's
and changes from pose to pose. Here the person is cut out of what was painted, by what differs from its smooth ground
and by the key points, and laid over the photo's background, which is filled in where the photo's person stood.

Every picture is treated alone, in levels of 0 to 255, so that one of a sequence is equal to the same one drawn singly.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from limner.data.keypoints import LIMBS, NAMES
from limner.data.points import polylines

FAINT, CLEAR = 12.0, 36.0
"""Levels by which a pixel differs from the ground: less is ground, more is person, in between both are seen."""
_CORE, _REACH, _FAR = 0.022, 0.06, 0.14
"""Width of limbs that are person whatever their colour, of bodies about their bones, and of hair and clothes beyond."""
_ROUNDS, _SPREAD = 6, 6.0  # of the fit of a ground; levels by which noise departs from it
_BUSY = 0.3
"""Difference beside the body, 0 to 1, from which on a picture has no smooth ground: nearly all rendered bodies
in studios have less, most photos of streets (Market-1501) more."""
_SIGMA = 0.6  # of a drawn line: one deviation from its middle
_HEAD, _SHIN = 0.5, 0.8  # lengths in those of a torso: from neck to nose, from hip to knee and from knee to ankle
_TORSO = 0.3  # of the picture's height, where the key points do not tell it


def keep_background(
    painted: Float[Tensor, "b 3 h w"],
    photo: Float[Tensor, "b 3 h w"],
    *,
    photo_points: NDArray[np.floating],
    points: NDArray[np.floating],
) -> Float[Tensor, "b 3 h w"]:
    """Newly drawn people in front of the background of their photos.

    Args:
        painted: what the networks made, in [-1, 1].
        photo: what they made it of, in [-1, 1].
        photo_points: (b, 18, 2) key points in the photo, in pixels, NaN where not seen.
        points: the same in what was painted.

    Returns:
        Pictures in [-1, 1] on the CPU; away from the person each pixel is the photo's own, or as it was filled in.
    """
    painted, photo = (((images.detach().float().cpu().clamp(-1, 1) + 1) * 127.5) for images in (painted, photo))
    found: list[Tensor] = []
    behind = photo[:0]
    for row in range(len(painted)):
        if not row or not (torch.equal(photo[row], photo[row - 1]) and _equal(*photo_points[row - 1 : row + 1])):
            behind = background_of(photo[row], photo_points[row])  # pictures of a sequence share one
        found.append(_laid_over(behind, painted[row], points[row]))
    return torch.stack(found) / 127.5 - 1


def background_of(photo: Float[Tensor, "3 h w"], points: NDArray[np.floating]) -> Float[Tensor, "3 h w"]:
    """A photo without its person: filled in where the person, by colour and key points, may be.

    Args:
        photo: levels of 0 to 255.
        points: (18, 2) key points in pixels, NaN where not seen.
    """
    size = (photo.shape[1], photo.shape[2])
    margin = _margin(size)
    person = _person(photo, smooth_ground(photo, points), points)[None]
    hole = functional.max_pool2d(person, 4 * margin + 1, 1, 2 * margin)[0, 0]
    return filled(photo, torch.maximum(hole, reach_of(points, size, grown_px=margin)) > 0)


def reach_of(points: NDArray[np.floating], size: tuple[int, int], *, grown_px: int = 0) -> Float[Tensor, "h w"]:
    """1 where a person may be by the key points, 0 elsewhere; head and legs that are not seen are taken to be there.

    Args:
        points: (18, 2) in pixels, NaN where not seen.
        size: height and width.
        grown_px: pixels by which it goes beyond the body.
    """
    mask = _limbs(points, size, _REACH)
    return functional.max_pool2d(mask[None, None], 2 * grown_px + 1, 1, grown_px)[0, 0]


def with_likely_joints(points: NDArray[np.floating], height: int) -> NDArray[np.float64]:
    """18 key points in which head, torso and legs have places, where nobody saw them: of somebody who stands upright.

    Arms that are not seen stay so, for they are mostly in front of the body or behind it.
    """
    found = np.array(points, dtype=np.float64)
    found[~np.isfinite(found).all(axis=1)] = np.nan
    joints = {name: found[number] for number, name in enumerate(NAMES)}  # rows, which are written to

    def middle(*names: str) -> NDArray[np.float64]:
        seen = [joints[name] for name in names if np.isfinite(joints[name]).all()]
        return np.mean(seen, axis=0) if seen else np.full(2, np.nan)

    def fill(name: str, place: NDArray[np.float64]) -> None:
        if not np.isfinite(joints[name]).all():
            joints[name][:] = place

    hips, top = middle("r_hip", "l_hip"), middle("neck", "r_shoulder", "l_shoulder")
    torso = hips - top if np.isfinite(hips - top).all() else np.array([0.0, _TORSO * height])
    top, hips = (np.where(np.isfinite(one), one, other) for one, other in ((top, hips - torso), (hips, top + torso)))
    fill("neck", top)
    fill("nose", joints["neck"] - _HEAD * torso)
    down = np.array([0.0, _SHIN * float(np.linalg.norm(torso))])
    for side in ("r", "l"):
        fill(f"{side}_shoulder", top)
        fill(f"{side}_hip", hips)
        fill(f"{side}_knee", joints[f"{side}_hip"] + down)
        fill(f"{side}_ankle", joints[f"{side}_knee"] + down)
    return found


def _laid_over(
    behind: Float[Tensor, "3 h w"], painted: Float[Tensor, "3 h w"], points: NDArray[np.floating]
) -> Float[Tensor, "3 h w"]:
    ground = smooth_ground(painted, points)
    matte = _person(painted, ground, points)
    # Gaps of a few pixels, between arm and body, say, are painted as well: a hard change there would show.
    reach = 2 * _margin((painted.shape[1], painted.shape[2])) + 1
    grown = functional.max_pool2d(matte[None], reach, 1, reach // 2)
    closed = -functional.max_pool2d(-grown, reach, 1, reach // 2)
    shown = torch.maximum(closed, functional.avg_pool2d(closed, 3, 1, 1, count_include_pad=False))[0]
    return behind + shown * (painted - ground + matte * (ground - behind))


def smooth_ground(image: Float[Tensor, "3 h w"], points: NDArray[np.floating]) -> Float[Tensor, "3 h w"]:
    """What is behind a person, as a surface of second order that most pixels away from the key points lie near to."""
    height, width = image.shape[1:]
    y, x = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
    basis = torch.stack([torch.ones_like(x), x, y, x * x, x * y, y * y]).flatten(1).double()
    values = image.flatten(1).double()
    away = (reach_of(points, (height, width)) == 0).flatten().double() + 1e-3  # of a person who fills the picture, too
    weights = away
    for _ in range(_ROUNDS):
        weighted = basis * weights
        surface = torch.linalg.solve(weighted @ basis.T, weighted @ values.T).T @ basis
        weights = away / (1 + ((values - surface).abs().amax(dim=0) / _SPREAD) ** 2)
    found: Tensor = surface.view_as(image).float()
    return found


def filled(image: Float[Tensor, "3 h w"], hole: Tensor) -> Float[Tensor, "3 h w"]:
    """A picture whose hole (h, w) is closed with its surroundings: from coarse pixels to fine ones, then evened out."""
    if bool(hole.all()):
        return image
    known = (~hole).float()[None]
    found = _from_coarse(image * known, known)
    for _ in range(2 * max(hole.shape)):
        around = functional.avg_pool2d(functional.pad(found[None], (1, 1, 1, 1), mode="replicate"), 3, 1)[0]
        found = torch.where(hole, around, image)
    return found


def _from_coarse(total: Tensor, known: Tensor) -> Tensor:
    """Weighted sums -> means; where no pixel is known, that of a picture of half the size."""
    if min(total.shape[1:]) < 2 or bool((known > 0).all()):
        return total / known.clamp(min=1e-6)
    halves = [functional.avg_pool2d(one[None], 2, ceil_mode=True)[0] for one in (total, known)]
    coarse = functional.interpolate(_from_coarse(*halves)[None], size=total.shape[1:], mode="bilinear")[0]
    return torch.where(known > 0, total / known.clamp(min=1e-6), coarse)


def _person(
    image: Float[Tensor, "3 h w"], ground: Float[Tensor, "3 h w"], points: NDArray[np.floating]
) -> Float[Tensor, "1 h w"]:
    """How far each pixel is of the person, 0 to 1: other than the ground, and joined to the body by such pixels.

    Where the ground is not smooth, as in a street, colours tell nobody apart, and the key points alone say it.
    """
    size, body = (image.shape[1], image.shape[2]), reach_of(points, (image.shape[1], image.shape[2]))[None]
    share = (((image - ground).abs().amax(dim=0) - FAINT) / (CLEAR - FAINT)).clamp(0, 1)[None]
    if bool((body == 0).any()) and float(share[body == 0].mean()) > _BUSY:
        return body
    for _ in range(math.ceil(_FAR * size[0])):
        body = torch.maximum(body, torch.minimum(share, functional.max_pool2d(body[None], 3, 1, 1)[0]))
    return torch.maximum(torch.minimum(share, body), _limbs(points, size, _CORE, is_complete=False)[None])


def _limbs(
    points: NDArray[np.floating], size: tuple[int, int], width: float, *, is_complete: bool = True
) -> Float[Tensor, "h w"]:
    """1 within `width` (as a share of the height) of a limb."""
    joints = with_likely_joints(points, size[0]) if is_complete else points
    lines = polylines(torch.from_numpy(np.array(joints[None], np.float32)), [LIMBS], size, sigma=width * size[0])
    return (lines[0, 0] > _SIGMA).float()


def _margin(size: tuple[int, int]) -> int:
    """Pixels by which edges of a person are soft."""
    return max(1, round(size[0] / 32))


def _equal(first: NDArray[np.floating], second: NDArray[np.floating]) -> bool:
    return np.array_equal(first, second, equal_nan=True)
