"""KID, precision and recall: hand-computed values, degenerate sets, batching, precision, what is kept."""

from __future__ import annotations

import pytest
import torch

from limner.errors import ConfigError, DataError, ShapeError
from limner.metrics.feature_sets import FeatureSetMetric
from limner.metrics.kernel import kernel_distance, resampled_kernel_distances
from limner.metrics.precision_recall import inside_manifold, precision_and_recall


def vectors(count: int, size: int, seed: int) -> torch.Tensor:
    return torch.randn(count, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def kid(real: torch.Tensor, fake: torch.Tensor) -> float:
    return float(kernel_distance(real, fake))


def test_kernel_distance_by_hand():
    # k(0, 0) = 1, k(0, 1) = 1, k(1, 1) = 8 in one dimension: pairs of (0, 0): 1, of (1, 1): 8, across: 1
    zeros, ones = torch.zeros(2, 1), torch.ones(3, 1)
    assert kid(zeros, ones) == pytest.approx(1 + 8 - 2)


def test_kernel_distance_is_unbiased_and_negative_for_identical_sets():
    real = vectors(50, 8, 0)
    assert kid(real, real) < 0  # pairs of an image with itself count across the sets and not within them
    sizes = {
        count: [kid(vectors(count, 8, 2 * n), vectors(count, 8, 2 * n + 1)) for n in range(60)] for count in (8, 64)
    }
    for values in sizes.values():
        error = torch.tensor(values).std() / len(values) ** 0.5
        assert abs(torch.tensor(values).mean()) < 4 * error


def test_kernel_distance_of_constant_sets():
    assert kid(torch.full((4, 3), 2.0), torch.full((5, 3), 2.0)) == pytest.approx(0, abs=1e-9)


def test_kernel_distance_of_resamples_leaves_out_copies():
    real, fake = vectors(20, 4, 0), vectors(3, 4, 1) + 1
    weights = torch.tensor([[1.0, 1.0, 1.0], [2.0, 1.0, 0.0]])
    whole, resampled = resampled_kernel_distances(real, fake, weights).tolist()
    assert whole == pytest.approx(kid(real, fake))
    kernel = (fake @ fake.T / 4 + 1) ** 3
    across = (real @ fake.T / 4 + 1) ** 3
    within = (real @ real.T / 4 + 1) ** 3
    # The copies of image 0 are no pair; of two different ones only (0, 1) is left.
    expected = (
        kernel[0, 1] + (within.sum() - within.trace()) / (20 * 19) - 2 * (across @ weights[1].double()).mean() / 3
    )
    assert resampled == pytest.approx(float(expected))


def test_kernel_distance_of_resamples_of_one_image_is_not_a_number():
    fake = vectors(20, 4, 1)
    found = resampled_kernel_distances(vectors(20, 4, 0), fake, 20 * torch.eye(20).double())
    assert bool(found.isnan().all())  # and not infinite, by a rounding


def test_kernel_distance_in_blocks(monkeypatch):
    real, fake = vectors(30, 4, 0), vectors(23, 4, 1)
    expected = kid(real, fake)
    monkeypatch.setattr("limner.metrics.kernel._BLOCK", 7)
    assert kid(real, fake) == pytest.approx(expected, rel=1e-12)


def test_precision_and_recall_by_hand():
    real = torch.tensor([[0.0], [1.0], [2.0], [3.0]])  # balls to the first neighbour have the radius 1
    fake = torch.tensor([[-0.5], [10.0], [10.5], [11.0]])  # of those the radius is 10.5, 0.5, 0.5, 0.5
    result = precision_and_recall(real, fake, neighbours=1)
    assert result.precision == pytest.approx(1 / 4)
    assert result.recall == pytest.approx(1)
    assert inside_manifold(torch.tensor([[4.0], [4.01]]), real, neighbours=1).tolist() == [
        True,
        False,
    ]  # the edge counts


@pytest.mark.parametrize("size", [1, 3, 200])
def test_identical_sets_cover_each_other(size):
    real = vectors(20, size, 0)
    assert precision_and_recall(real, real) == (1, 1)


def test_constant_sets():
    ones = torch.full((6, 5), 0.1)
    assert precision_and_recall(ones, ones[:5]) == (1, 1)
    assert precision_and_recall(ones, ones + 1e-3) == (0, 0)
    # Real images vary, the generator gives always the same one of them: precise, but it covers nothing else.
    real = vectors(40, 5, 0)
    collapsed = precision_and_recall(real, real[:1].expand(8, 5))
    assert (float(collapsed.precision), float(collapsed.recall)) == (1, pytest.approx(1 / 40))


def test_manifold_in_blocks(monkeypatch):
    real, fake = vectors(30, 4, 0), vectors(23, 4, 1)
    expected = precision_and_recall(real, fake)
    monkeypatch.setattr("limner.metrics.precision_recall._BLOCK", 7)
    assert precision_and_recall(real, fake) == expected


def test_a_far_mean_does_not_matter():
    real, fake = vectors(60, 4, 0), vectors(60, 4, 1)
    assert precision_and_recall(real + 1e4, fake + 1e4) == precision_and_recall(real, fake)


@pytest.mark.parametrize("statistic", [kernel_distance, precision_and_recall])
@pytest.mark.parametrize("batch_size", [1, 7, 40])
def test_batches_and_half_precision_do_not_matter(statistic, batch_size):
    real, fake = vectors(40, 6, 0).half(), (vectors(33, 6, 1) + 0.5).half()
    metric = FeatureSetMetric(statistic, None, num_features=6)
    for part in real.split(batch_size):
        metric.update(part, real=True)
    for part in fake.split(batch_size):
        metric.update(part, real=False)
    expected = statistic(real.double(), fake.double())
    torch.testing.assert_close(metric.compute(), expected, rtol=1e-12, atol=1e-12)


def test_a_network_is_used_without_gradients_and_not_saved():
    network = torch.nn.Conv2d(3, 5, 1)
    metric = FeatureSetMetric(kernel_distance, lambda image: network(image).mean((2, 3)), num_features=5)
    metric.update(torch.rand(9, 3, 4, 4), real=True)
    metric.update(torch.rand(4, 3, 4, 4), real=False)
    assert not metric.compute().requires_grad
    assert not list(metric.parameters())


def test_reset_can_keep_the_real_images():
    metric = FeatureSetMetric(kernel_distance, None, num_features=2, reset_real=False)
    metric.update(vectors(5, 2, 0), real=True)
    metric.update(vectors(5, 2, 1), real=False)
    first = metric.compute()
    metric.reset()
    metric.update(vectors(5, 2, 1), real=False)
    assert metric.compute() == first
    forgetful = FeatureSetMetric(kernel_distance, None, num_features=2)
    forgetful.update(vectors(5, 2, 0), real=True)
    forgetful.reset()
    forgetful.update(vectors(5, 2, 0), real=False)
    with pytest.raises(DataError, match="not 0 and 5"):
        forgetful.compute()


@pytest.mark.parametrize("statistic", [kernel_distance, precision_and_recall, inside_manifold])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1e200])
@pytest.mark.parametrize("broken", [0, 1])
def test_features_that_are_not_finite_or_overflow_are_refused(statistic, value, broken):
    sets = [vectors(20, 3, 0), vectors(20, 3, 1) + 100]
    sets[broken][7, 1] = value
    with pytest.raises(DataError, match="finite"):
        statistic(*sets)


def test_refusals():
    with pytest.raises(DataError, match="at least two images of each kind, not 1 and 5"):
        kernel_distance(torch.zeros(1, 2), torch.zeros(5, 2))
    with pytest.raises(ShapeError, match="of 2 and of 3 numbers"):
        kernel_distance(torch.zeros(4, 2), torch.zeros(4, 3))
    with pytest.raises(ShapeError, match="of 3 and 2 numbers"):
        precision_and_recall(torch.zeros(4, 2), torch.zeros(4, 3))
    with pytest.raises(DataError, match="neighbour number 3 need more images than that, not 3"):
        precision_and_recall(torch.zeros(9, 2), torch.zeros(3, 2))
    with pytest.raises(ConfigError, match="neighbours is 0"):
        precision_and_recall(torch.zeros(9, 2), torch.zeros(3, 2), neighbours=0)
    metric = FeatureSetMetric(kernel_distance, None, num_features=2)
    with pytest.raises(DataError, match="not finite"):
        metric.update(torch.full((1, 2), float("inf")), real=True)
