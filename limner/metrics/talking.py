"""Scores of talking faces: landmarks of the mouth, its opening, synchrony of mouth and speech, and a PSNR that wraps.

Points of a mouth are the 20 of iBUG from 48 on, positions (x, y).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from limner.errors import ShapeError

UPPER, LOWER = 62 - 48, 66 - 48
"""Middles of the inner lips among the points of the mouth."""
MAX_LAG = 10
"""Frames that a mouth may be early or late in `best_lag`."""
UNIFORM = 7
"""Side of a window of `ssim_uniform`."""
SHIFTS = 15
"""Frames that speech is moved either way for LSE (joonson/syncnet_python)."""

Values = npt.NDArray[np.float64]


def mouth_opening(points: Float[Tensor, "*any 20 2"]) -> Float[Tensor, "*any"]:
    """Distance of the inner lips, in the unit of the points."""
    return (points[..., UPPER, :] - points[..., LOWER, :]).square().sum(dim=-1).sqrt()


def landmark_distance(found: Float[Tensor, "f 20 2"], true: Float[Tensor, "f 20 2"]) -> Float[Tensor, " f"]:
    """LMD of each frame: both mouths moved to their middles, then the mean distance of their 20 points.

    The formula of Chen et al. (ECCV 2018); the code of ATVGnet adds the 20 distances up, which is 20 times as much.
    Neither turn nor size is taken out.
    """
    first, second = (points - points.mean(dim=1, keepdim=True) for points in (found, true))
    return (first - second).square().sum(dim=2).sqrt().mean(dim=1)


def correlation(first: npt.ArrayLike, second: npt.ArrayLike) -> float:
    """Pearson's correlation; NaN where one of the two does not change.

    Raises:
        ShapeError: if they are of two lengths.
    """
    a, b = (np.asarray(values, dtype=np.float64) for values in (first, second))
    if a.shape != b.shape or a.ndim != 1:
        raise ShapeError(f"Two rows of one length are compared, not {a.shape} and {b.shape}.")
    a, b = a - a.mean(), b - b.mean()
    size = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return float((a * b).sum() / size) if size > 1e-12 else float("nan")


def best_lag(found: npt.ArrayLike, true: npt.ArrayLike, *, most: int = MAX_LAG) -> tuple[float, int]:
    """The largest correlation over shifts of up to `most` frames, and the shift: above 0, `found` is late."""
    a, b = (np.asarray(values, dtype=np.float64) for values in (found, true))
    best = (float("nan"), 0)
    for lag in sorted(range(-most, most + 1), key=abs):
        one, other = (a[lag:], b[: len(b) - lag]) if lag >= 0 else (a[:lag], b[-lag:])
        if len(one) >= 3:
            value = correlation(one, other)
            if np.isfinite(value) and not best[0] >= value:
                best = (value, lag)
    return best


class Synchrony(NamedTuple):
    """How mouth and speech of a clip belong together."""

    distance: float
    """LSE-D: the smallest mean distance of codes over all shifts; 0 to 2."""
    confidence: float
    """LSE-C: the median over shifts less the smallest."""
    offset: int
    """Frames by which the speech is late."""


def synchrony(face: Float[Tensor, "f e"], speech: Float[Tensor, "f e"], *, most: int = SHIFTS) -> Synchrony:
    """LSE of a clip from the codes of its frames and of what is heard at them.

    Chung, Zisserman: "Out of time: automated lip sync in the wild", 2016; Prajwal et al., arXiv:2008.10010, Sec. 4.2.
    Where the speech would be moved beyond the clip, its ends are repeated; short clips are moved by half their length
    at most.
    """
    num = len(face)
    most = min(most, num // 2)
    places = torch.arange(num, device=face.device)
    shifts = range(-most, most + 1)
    means = [float((face - speech[(places + shift).clamp(0, num - 1)]).norm(dim=1).mean()) for shift in shifts]
    smallest = int(np.argmin(means))
    return Synchrony(means[smallest], float(np.median(means)) - means[smallest], smallest - most)


def ssim_uniform(found: npt.NDArray[np.uint8], true: npt.NDArray[np.uint8]) -> float:
    """SSIM as scikit-image's defaults have it for byte pictures: uniform windows of 7 pixels, unbiased variances.

    Windows that would reach beyond the border are left out; channels count alike; data range 255.

    Args:
        found: (h, w, 3) RGB.
        true: the same.

    Raises:
        ShapeError: if shapes or types differ, or they are smaller than a window.
    """
    if found.shape != true.shape or found.ndim != 3 or found.dtype != np.uint8 or true.dtype != np.uint8:
        raise ShapeError(
            f"ssim_uniform compares uint8 pictures (h, w, 3) of one shape, not {found.dtype} {found.shape} and "
            f"{true.dtype} {true.shape}."
        )
    if min(found.shape[:2]) < UNIFORM:
        raise ShapeError(f"ssim_uniform needs {UNIFORM} pixels along each edge, not {found.shape[:2]}.")
    a, b = (torch.from_numpy(one.copy()).double().permute(2, 0, 1)[None] for one in (found, true))
    means = [functional.avg_pool2d(one, UNIFORM, stride=1) for one in (a, b, a * a, b * b, a * b)]
    unbiased = UNIFORM**2 / (UNIFORM**2 - 1)
    spread_a, spread_b = (unbiased * (means[2 + k] - means[k].square()) for k in range(2))
    both = unbiased * (means[4] - means[0] * means[1])
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    light = (2 * means[0] * means[1] + c1) / (means[0].square() + means[1].square() + c1)
    return float((light * (2 * both + c2) / (spread_a + spread_b + c2)).mean())


def psnr_grey(found: npt.NDArray[np.uint8], true: npt.NDArray[np.uint8]) -> float:
    """PSNR of the brightness (ITU-R 601) of two RGB pictures (h, w, 3), in dB; infinite where they are equal.

    Raises:
        ShapeError: if shapes or types differ.
    """
    if found.shape != true.shape or found.shape[-1:] != (3,) or found.dtype != np.uint8 or true.dtype != np.uint8:
        raise ShapeError(
            f"psnr_grey compares uint8 pictures (h, w, 3) of one shape, not {found.dtype} {found.shape} and "
            f"{true.dtype} {true.shape}."
        )
    grey = [np.round(one @ np.array([0.299, 0.587, 0.114])) for one in (found, true)]
    mean = float(np.square(grey[0] - grey[1]).mean())
    return float("inf") if mean == 0 else float(10 * np.log10(255.0**2 / mean))


def psnr_u8wrap(found: npt.NDArray[np.uint8], true: npt.NDArray[np.uint8]) -> float:
    """PSNR as in a script beside ATVGnet, whose differences of bytes wrap at 256: not a PSNR, for comparison alone.

    Differences are taken and squared in eight bits, so that a difference of 16 counts as none. Two pictures of noise
    have about 28 dB here and 8 in truth. Equal pictures have 100.

    Args:
        found: grey or RGB pictures of any shape.
        true: of the same shape.

    Raises:
        ShapeError: if shapes or types differ.
    """
    if found.shape != true.shape or found.dtype != np.uint8 or true.dtype != np.uint8:
        raise ShapeError(
            f"psnr_u8wrap compares uint8 pictures of one shape, not {found.dtype} {found.shape} and {true.dtype} "
            f"{true.shape}."
        )
    wrapped = found - true
    mean = float((wrapped * wrapped).mean())
    return 100.0 if mean == 0 else float(10 * np.log10(255.0**2 / mean))


def unsteadiness(frames: Float[Tensor, "f c h w"]) -> float:
    """Mean absolute second difference in time: 0 where pixels change evenly, high where they flicker; NaN below three.

    Args:
        frames: of a clip, or a box of them, any range; the result is in the same unit.
    """
    if len(frames) < 3:
        return float("nan")
    return float((frames[2:] - 2 * frames[1:-1] + frames[:-2]).abs().mean())


MIN_CLOSURES = 2
"""Frames with closed lips below which a clip says nothing of them."""


def closure_share(opening: npt.ArrayLike, closed: npt.ArrayLike) -> float:
    """How far a mouth is open where its lips should touch, as a share of how far it is elsewhere.

    Args:
        opening: (f,) of any unit.
        closed: (f,) whether p, b or m is heard.

    Returns:
        0 where the lips touch on every one of them, 1 where the mouth does not know of them; NaN where there are too
        few frames of either kind, or the mouth never opens.
    """
    values, where = np.asarray(opening, np.float64), np.asarray(closed, bool)
    if where.sum() < MIN_CLOSURES or (~where).sum() < MIN_CLOSURES or values[~where].mean() <= 0:
        return float("nan")
    return float(values[where].mean() / values[~where].mean())
