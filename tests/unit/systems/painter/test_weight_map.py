"""Attention, features and weights: their special cases, and masks that are found without any weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from limner.backbones.vgg import VGG
from limner.systems.painter.weight_map import (
    WeightMap,
    face_prior,
    find_face,
    find_subject,
    gradient_features,
    pixel_weights,
    usable_attention,
    vgg_features,
    weighted_distance,
)


@pytest.fixture
def maps() -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(0)
    return torch.rand(3, 1, 16, 16, generator=random), torch.rand(3, 1, 16, 16, generator=random)


def test_special_cases_of_the_weights(maps) -> None:
    a, f = maps
    assert (pixel_weights(a, f, weighting="uniform") == 1).all()
    torch.testing.assert_close(pixel_weights(a, f, weighting="attention"), 0.1 + 0.9 * a)
    torch.testing.assert_close(pixel_weights(a, f, weighting="features"), 0.1 + 0.9 * f)
    both = pixel_weights(a, f, weighting="both", epsilon=0.2, kappa=0.25)
    torch.testing.assert_close(both, 0.2 + 0.8 * a * (0.25 + 0.75 * f))


def test_weights_pass_no_gradient(maps) -> None:
    a, f = (part.requires_grad_(True) for part in maps)
    assert not pixel_weights(a, f, weighting="both").requires_grad


def test_distance_is_plain_for_equal_weights_and_ignores_their_scale(maps) -> None:
    a, _ = maps
    canvas, target = torch.rand(3, 3, 16, 16), torch.rand(3, 3, 16, 16)
    plain = (canvas - target).square().mean(dim=(1, 2, 3))[:, None]
    torch.testing.assert_close(weighted_distance(canvas, target, torch.ones_like(a)), plain)
    first = weighted_distance(canvas, target, a)
    assert first.shape == (3, 1)
    torch.testing.assert_close(weighted_distance(canvas, target, 7 * a), first)


def test_attention_that_says_nothing_is_replaced() -> None:
    attention = torch.stack([torch.full((1, 8, 8), value) for value in (0.01, 0.5, 0.95)])
    usable, says_nothing = usable_attention(attention)
    assert says_nothing.tolist() == [True, False, True]
    assert (usable[0] == 1).all() and (usable[1] == 0.5).all()
    found = WeightMap.of(attention, attention, source="mask")
    assert found.source == "mask" and found.is_uniform.tolist() == [True, False, True]


def test_features_are_high_on_edges_and_low_on_flat_areas() -> None:
    image = torch.zeros(1, 3, 64, 64)
    image[:, :, :, 32:] = 1
    found = gradient_features(image)
    assert found.shape == (1, 1, 64, 64) and found.min() >= 0 and found.max() <= 1
    assert found[0, 0, 32, 32] > 0.9 and found[0, 0, 32, 8] < 0.05 and found[0, 0, 32, 56] < 0.05


def test_vgg_features_have_the_same_interface() -> None:
    torch.manual_seed(0)
    found = vgg_features(VGG(16).eval())(torch.rand(1, 3, 32, 32))
    assert found.shape == (1, 1, 32, 32) and found.min() == 0 and found.max() > 0.99


@pytest.mark.parametrize(("x", "y", "radius"), [(32, 32, 18), (30, 34, 12), (20, 40, 14)])
def test_a_bright_blob_over_noise_is_found(x: int, y: int, radius: int) -> None:
    random = np.random.default_rng(0)
    rows, columns = np.mgrid[:64, :64]
    mask = (columns - x) ** 2 + (rows - y) ** 2 < radius**2
    image = 0.2 + 0.25 * random.random((3, 64, 64))
    image[:, mask] = np.array([0.9, 0.8, 0.3])[:, None] + 0.05 * random.standard_normal((3, int(mask.sum())))
    found = find_subject(torch.from_numpy(image).float()[None])[0, 0].numpy() > 0.5
    assert (found & mask).sum() / (found | mask).sum() > 0.6


def test_faces_get_half_of_their_ellipse() -> None:
    image = torch.rand(2, 3, 32, 32)
    ellipse, found = face_prior(image), find_face(image)
    assert found.shape == ellipse.shape == (2, 1, 32, 32)
    assert ellipse[0, 0, 17, 16] == 1 and ellipse[0, 0, 2, 2] == 0
    assert (found - 0.5 * ellipse).min() >= 0 and found.max() <= 1
