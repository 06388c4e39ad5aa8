"""Normalisation that a label map modulates: Park et al., CVPR 2019, arXiv:1903.07291, Sec. 3.1."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional


class MapModulation(nn.Module):
    """x * (1 + gamma(m)) + beta(m), with gamma and beta from two convolutions over the label map m.

    Args:
        channels: of x.
        num_classes: channels of the label map.
        hidden: channels between the two convolutions (128 in the paper).
    """

    def __init__(self, channels: int, *, num_classes: int, hidden: int = 128) -> None:
        super().__init__()
        self.shared = nn.Conv2d(num_classes, hidden, 3, padding=1)
        self.gamma = nn.Conv2d(hidden, channels, 3, padding=1)
        self.beta = nn.Conv2d(hidden, channels, 3, padding=1)

    def forward(self, x: Float[Tensor, "b c h w"], one_hot: Float[Tensor, "b n h2 w2"]) -> Float[Tensor, "b c h w"]:
        """The label map may have any size."""
        hidden = functional.relu(self.shared(functional.interpolate(one_hot, size=x.shape[-2:], mode="nearest")))
        return x * (1 + self.gamma(hidden)) + self.beta(hidden)


class SPADE(MapModulation):
    """`MapModulation` of a batch-normalised x; the arguments are the same."""

    def __init__(self, channels: int, *, num_classes: int, hidden: int = 128) -> None:
        super().__init__(channels, num_classes=num_classes, hidden=hidden)
        self.norm = SyncBatchNorm(channels)

    def forward(self, x: Float[Tensor, "b c h w"], one_hot: Float[Tensor, "b n h2 w2"]) -> Float[Tensor, "b c h w"]:
        """The label map may have any size."""
        return super().forward(self.norm(x), one_hot)


class SyncBatchNorm(nn.Module):
    """Batch norm without scale and shift, over the batches of all processes; PyTorch's own needs a GPU."""

    mean: Tensor
    var: Tensor
    EPS = 1e-5
    MOMENTUM = 0.1  # share of the new batch in the stored statistics

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("var", torch.ones(channels))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        if self.training and torch.distributed.is_initialized() and torch.distributed.get_world_size() > 1:
            return self._synchronised(x)
        return functional.batch_norm(
            x, self.mean, self.var, training=self.training, momentum=self.MOMENTUM, eps=self.EPS
        )

    def _synchronised(self, x: Tensor) -> Tensor:
        values = x.float()
        count = values.numel() // values.shape[1] * torch.distributed.get_world_size()
        mean: Tensor = _SumOverProcesses.apply(values.sum((0, 2, 3))) / count
        centred = values - mean[:, None, None]
        var: Tensor = _SumOverProcesses.apply(centred.square().sum((0, 2, 3))) / count
        with torch.no_grad():
            self.mean.lerp_(mean, self.MOMENTUM)
            self.var.lerp_(var * count / (count - 1), self.MOMENTUM)
        return (centred * (var + self.EPS).rsqrt()[:, None, None]).to(x.dtype)


class _SumOverProcesses(torch.autograd.Function):
    """A sum over all processes; its gradient is the sum of their gradients."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        total = x.clone()
        torch.distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        total = gradient.clone()
        torch.distributed.all_reduce(total)
        return total
