"""Random numbers as a function of (seed, purpose, counters): nothing to save or restore, the same on every rank."""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor


def derive_seed(seed: int, *keys: int | str) -> int:
    """A 63-bit seed for one purpose, independent of every other purpose and counter."""
    digest = hashlib.sha256(repr((seed, *keys)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


def picture_noise(index: Tensor, *shape: int, purpose: str, uniform: bool = False) -> Tensor:
    """Noise of held-out pictures that depends on each one's index alone, not on its batch or process.

    Args:
        index: (b,), as in the batch.
        shape: of one picture's noise.
        purpose: of the noise.
        uniform: U(0, 1) in place of N(0, 1).

    Returns:
        (b, *shape) on the device of `index`.
    """
    draw = torch.rand if uniform else torch.randn
    rows = [draw(*shape, generator=generator(1, purpose, number)) for number in index.tolist()]
    return torch.stack(rows).to(index.device)


def generator(seed: int, *keys: int | str) -> torch.Generator:
    """A CPU generator seeded with `derive_seed(seed, *keys)`."""
    return torch.Generator().manual_seed(derive_seed(seed, *keys))
