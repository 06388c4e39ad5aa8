"""Exponential moving average of weights, with a half-life in images so that the batch size does not change it."""

from __future__ import annotations

import copy

import torch
from torch import nn


class ExponentialAverage:
    """A frozen copy of `module` whose parameters follow it; buffers are copied. Lives outside DDP."""

    def __init__(self, module: nn.Module, *, half_life: float) -> None:
        self.module = copy.deepcopy(module).eval().requires_grad_(False)
        self.half_life = half_life

    @torch.no_grad()
    def update(self, source: nn.Module, *, num_images: int) -> None:
        """Move towards `source` by the share that `num_images` images weigh: 1 - 0.5 ** (num_images / half_life)."""
        weight = 1 - 0.5 ** (num_images / self.half_life)
        torch._foreach_lerp_(list(self.module.parameters()), list(source.parameters()), weight)
        for mine, theirs in zip(self.module.buffers(), source.buffers(), strict=True):
            mine.copy_(theirs)
