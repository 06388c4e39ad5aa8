"""Losses of LGcGAN against numbers worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from limner.systems.lgcgan.losses import (
    age_loss,
    fooling_loss,
    move_landmarks,
    soften,
    triplet_loss,
)


def scores(*values: float) -> torch.Tensor:
    return torch.tensor([float(value) for value in values])[:, None, None, None].expand(-1, 1, 2, 2)


def test_triplet_of_a_perfect_discriminator_is_zero() -> None:
    assert triplet_loss(scores(1, 1), scores(0, 0), scores(0, 0)) == 0


def test_triplet_by_hand() -> None:
    # 1/2 mean(0.25, 1) + 1/4 mean(1, 0) + 1/4 mean(4, 0)
    loss = triplet_loss(scores(0.5, 0), scores(1, 0), scores(2, 0))
    assert loss.item() == pytest.approx(0.3125 + 0.125 + 0.5)
    # Without wrong ages the fakes take their quarter: 1/2 mean(0.25, 1) + 1/2 mean(4, 0)
    assert triplet_loss(scores(0.5, 0), None, scores(2, 0)).item() == pytest.approx(0.3125 + 1.0)


def test_fooling_and_age() -> None:
    assert fooling_loss(scores(1)).item() == 0
    assert fooling_loss(scores(0, 3)).item() == pytest.approx((1 + 4) / 4)
    assert age_loss(torch.zeros(3, 10), torch.tensor([0, 4, 9])).item() == pytest.approx(math.log(10))


def test_soften_takes_the_grid_and_leaves_what_was_not_chosen() -> None:
    grid = (1 - 2 * (torch.arange(16) % 2)).float().expand(2, 3, 16, 16)
    soft = soften(grid, torch.tensor([1.0, 0.0]))
    assert soft[0, :, :, 2:-2].abs().max() < 1e-6
    assert torch.equal(soft[1], grid[1])
    flat = torch.full((1, 3, 16, 16), 0.3)
    torch.testing.assert_close(soften(flat, torch.ones(1)), flat)


def test_moved_landmarks_keep_their_shape() -> None:
    points = torch.rand(3, 68, 2, generator=torch.Generator().manual_seed(0))
    still = move_landmarks(points, torch.full((3, 4), 0.5))
    torch.testing.assert_close(still, points)
    draws = torch.tensor([[1.0, 0.5, 0.5, 0.5]]).expand(3, -1)  # 10 degrees and nothing else
    turned = move_landmarks(points, draws)
    torch.testing.assert_close(turned.mean(1), points.mean(1))
    arrow, was = turned[:, 0] - turned.mean(1), points[:, 0] - points.mean(1)
    torch.testing.assert_close(arrow.norm(dim=1), was.norm(dim=1))
    cosine = (arrow * was).sum(1) / was.norm(dim=1) ** 2
    torch.testing.assert_close(cosine, torch.full((3,), math.cos(math.radians(10))))
    shifted = move_landmarks(points, torch.tensor([[0.5, 0.5, 1.0, 0.0]]).expand(3, -1))
    torch.testing.assert_close(shifted - points, torch.tensor([4 / 128, -4 / 128]).expand(3, 68, 2), atol=1e-6, rtol=0)
