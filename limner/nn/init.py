"""First values of weights."""

from __future__ import annotations

import contextlib
from collections.abc import Container, Iterator
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

_WEIGHTED = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)


def init_normal(network: nn.Module, *, std: float = 0.02) -> None:
    """Weights from N(0, std²), scales of norms from N(1, std²), biases 0 (DCGAN's, arXiv:1511.06434)."""
    for module in network.modules():
        if isinstance(module, _WEIGHTED):
            nn.init.normal_(module.weight, 0.0, std)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.BatchNorm2d | nn.InstanceNorm2d) and module.affine:
            nn.init.normal_(module.weight, 1.0, std)
            nn.init.zeros_(module.bias)


def init_xavier_normal(network: nn.Module, *, gain: float) -> None:
    """Weights from a normal distribution by Xavier's rule, scaled by `gain`; biases 0."""
    for module in network.modules():
        if isinstance(module, _WEIGHTED):
            nn.init.xavier_normal_(module.weight, gain=gain)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def init_he(network: nn.Module, *, but: Container[nn.Module] = ()) -> None:
    """Weights from N(0, 2 / inputs), so that a signal keeps its strength from layer to layer; biases 0.

    He, Zhang, Ren, Sun: "Delving Deep into Rectifiers", ICCV 2015, arXiv:1502.01852, Eq. 10.

    Args:
        network: is changed.
        but: layers of it that stay as they are.
    """
    for module in network.modules():
        if isinstance(module, _WEIGHTED) and module not in but:
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)


class _Unfilled(TorchFunctionMode):
    """Random numbers that tensors without memory are filled with are not asked for."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if getattr(func, "__name__", "") in ("normal_", "uniform_"):
            filled = args[0] if args else kwargs["tensor"]
            if filled.is_meta:
                return filled
        return func(*args, **kwargs)


@contextlib.contextmanager
def without_values() -> Iterator[None]:
    """Build networks whose values come from a file: without memory, and without first values.

    Normal numbers on the device "meta" would load PyTorch's compiler, 80 MB and some seconds, for nothing.
    """
    with torch.device("meta"), _Unfilled():
        yield
