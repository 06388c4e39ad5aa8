"""Training that does not fit into memory, in one sentence with what helps. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from limner.errors import TrainingError

_TEXTS = ("can't allocate memory", "out of memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether Python, the CPU's or the GPU's allocator gave up; torch has an exception of its own for the last only."""
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(text in str(error) for text in _TEXTS)
    )


@contextmanager
def memory_named(config: Any) -> Iterator[None]:
    """Where a training runs out of memory, say which three options help and what they cost.

    Args:
        config: of the system, with the section `train`.

    Raises:
        TrainingError: if memory runs out.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise TrainingError(f"There is not enough memory for this training: {'; '.join(remedies(config))}.") from error


def remedies(config: Any) -> list[str]:
    """The first three that can still be taken, the cheapest first."""
    train, found = config.train, []
    own = train.batch_size // (train.devices * train.num_nodes * train.accumulate)
    parts = next((parts for parts in range(2, own + 1) if own % parts == 0), None)
    if parts is not None:
        found.append(
            f"--train.accumulate {train.accumulate * parts} holds {own // parts} pictures at a time in place of {own}, "
            "for a little time and batch statistics of fewer pictures"
        )
    if train.precision != "bf16-mixed":
        found.append(
            "--train.precision bf16-mixed halves what layers keep, for roundings, and for much time where the hardware "
            "has no bfloat16"
        )
    if train.batch_size > 1:
        found.append(
            f"--train.batch_size {train.batch_size // 2} takes half of the pictures, for another training with more "
            "and noisier updates"
        )
    found += [
        "--model.image_size halved takes a quarter of the layers' memory, for pictures of a quarter of the pixels",
        "--model.width halved, where there is one, takes half of the layers' memory and a quarter of the weights', for "
        "a network that can learn less",
        "--train.num_workers 0 keeps one copy of the data set in memory, for waiting while pictures are decoded",
    ]
    return found[:3]
