"""The optimisers of a system's networks, said once."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn
from torch.optim import Adam, Optimizer


def adam(
    networks: Mapping[str, nn.Module],
    rates: Mapping[str, float],
    *,
    betas: tuple[float, float],
    weight_decay: float = 0.0,
    fused: bool | None = True,
) -> dict[str, Optimizer]:
    """One Adam for each network that `rates` names, at its learning rate.

    Args:
        networks: all of a system.
        rates: network -> learning rate.
        betas: decay of the first and the second moment.
        weight_decay: L2 penalty, as Adam's own.
        fused: one kernel for all parameters, with other roundings; None: torch's own choice.
    """
    return {
        name: Adam(networks[name].parameters(), lr=lr, betas=betas, weight_decay=weight_decay, fused=fused)
        for name, lr in rates.items()
    }
