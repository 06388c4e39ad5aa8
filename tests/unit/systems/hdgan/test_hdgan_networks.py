"""Sizes of HDGAN, its three pictures, and that pictures of wrong pairs count as real ones."""

from __future__ import annotations

import pytest
import torch

from limner.systems.hdgan.networks import Discriminator, Generator, scale_channels
from limner.systems.hdgan.system import squared


def count(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_numbers_of_parameters() -> None:
    with torch.device("meta"):
        assert count(Generator()) == 41_378_496  # 41.378 M in the published code
        sizes = ((64, 128), (128, 64), (256, 32))
        found = [count(Discriminator(image_size=size, width=width)) for size, width in sizes]
    assert found == [8_504_066, 8_576_194, 8_593_826]
    assert sum(found) == pytest.approx(25.694e6, rel=1e-3)
    assert scale_channels(256, 64) == [1024, 512, 512, 256, 256, 128, 64]


def test_three_pictures_and_every_parameter_learns() -> None:
    net = Generator(image_size=64, width=4, code_size=16, condition_size=8, latent_size=6)
    words, there = torch.zeros(3, 16, 2), torch.ones(3, 2, dtype=torch.bool)
    painted = net(torch.randn(3, 6), torch.randn(3, 8), torch.randn(3, 16), words, there)
    assert [image.shape[-1] for image in painted.images] == [16, 32, 64] and painted.attention == ()
    sum(image.square().sum() for image in painted.images).backward()
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in net.parameters())


def test_the_discriminator_judges_parts_and_pairs() -> None:
    net = Discriminator(image_size=32, width=4, sentence_size=16, condition_size=8, most=16).eval()
    image, one, other = torch.rand(2, 3, 32, 32), torch.randn(2, 16), torch.randn(2, 16)
    judged = net(image, one, other)
    assert judged.picture.shape == (2, 1, 5, 5) and [pair.shape for pair in judged.pairs] == [(2,), (2,)]
    torch.testing.assert_close(judged.pairs[1], net(image, other).pairs[0])
    assert squared(torch.tensor([1.0, 3.0]), 1.0) == 2
