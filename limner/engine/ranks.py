"""Held-out pictures shared among the processes of a run, and what they found brought together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, distributed, nn

from limner.errors import TrainingError

BATCH = 8
"""Pictures of a batch of validation, whatever training's batch is: where pictures of a batch meet, as in an exchange of
looks, scores must depend neither on the size of batches nor on the number of processes."""


_LOST = ("gloo", "nccl", "connection closed by peer", "connection reset by peer")
"""What the libraries that carry tensors between processes say when one of them is gone."""


@contextmanager
def lost_peers_named() -> Iterator[None]:
    """Where several processes train together, the death of one becomes a sentence in the others.

    Raises:
        TrainingError: if another process is gone.
    """
    try:
        yield
    except RuntimeError as error:
        if not _is_shared() or not any(word in str(error).lower() for word in _LOST):
            raise
        raise TrainingError(
            "Another process of this training is gone, killed or ended by an error of its own, so this one ends too; "
            "go on from the newest checkpoint with --resume auto."
        ) from error


def own_batches(num: int, *, rank: int, world_size: int) -> list[list[int]]:
    """The batches of `num` pictures that this process scores: whole ones, in order, rank after rank."""
    batches = [list(range(first, min(first + BATCH, num))) for first in range(0, num, BATCH)]
    return batches[rank * len(batches) // world_size : (rank + 1) * len(batches) // world_size]


def gather_rows(parts: Sequence[Tensor]) -> Tensor:
    """The rows that all processes have found, in the order of the pictures, on the CPU of every process.

    Args:
        parts: tensors of this process whose first axis are pictures; none if it had none.
    """
    own = torch.cat([part.cpu() for part in parts]) if parts else None
    if not _is_shared():
        if own is None:
            raise ValueError("there are no rows")
        return own
    found: list[Tensor | None] = [None] * distributed.get_world_size()
    distributed.all_gather_object(found, own)
    return torch.cat([rows for rows in found if rows is not None])


def gather_named(parts: Mapping[str, Sequence[Tensor]]) -> dict[str, Tensor]:
    """`gather_rows` of several things at once, of which a process may have found only some."""
    own = {name: torch.cat([part.cpu() for part in rows]) for name, rows in parts.items()}
    if not _is_shared():
        return own
    found: list[dict[str, Tensor]] = [{}] * distributed.get_world_size()
    distributed.all_gather_object(found, own)
    names = dict.fromkeys(name for part in found for name in part)
    return {name: torch.cat([part[name] for part in found if name in part]) for name in names}


def _is_shared() -> bool:
    return distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1


def share_buffers(networks: Iterable[nn.Module]) -> None:
    """Give every process the buffers of the first, as its checkpoint has them: running means differ between them."""
    if not _is_shared():
        return
    for network in networks:
        for buffer in network.buffers():
            shared = buffer.contiguous()
            distributed.broadcast(shared, 0)
            buffer.copy_(shared)
