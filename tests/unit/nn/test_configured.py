"""Networks that know what they were built with."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Sequence

import pytest
import torch
from torch import nn

from limner.nn.configured import Configured


class Small(Configured):
    """One layer."""

    def __init__(self, inputs: int, *, widths: Sequence[int] = (3, 2), bias: bool = True) -> None:
        super().__init__()
        self.layers = nn.Linear(inputs, widths[0], bias=bias)


def test_arguments_are_kept_with_defaults_in_plain_values() -> None:
    assert Small(4).config == {"inputs": 4, "widths": [3, 2], "bias": True}
    network = Small(inputs=4, widths=(7,), bias=False)
    assert network.config == {"inputs": 4, "widths": [7], "bias": False}
    again = Small(**network.config)
    assert again.config == network.config and again.layers.weight.shape == network.layers.weight.shape


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda network: pickle.loads(pickle.dumps(network))])
def test_copies_have_the_arguments_of_their_original(copied) -> None:
    network = Small(4, bias=False)
    twin = copied(network)
    assert twin.config == network.config and twin.config is not network.config
    assert torch.equal(twin.layers.weight, network.layers.weight)


def test_a_missing_argument_is_said_by_the_constructor() -> None:
    with pytest.raises(TypeError, match="inputs"):
        Small(bias=False)
