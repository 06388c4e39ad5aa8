"""ADGAN's size, and what its codes are of."""

from __future__ import annotations

import torch

from limner.backbones.vgg import VGG
from limner.systems.adgan.networks import CODE, NUM_PARTS, Generator


def count(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def pyramid(image: torch.Tensor) -> list[torch.Tensor]:
    return [image[..., ::step, ::step] for step in (1, 2, 4, 8)]


def test_published_number_of_parameters():
    with torch.device("meta"):
        generator = Generator()
        assert count(generator) == 28_774_915
        assert count(generator) + count(VGG(19)) == 48_799_299


def test_a_code_knows_its_part_alone():
    generator = Generator(width=4, num_blocks=1, feature_channels=(3, 3, 3, 3))
    source, pose = torch.rand(2, 3, 64, 44) * 2 - 1, torch.rand(2, 18, 64, 44)
    parts = torch.zeros(2, NUM_PARTS, 64, 44)
    parts[:, 0, :32], parts[:, 3, 32:] = 1, 1
    codes = generator.codes(source, parts, pyramid)
    assert codes.shape == (2, NUM_PARTS, CODE)
    changed = source.clone()
    changed[:, :, 32:] *= -1
    after = generator.codes(changed, parts, pyramid)
    same = [torch.allclose(codes[:, part], after[:, part], atol=1e-6) for part in range(NUM_PARTS)]
    assert same == [True, True, True, False, True, True, True, True]
    picture = generator(source, parts, pose, pyramid)
    assert picture.shape == (2, 3, 64, 44) and picture.abs().max() < 1
    assert torch.equal(picture, generator.paint(pose, codes))
    picture.sum().backward()
    assert all(parameter.grad is not None for parameter in generator.parameters())
