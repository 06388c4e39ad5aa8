"""Sample grids and quick scores of talking faces, for use during training."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from jaxtyping import Float
from torch import Tensor

from limner.data.spoken import ClipBatch
from limner.engine.ranks import gather_rows
from limner.talking_faces.data import MOUTH_BOX

NUM_SHOWN = 6
"""Clips of a sample grid."""


def mouth_mask(size: int, like: Tensor) -> Float[Tensor, "1 h w"]:
    """1 in the mouth's box, 0 elsewhere."""
    left, top, right, bottom = (round(share * size) for share in MOUTH_BOX)
    mask = torch.zeros(1, size, size, device=like.device)
    mask[:, top:bottom, left:right] = 1
    return mask


def frame_scores(
    pairs: Iterable[tuple[ClipBatch, Float[Tensor, "b f 3 h w"]]],
) -> dict[str, float]:
    """Differences of made frames: `mouth_error` in the mouth's box, as a share of the still photo's; `l1` of all."""
    rows = []
    for batch, made in pairs:
        mouth = mouth_mask(batch.photo.shape[-1], batch.photo)
        wrong, still = (made - batch.frames).abs(), (batch.photo[:, None] - batch.frames).abs()
        columns = [*((one * mouth).mean(dim=(1, 2, 3, 4)) for one in (wrong, still)), wrong.mean(dim=(1, 2, 3, 4))]
        rows.append(torch.stack(columns, dim=1))
    found = gather_rows(rows).double().mean(dim=0)
    return {"mouth_error": float(found[0] / found[1].clamp(min=1e-9)), "l1": float(found[2])}


def frame_grid(batch: ClipBatch, made: Float[Tensor, "b f 3 h w"]) -> Float[Tensor, "rows columns 3 h w"]:
    """A row a clip: photo, then true and made frames of three moments."""
    columns, count = [batch.photo], made.shape[1]
    for moment in sorted({0, count // 2, count - 1}):
        columns += [batch.frames[:, moment], made[:, moment]]
    return torch.stack([column.float() for column in columns], dim=1)
