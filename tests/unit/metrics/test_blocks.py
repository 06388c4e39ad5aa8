"""Distances that are made in blocks equal their plain formulas, also where sets are larger than a block."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from limner.metrics.kernel import kernel_distance, resampled_kernel_distances
from limner.metrics.precision_recall import inside_each_other, inside_manifold, precision_and_recall


def sets(real: int, fake: int) -> tuple[Tensor, Tensor]:
    """Vectors of five features, with copies within a set and across."""
    random = torch.Generator().manual_seed(real)
    one = torch.randn(real, 5, generator=random)
    other = torch.randn(fake, 5, generator=random) * 0.8 + 0.3
    other[1], other[-1] = other[0], one[-1]
    return one, other


def kernel(first: Tensor, second: Tensor) -> Tensor:
    """(n, 5), (m, 5) -> (n, m)."""
    return (first.double() @ second.double().T / 5 + 1) ** 3


@pytest.mark.parametrize(("real", "fake"), [(700, 300), (256, 513), (3, 600), (40, 30)])
def test_kid(real: int, fake: int) -> None:
    one, other = sets(real, fake)

    def within(vectors: Tensor) -> Tensor:
        whole = kernel(vectors, vectors)
        return (whole.sum() - whole.trace()) / (len(vectors) * (len(vectors) - 1))

    expected = within(one) + within(other) - 2 * kernel(one, other).mean()
    assert float(kernel_distance(one, other)) == pytest.approx(float(expected), rel=1e-9)


def test_kid_of_resamples() -> None:
    one, other = sets(600, 300)
    weights = torch.randint(0, 3, (4, 300), generator=torch.Generator().manual_seed(0)).double()
    found = resampled_kernel_distances(one, other, weights)
    own, across, whole = kernel(other, other), kernel(one, other), kernel(one, one)
    for row, distance in zip(weights, found, strict=True):
        pairs = row @ own @ row - row.square() @ own.diagonal()
        expected = pairs / (row.sum() ** 2 - row.square().sum())
        expected = expected + (whole.sum() - whole.trace()) / (600 * 599) - 2 * (across @ row).sum() / (600 * row.sum())
        assert float(distance) == pytest.approx(float(expected), rel=1e-9)


@pytest.mark.parametrize(("real", "fake"), [(700, 300), (256, 513), (5, 600), (40, 30)])
def test_precision_and_recall(real: int, fake: int) -> None:
    one, other = sets(real, fake)

    def inside(vectors: Tensor, manifold: Tensor) -> Tensor:
        apart = (manifold.double()[:, None] - manifold.double()).square().sum(-1)
        radii = apart.sort(1).values[:, 3]
        return ((vectors.double()[:, None] - manifold.double()).square().sum(-1) <= radii).any(1)

    fake_inside, real_inside = inside_each_other(one, other)
    assert torch.equal(fake_inside, inside(other, one)) and torch.equal(real_inside, inside(one, other))
    assert torch.equal(fake_inside, inside_manifold(other, one)) and torch.equal(
        real_inside, inside_manifold(one, other)
    )
    assert 0 < float(fake_inside.double().mean()) <= 1
    shares = precision_and_recall(one, other)
    assert float(shares.precision) == float(fake_inside.double().mean())
    assert float(shares.recall) == float(real_inside.double().mean())
