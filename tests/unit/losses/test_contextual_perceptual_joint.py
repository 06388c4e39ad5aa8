"""Losses that several systems share: worked-out numbers, and where gradients go."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional

from limner.backbones.vgg import VGG, imagenet_normalized
from limner.losses.contextual import contextual_loss
from limner.losses.joint import joint_discriminator_loss, joint_generator_loss
from limner.losses.perceptual import ParserFeatures, VGGFeatures, perceptual_loss
from limner.nn.parsing import ParsingNetwork


def fixture() -> tuple[torch.Tensor, torch.Tensor]:
    n, c, h, w = torch.meshgrid(*[torch.arange(size) for size in (2, 8, 4, 4)], indexing="ij")
    t = (1 + 5 * n + 7 * c + 3 * h + w).double()
    return torch.sin(t).float(), torch.cos(1.3 * t).float()


def test_contextual_loss_of_the_fixture():
    """Numbers computed with SCA-GAN's code (specification of the system)."""
    target, generated = fixture()
    assert float(contextual_loss(target, generated)) == pytest.approx(2.406556, abs=1e-5)
    assert float(contextual_loss(target, generated, bandwidth=0.1)) == pytest.approx(1.931396, abs=1e-5)
    assert float(contextual_loss(target, target)) == pytest.approx(0.207639, abs=1e-5)  # it has equal positions


def test_contextual_loss_does_not_mind_where_things_are():
    torch.manual_seed(0)
    features = torch.randn(2, 16, 4, 4)
    moved = features.flatten(2)[:, :, torch.randperm(16)].unflatten(2, (4, 4))
    assert float(contextual_loss(features, moved)) == pytest.approx(0, abs=1e-5)
    assert float(contextual_loss(features, torch.randn(2, 16, 4, 4))) > 1
    larger = torch.randn(2, 16, 5, 6, requires_grad=True)
    contextual_loss(features.requires_grad_(), larger).backward()
    assert larger.grad.isfinite().all() and features.grad is None


def test_positions_without_a_direction_give_numbers():
    flat = torch.ones(1, 4, 3, 3)
    assert contextual_loss(flat, flat).isfinite()


def test_perceptual_features_say_which_network_they_are_of():
    torch.manual_seed(0)
    parser = ParsingNetwork(num_classes=3, num_attributes=0, width=8)
    features = ParserFeatures(parser, "people", (0, 2))
    assert features.name == "parser people (levels 0, 2)" and features.channels == (8, 32)
    real, fake = torch.rand(2, 3, 32, 32) * 2 - 1, (torch.rand(2, 3, 32, 32) * 2 - 1).requires_grad_()
    wanted, found = ([level for number, level in enumerate(parser.encode(x)) if number in (0, 2)] for x in (real, fake))
    expected = sum(weight * functional.l1_loss(b, a) for a, b, weight in zip(wanted, found, (1.0, 0.5), strict=True))
    loss = perceptual_loss(features, real, fake, (1.0, 0.5))
    torch.testing.assert_close(loss, expected)
    loss.backward()
    assert fake.grad.abs().max() > 0 and all(parameter.grad is None for parameter in parser.parameters())

    vgg = VGG(16).requires_grad_(False)
    layers = VGGFeatures(vgg, ("relu1_2", "relu3_1"))
    assert layers.name == "VGG-16 (relu1_2, relu3_1)" and layers.channels == (64, 256)
    maps = layers(real)
    assert [level.shape[1] for level in maps] == [64, 256]
    torch.testing.assert_close(maps[0], vgg(imagenet_normalized(real), ["relu1_2"])[0])


def test_joint_losses_by_hand():
    """Every logit is 0, so that each judgement costs ln 2."""
    zero = torch.zeros(3)
    both = joint_discriminator_loss(
        real_picture=zero, fake_picture=zero, real_pair=zero, fake_pair=zero, wrong_pair=torch.zeros(2)
    )
    assert float(both) == pytest.approx(2 * math.log(2))
    ten = torch.full((3,), 10.0)  # a certain "real"
    loss = joint_discriminator_loss(
        real_picture=ten, fake_picture=-ten, real_pair=ten, fake_pair=zero, wrong_pair=-ten[:2]
    )
    assert float(loss) == pytest.approx(math.log(2) / 3, abs=1e-3)
    pairs = joint_discriminator_loss(
        real_picture=None, fake_picture=None, real_pair=ten, fake_pair=zero, wrong_pair=-ten[:2]
    )
    assert float(pairs) == pytest.approx(math.log(2) / 2, abs=1e-3)
    assert float(joint_generator_loss(zero, zero)) == pytest.approx(2 * math.log(2))
    assert float(joint_generator_loss(None, ten)) == pytest.approx(0, abs=1e-3)
