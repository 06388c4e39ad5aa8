"""CAAE at its published sizes."""

from __future__ import annotations

import pytest
import torch

from limner.systems.caae.networks import (
    Encoder,
    Generator,
    ImageDiscriminator,
    LatentDiscriminator,
    Offset,
    signed_labels,
)


@pytest.mark.parametrize(
    ("network", "weights", "offsets"),
    [
        (Encoder(image_size=128), 18_234_034, 0),
        (Generator(image_size=128), 19_948_195, 0),
        (LatentDiscriminator(), 5_889, 112),
        (ImageDiscriminator(image_size=128), 8_676_897, 240),
    ],
    ids=["encoder", "generator", "latent", "image"],
)
def test_published_sizes(network: torch.nn.Module, weights: int, offsets: int) -> None:
    found = sum(module.bias.numel() for module in network.modules() if isinstance(module, Offset))
    assert found == offsets
    assert sum(p.numel() for p in network.parameters()) - found == weights


def test_shapes_at_another_size() -> None:
    z = Encoder(image_size=32, width=8)(torch.rand(2, 3, 32, 32))
    age, gender = signed_labels(torch.tensor([0, 9]), 10), signed_labels(torch.tensor([1, -1]), 2)
    image = Generator(image_size=32, width=8)(z, age, gender)
    assert z.shape == (2, 50) and z.abs().max() < 1
    assert image.shape == (2, 3, 32, 32) and image.abs().max() < 1
    assert ImageDiscriminator(image_size=32, width=8)(image, age, gender).shape == (2, 1)


def test_labels_are_signed_and_zero_where_unknown() -> None:
    assert signed_labels(torch.tensor([1, -1]), 2).tolist() == [[-1, 1], [0, 0]]


def test_offset_normalises_without_a_scale() -> None:
    norm = Offset(3)
    torch.nn.init.constant_(norm.bias, 2.0)
    out = norm(5 * torch.randn(64, 3, generator=torch.Generator().manual_seed(0)) + 7)
    torch.testing.assert_close(out.mean(0), torch.full((3,), 2.0))
    torch.testing.assert_close(out.var(0, correction=0), torch.ones(3), atol=1e-4, rtol=0)
