"""Which captions and pictures of a set fit together, by their codes and by what is known of both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from limner.engine.ranks import gather_rows
from limner.text_to_image.data import CaptionedBatch


@dataclass(frozen=True, eq=False)
class Known:
    """What is known of the rows of a set and of one caption of each; see `CaptionedBatch`."""

    category: Int64[Tensor, " n"]
    known: Float[Tensor, "n m"]
    allowed: Float[Tensor, "n m"]
    num_stated: Float[Tensor, " n"]

    def true_of(self, picture: int) -> npt.NDArray[np.bool_]:
        """(n,) which captions are true of a picture."""
        by_facts = self.allowed @ self.known[picture] >= self.num_stated - 0.5
        same = self.category == self.category[picture]
        return np.asarray((same | ((self.num_stated > 0) & by_facts)).numpy())


def gathered(batches: Iterable[CaptionedBatch], codes: Callable[[CaptionedBatch], dict[str, Tensor]]) -> dict[str, Any]:
    """Codes of all batches of a validation, over all processes, and `Known` under "known".

    Args:
        batches: of this process.
        codes: batch -> tensors whose first axis is the batch, by name.
    """
    return columns((coded(batch, codes) for batch in batches), join=gather_rows)


def coded(batch: CaptionedBatch, codes: Callable[[CaptionedBatch], dict[str, Tensor]]) -> dict[str, Tensor]:
    """Codes of a batch and what is known of its captions, on the CPU."""
    known = {f"known/{name}": getattr(batch, name) for name in ("category", "known", "allowed", "num_stated")}
    found = {**codes(batch), **known}
    return {name: (rows.float() if rows.is_floating_point() else rows).cpu() for name, rows in found.items()}


def columns(
    batches: Iterable[Mapping[str, Tensor]], *, join: Callable[[list[Tensor]], Tensor] = torch.cat
) -> dict[str, Any]:
    """What `coded` found in several batches, joined, and `Known` under "known"."""
    parts: dict[str, list[Tensor]] = {}
    for batch in batches:
        for name, rows in batch.items():
            parts.setdefault(name, []).append(rows)
    found: dict[str, Any] = {name: join(rows) for name, rows in parts.items()}
    known = Known(*(found.pop(f"known/{name}") for name in ("category", "known", "allowed", "num_stated")))
    return {**found, "known": known}
