"""First values of weights."""

from __future__ import annotations

from torch import nn

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
