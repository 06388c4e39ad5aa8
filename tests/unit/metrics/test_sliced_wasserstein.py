"""The patch distance that chooses checkpoints: what it sees, what must not change it, what it refuses."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional

from limner.errors import ShapeError
from limner.metrics.sliced_wasserstein import sliced_wasserstein_distance


def pictures(count: int, size: int = 64, seed: int = 0) -> torch.Tensor:
    """Noise that is strong at large scales and weak at small ones, as in photos."""
    random = torch.Generator().manual_seed(seed)
    images = torch.zeros(count, 3, size, size)
    side = 2
    while side <= size:
        grain = torch.randn(count, 3, side, side, generator=random)
        images += functional.interpolate(grain, size=(size, size), mode="bicubic") / side
        side *= 2
    return images.clamp(-1, 1)


def test_equal_sets_are_at_distance_zero():
    images = pictures(4)
    assert sliced_wasserstein_distance(images, images.clone()) == 0


def test_a_shift_of_all_pixels_by_hand():
    # One level only (24 px). A patch moves by c along (1, ..., 1), whose projection on a random direction of 147
    # numbers is about N(0, 1), with a mean size of (2 / pi)^(1/2). The 256 directions leave 5 % to chance.
    images = pictures(8, size=24)
    deviation = float(images.std(dim=(0, 2, 3)).mean())
    distance = sliced_wasserstein_distance(images, images + 0.1)
    assert distance == pytest.approx(math.sqrt(2 / math.pi) * 0.1 / deviation, rel=0.15)


@pytest.mark.parametrize("kind", ["blur", "noise", "grey", "one picture for all"])
def test_damage_is_worse_than_other_pictures_of_the_same_kind(kind):
    real, other = pictures(40), pictures(40, seed=1)
    damaged = {
        "blur": functional.avg_pool2d(functional.pad(real, (1, 1, 1, 1), mode="replicate"), 3, 1),
        "noise": real + 0.1 * torch.randn(real.shape, generator=torch.Generator().manual_seed(2)),
        "grey": real.mean(1, keepdim=True).expand_as(real),
        "one picture for all": real[:1].expand_as(real),
    }[kind]
    assert sliced_wasserstein_distance(real, damaged) > 1.5 * sliced_wasserstein_distance(real, other)


def test_seed_and_precision():
    real, fake = pictures(3).half(), pictures(3, seed=1).half()
    distance = sliced_wasserstein_distance(real, fake)
    assert sliced_wasserstein_distance(real.double(), fake.double()) == distance
    assert sliced_wasserstein_distance(real, fake, seed=1) != distance
    with torch.autocast("cpu", dtype=torch.bfloat16):  # as during training
        assert sliced_wasserstein_distance(real, fake) == distance


@pytest.mark.parametrize("shape", [(2, 3, 33, 47), (1, 3, 7, 7)])
def test_any_size(shape):
    real = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    assert math.isfinite(sliced_wasserstein_distance(real, 1 - real))


def test_refusals():
    for real, fake in (((2, 3, 32, 32), (3, 3, 32, 32)), ((0, 3, 32, 32),) * 2, ((2, 3, 6, 32),) * 2):
        with pytest.raises(ShapeError, match="one shape, with an image of at least 7 px"):
            sliced_wasserstein_distance(torch.zeros(real), torch.zeros(fake))
