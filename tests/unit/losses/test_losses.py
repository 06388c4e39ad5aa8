"""Losses against worked-out numbers."""

from __future__ import annotations

import pytest
import torch

from limner.losses.adversarial import discriminator_loss, generator_loss
from limner.losses.features import feature_distance

REAL, FAKE = torch.tensor([2.0, 0.5]), torch.tensor([-3.0, 0.25])


@pytest.mark.parametrize(
    ("kind", "expected_discriminator", "expected_generator"),
    [
        ("hinge", (0 + 0.5) / 2 + (0 + 1.25) / 2, -(-3 + 0.25) / 2),
        ("lsgan", (1 + 0.25) / 2 + (9 + 0.0625) / 2, (16 + 0.5625) / 2),
    ],
)
def test_by_hand(kind, expected_discriminator, expected_generator):
    assert discriminator_loss(REAL, FAKE, kind).item() == pytest.approx(expected_discriminator)
    assert generator_loss(FAKE, kind).item() == pytest.approx(expected_generator)


def test_bce_is_the_logarithm_of_the_probability():
    real, fake = REAL.sigmoid(), FAKE.sigmoid()
    assert discriminator_loss(REAL, FAKE, "bce").item() == pytest.approx(
        float(-real.log().mean() - (1 - fake).log().mean()), rel=1e-6
    )
    assert generator_loss(FAKE, "bce").item() == pytest.approx(float(-fake.log().mean()), rel=1e-6)
    far = torch.tensor([-200.0])  # it does not saturate: the gradient stays
    far.requires_grad_(True)
    generator_loss(far, "bce").backward()
    assert far.grad.item() == pytest.approx(-1)


@pytest.mark.parametrize("kind", ["bce", "lsgan", "hinge"])
def test_directions(kind):
    """Descent raises real and lowers fake logits for D, and raises fake ones for G."""
    real, fake = torch.zeros(4, requires_grad=True), torch.zeros(4, requires_grad=True)
    discriminator_loss(real, fake, kind).backward()
    if kind == "lsgan":  # a fake at 0 is where D wants it
        assert (real.grad < 0).all() and (fake.grad == 0).all()
    else:
        assert (real.grad < 0).all() and (fake.grad > 0).all()
    again = torch.zeros(4, requires_grad=True)
    generator_loss(again, kind).backward()
    assert (again.grad < 0).all()


def test_feature_distance_is_a_weighted_sum_without_gradient_to_the_real_side():
    real = [torch.zeros(2, 3, requires_grad=True), torch.zeros(1, 4, requires_grad=True)]
    fake = [torch.full((2, 3), 2.0, requires_grad=True), torch.full((1, 4), -1.0, requires_grad=True)]
    loss = feature_distance(real, fake, [0.5, 3.0])
    assert loss.item() == pytest.approx(0.5 * 2 + 3 * 1)
    loss.backward()
    assert all(map_.grad is None for map_ in real)
    torch.testing.assert_close(fake[0].grad, torch.full((2, 3), 0.5 / 6))


def test_layers_must_match():
    with pytest.raises(ValueError, match="zip"):
        feature_distance([REAL], [FAKE, FAKE], [1.0])
