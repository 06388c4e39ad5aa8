"""Held-out pictures shared among the processes of a run, and what they found brought together."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed, nn

from limner.errors import ConfigError, LimnerError, TrainingError

Unit = TypeVar("Unit")
Found = TypeVar("Found")

BATCH = 8
"""Pictures of a batch of validation, whatever training's batch is: where pictures of a batch meet, as in an exchange of
looks, scores must depend neither on the size of batches nor on the number of processes."""

UNITS = 8
"""Units of work after which processes tell each other what they have found; so memory does not grow with the data."""

_LOST = ("gloo", "nccl", "connection closed by peer", "connection reset by peer")
"""What the libraries that carry tensors between processes say when one of them is gone."""


@contextmanager
def lost_peers_named(
    what: str = "training", remedy: str = "go on from the newest checkpoint with --resume auto"
) -> Iterator[None]:
    """Where several processes work together, the death of one becomes a sentence in the others.

    Args:
        what: they do.
        remedy: what helps.

    Raises:
        TrainingError: if another process is gone.
    """
    try:
        yield
    except RuntimeError as error:
        if not _is_shared() or not any(word in str(error).lower() for word in _LOST):
            raise
        raise TrainingError(
            f"Another process of this {what} is gone, killed or ended by an error of its own, so this one ends too; "
            f"{remedy}."
        ) from error


def count_of(variable: str, otherwise: int) -> int:
    """A number of processes or machines that torchrun has set in the environment.

    Raises:
        ConfigError: if it is none.
    """
    text = os.environ.get(variable)
    if text is None:
        return otherwise
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 1_000_000:
        raise ConfigError(
            f'The environment variable {variable} is "{text}"; torchrun sets it to a whole number of at least 1. '
            f"Unset it (env -u {variable} limner ...), or start with torchrun."
        )
    return int(text)


@contextmanager
def joined() -> Iterator[bool]:
    """Meet the other processes that torchrun started; yields whether this one is the first, who alone writes.

    Raises:
        ConfigError: if the environment names no processes that can meet.
    """
    if count_of("WORLD_SIZE", 1) == 1:
        yield True
        return
    try:
        distributed.init_process_group()  # gloo for what lies on the CPU, NCCL beside it where there are GPUs
    except ValueError as error:  # a variable is missing
        raise ConfigError(
            "The environment variable WORLD_SIZE asks for several processes, but what torchrun sets beside it is "
            "missing; start with torchrun, or unset it (env -u WORLD_SIZE limner ...)."
        ) from error
    try:
        yield distributed.get_rank() == 0
    finally:
        leave_group()


def leave_group() -> None:
    """End the process group while Python still runs, if there is one.

    Gloo's threads may hold tensors until then. Where Python is gone before them, the process aborts after all is done.
    A network that DistributedDataParallel wrapped keeps these threads beyond the end of their group, and on a busy
    machine they may not yet have had the interpreter's lock to drop the last message: the pause leaves it to them.
    """
    if distributed.is_available() and distributed.is_initialized():
        distributed.destroy_process_group()
        time.sleep(0.2)


def in_shares(work: Callable[[Unit], Found], units: Iterable[Unit]) -> Iterator[Found]:
    """`work` of every unit, in the order of the units; where there are several processes, each does its share of them.

    Every process gets everything, and must ask for everything. As units are whole whatever the number of processes is,
    numbers made of them are those of one process to the bit.

    Args:
        work: of one unit, such as a batch; what it finds lies on the CPU, and must not depend on earlier units.
        units: what there is to do, the same in every process.

    Raises:
        LimnerError: in all processes, if `work` raises one in any of them.
    """
    if not _is_shared():
        yield from map(work, units)
        return
    rank, world_size = distributed.get_rank(), distributed.get_world_size()
    rest = iter(units)
    while part := list(islice(rest, UNITS * world_size)):
        own: tuple[list[Found], LimnerError | None]
        try:
            own = [work(unit) for unit in part[rank::world_size]], None
        except LimnerError as error:
            own = [], error
        gathered: list[Any] = [None] * world_size
        with lost_peers_named("evaluation", "start it again"):
            distributed.all_gather_object(gathered, own)
        for _, fault in gathered:
            if fault is not None:
                raise fault
        yield from (gathered[place % world_size][0][place // world_size] for place in range(len(part)))


def of_the_first(make: Callable[[], Found]) -> Found:
    """What `make` returns in the first process, in all of them: for what depends on a machine's disk."""
    if not _is_shared():
        return make()
    found: list[Any] = [make() if distributed.get_rank() == 0 else None]
    distributed.broadcast_object_list(found, 0)
    made: Found = found[0]
    return made


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
