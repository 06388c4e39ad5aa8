"""Sample grids and quick scores of systems of pose transfer, for use during training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from limner.data.keypoints import LIMBS
from limner.data.points import polylines
from limner.metrics.color import to_lab

NUM_ROWS = 8
_BODY_WIDTH = 0.06  # of a limb, as a share of the height


def first_pairs(dataset: Any) -> list[Any]:
    """Up to `NUM_ROWS` items, evenly spread: the pairs that sample grids show."""
    step = max(1, len(dataset) // NUM_ROWS)
    return [dataset[index] for index in range(0, len(dataset), step)][:NUM_ROWS]


def pose_grid(columns: Sequence[Float[Tensor, "rows c h w"]]) -> Float[Tensor, "rows columns 3 h w"]:
    """A row a pair; maps of one channel become grey."""
    return torch.stack([column.float().expand(-1, 3, -1, -1).clamp(-1, 1) for column in columns], dim=1)


def body_mask(points: Float[Tensor, "b 18 2"], size: tuple[int, int]) -> Float[Tensor, "b 1 h w"]:
    """1 within reach of a limb, 0 elsewhere: where a person is, by the key points alone."""
    sigma = _BODY_WIDTH * size[0]
    return (polylines(points, [LIMBS], size, sigma=sigma) > 0.6).float()  # 0.6: one sigma


def person_l1(
    found: Float[Tensor, "b c h w"], truth: Float[Tensor, "b c h w"], points: Float[Tensor, "b 18 2"], *, weight: float
) -> Tensor:
    """Mean absolute difference, and `weight` times more where the person is (PG2's pose mask loss, Eq. 1).

    Args:
        found: pictures.
        truth: what they should be.
        points: of the persons in `truth`.
        weight: 0 counts all pixels alike; 1 is PG2's.
    """
    difference = (found - truth).abs()
    if weight == 0:
        return difference.mean()
    return difference.mean() + weight * (difference * body_mask(points, (truth.shape[2], truth.shape[3]))).mean()


def picture_scores(
    truth: Float[Tensor, "b 3 h w"], found: Float[Tensor, "b 3 h w"], points: Float[Tensor, "b 18 2"]
) -> dict[str, float]:
    """How far pictures are from the true ones, on the person and in colours as people see them.

    A mean difference of RGB values falls while every garment is grey, so lightness and colour are told apart.

    Args:
        truth: in [-1, 1].
        found: in [-1, 1].
        points: of the persons in `truth`.

    Returns:
        `l1`: difference of all values; `lightness_error`: of L* on the person; `chroma_error`: distance in (a*, b*) on
        the person; `error`: the two together (CIE76), which chooses the best checkpoint.
    """
    mask = body_mask(points, (truth.shape[2], truth.shape[3]))
    area = mask.sum().clamp(min=1)
    difference = (to_lab(truth) - to_lab(found)) * mask
    return {
        "l1": float((truth - found).abs().mean()),
        "lightness_error": float(difference[:, 0].abs().sum() / area),
        "chroma_error": float(difference[:, 1:].norm(dim=1).sum() / area),
        "error": float(difference.norm(dim=1).sum() / area),
    }
