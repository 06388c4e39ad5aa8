"""Convolutions written for the width of vectors: the same function, and the network that they came from stays."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from limner.nn.vector_width import BlockConv2d, FilledConv2d, for_vectors


@pytest.mark.parametrize("kernel, padding", [(3, 1), (7, 3), (7, 0), ((3, 5), (1, 2))])
@pytest.mark.parametrize("outputs, bias", [(1, True), (3, True), (3, False)])
@pytest.mark.parametrize("size", [(16, 24), (15, 13)])
def test_few_outputs(kernel, padding, outputs, bias, size) -> None:
    """Odd sizes are no multiple of a block, and go the usual way."""
    torch.manual_seed(0)
    conv = nn.Conv2d(5, outputs, kernel, padding=padding, bias=bias)
    image = torch.randn(2, 5, *size)
    torch.testing.assert_close(BlockConv2d(conv)(image), conv(image), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("stride", [1, 2])
def test_filled_inputs(stride) -> None:
    torch.manual_seed(0)
    conv = nn.Conv2d(21, 6, 4, stride=stride, padding=1)
    filled, image = FilledConv2d(conv), torch.randn(2, 21, 12, 10)
    assert filled.get_buffer("filled").shape == (6, 32, 4, 4)
    torch.testing.assert_close(filled(image), conv(image), atol=1e-5, rtol=1e-5)


def test_only_what_gains_is_replaced() -> None:
    torch.manual_seed(0)
    cases: dict[str, tuple[nn.Conv2d, type]] = {
        "picture": (nn.Conv2d(32, 3, 7, padding=3), BlockConv2d),
        "inputs": (nn.Conv2d(42, 32, 3, padding=1), FilledConv2d),
        "fits": (nn.Conv2d(32, 32, 3, padding=1), nn.Conv2d),
        "one_by_one": (nn.Conv2d(32, 3, 1), nn.Conv2d),
        "strided": (nn.Conv2d(32, 3, 4, stride=2), nn.Conv2d),
        "reflected": (nn.Conv2d(42, 3, 3, padding=1, padding_mode="reflect"), nn.Conv2d),
        "dilated": (nn.Conv2d(42, 3, 3, padding="same", dilation=2), nn.Conv2d),
        "grouped": (nn.Conv2d(42, 42, 3, groups=3), nn.Conv2d),
    }
    network = nn.ModuleDict({name: nn.Sequential(conv) for name, (conv, _) in cases.items()})
    twin = for_vectors(network)
    for name, (conv, expected) in cases.items():
        assert type(twin[name][0]) is expected, name  # type: ignore[index]
        assert network[name][0] is conv  # type: ignore[index]
        image = torch.randn(1, conv.in_channels, 16, 16)
        torch.testing.assert_close(twin[name](image), network[name](image), atol=1e-5, rtol=1e-5)


def test_weights_of_a_subclass_are_not_touched() -> None:
    class Doubled(nn.Conv2d):
        def forward(self, input: torch.Tensor) -> torch.Tensor:
            return 2 * super().forward(input)

    network, image = nn.Sequential(Doubled(8, 3, 3)), torch.randn(1, 8, 10, 10)
    assert torch.equal(for_vectors(network)(image), network(image))
