"""Sizes of the networks to the unit, their shapes, and what their parts promise."""

from __future__ import annotations

import pytest
import torch

from limner.systems.painter.networks import (
    Actor,
    AttentionNetwork,
    Critic,
    Discriminator,
    Renderer,
    TReLU,
    WeightNormConv2d,
    fingerprint,
)


@pytest.mark.parametrize(
    ("network", "parameters"),
    [
        (Renderer, 11_040_812),
        (lambda: Actor(in_channels=9), 11_209_857),
        (Actor, 11_211_009),
        (lambda: Critic(in_channels=12), 11_178_770),
        (Critic, 11_179_922),
        (Discriminator, 274_886),
        (AttentionNetwork, 1_948_289),
    ],
)
def test_parameters_of_the_paper(network, parameters: int) -> None:
    assert sum(p.numel() for p in network().parameters()) == parameters


@pytest.mark.parametrize("size", [32, 64, 128])
def test_shapes_at_every_size(size: int) -> None:
    with torch.no_grad():
        action = Actor(width=8)(torch.rand(2, 11, size, size))
        assert action.shape == (2, 65) and action.min() > 0 and action.max() < 1
        assert Critic(width=8)(torch.rand(2, 14, size, size)).shape == (2, 1)
        assert Discriminator(width=4)(torch.rand(2, 3, size, size), torch.rand(2, 3, size, size)).shape == (2, 1)
        assert AttentionNetwork(width=4)(torch.rand(2, 3, size, size)).shape == (2, 1, size, size)
        alpha = Renderer(image_size=size, widths=(16, 16, 16, (size // 8) ** 2))(torch.rand(3, 10))
        assert alpha.shape == (3, 1, size, size) and alpha.min() >= 0 and alpha.max() <= 1


def test_weight_norm_separates_length_from_direction() -> None:
    torch.manual_seed(0)
    conv, x = WeightNormConv2d(3, 4, 3, padding=1), torch.rand(1, 3, 8, 8)
    before = conv(x)
    with torch.no_grad():
        conv.weight_v.mul_(7)
        torch.testing.assert_close(conv(x), before)
        conv.weight_g.mul_(2)
    bias = conv.bias[None, :, None, None]
    torch.testing.assert_close(conv(x) - bias, 2 * (before - bias))


def test_translated_relu() -> None:
    relu = TReLU()
    relu.alpha.data.fill_(-0.5)
    torch.testing.assert_close(relu(torch.tensor([-2.0, 0.0, 1.0])), torch.tensor([-0.5, 0.0, 1.0]))


def test_fingerprint_survives_half_precision_and_nothing_else() -> None:
    torch.manual_seed(0)
    renderer = Renderer(image_size=32, widths=(8, 8, 8, 16))
    first = fingerprint(renderer)
    for parameter in renderer.parameters():
        parameter.data = parameter.data.half().float()
    assert fingerprint(renderer) == first
    renderer.fc1.bias.data += 1
    assert fingerprint(renderer) != first
