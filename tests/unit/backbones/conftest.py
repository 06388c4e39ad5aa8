"""Networks with known weights, and their files."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn


def fixed_state(network: nn.Module) -> dict[str, Tensor]:
    """Weights that keep the size of activations, the same everywhere; the order is that of the network's tensors."""
    random = torch.Generator().manual_seed(0)
    state = {}
    for name, tensor in network.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        noise = torch.rand(tensor.shape, generator=random, dtype=torch.float64, device="cpu") * 2 - 1
        if name.endswith(("running_var", "bn.weight")):
            noise = 1 + 0.5 * noise
        elif tensor.ndim > 1:
            noise = noise * math.sqrt(6 / tensor[0].numel())
        else:
            noise = 0.1 * noise
        state[name] = noise.float()
    return state


@pytest.fixture(scope="session")
def make_state() -> Callable[[nn.Module], dict[str, Tensor]]:
    """`fixed_state` itself."""
    return fixed_state
