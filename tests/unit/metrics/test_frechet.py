"""The Fréchet distance: hand-computed values, degenerate sets, batching, precision."""

from __future__ import annotations

import pytest
import torch

from limner.errors import DataError, ShapeError
from limner.metrics.frechet import FrechetDistance, _factor, frechet_distance, resampled_frechet_distances


def vectors(count: int, size: int, seed: int) -> torch.Tensor:
    return torch.randn(count, size, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def distance(real: torch.Tensor, fake: torch.Tensor, batch_size: int = 1000) -> float:
    metric = FrechetDistance(None, num_features=real.shape[1])
    for part in real.split(batch_size):
        metric.update(part, real=True)
    for part in fake.split(batch_size):
        metric.update(part, real=False)
    return float(metric.compute())


def test_by_hand_in_one_dimension():
    # (3 - 1)^2 + (2 - 5)^2, with standard deviations 2 and 5
    one, two = torch.tensor([3.0]), torch.tensor([1.0])
    value = frechet_distance(one, torch.tensor([[4.0]]), two, torch.tensor([[25.0]]))
    assert value == pytest.approx(13, abs=1e-12)
    assert value.dtype == torch.float64


def test_by_hand_for_diagonal_covariances():
    zero = torch.zeros(2)
    value = frechet_distance(zero, torch.diag(torch.tensor([1.0, 9.0])), zero, torch.diag(torch.tensor([4.0, 0.0])))
    assert value == pytest.approx(1 + 9, abs=1e-12)


def test_identical_sets_are_at_distance_zero():
    real = vectors(50, 8, 0)
    assert distance(real, real) == pytest.approx(0, abs=1e-10)


def test_rank_deficient_identical_sets_are_at_distance_zero():
    real = vectors(5, 64, 0)  # rank 4 of 64
    assert distance(real, real) == pytest.approx(0, abs=1e-10)


def test_rank_deficient_sets_in_orthogonal_subspaces():
    # No overlap, so the cross term is 0 and only means and traces are left.
    real, fake = torch.zeros(6, 10, dtype=torch.float64), torch.zeros(6, 10, dtype=torch.float64)
    real[:, :3], fake[:, 5:8] = vectors(6, 3, 1), vectors(6, 3, 2)
    expected = (real.mean(0) - fake.mean(0)).square().sum() + real.T.cov().trace() + fake.T.cov().trace()
    assert distance(real, fake) == pytest.approx(float(expected), rel=1e-9)


def test_constant_images_differ_by_their_mean_only():
    real, fake = torch.full((4, 3), 2.0), torch.full((7, 3), 5.0)
    assert distance(real, fake) == pytest.approx(27, rel=1e-12)


@pytest.mark.parametrize("batch_size", [1, 7, 40])
def test_batching_does_not_matter(batch_size):
    real, fake = vectors(40, 6, 0), vectors(33, 6, 1) * 2 + 1
    assert distance(real, fake, batch_size) == pytest.approx(distance(real, fake), rel=1e-12)


def test_a_large_mean_does_not_cancel():
    real, fake = vectors(200, 4, 0), vectors(200, 4, 1)
    assert distance(real + 1e4, fake + 1e4) == pytest.approx(distance(real, fake), rel=1e-5)


def test_half_precision_features_are_accumulated_in_double():
    real, fake = vectors(300, 4, 0).half(), vectors(300, 4, 1).half()
    assert distance(real, fake) == pytest.approx(distance(real.double(), fake.double()), rel=1e-12)


def test_a_feature_network_is_used_without_gradients_and_not_saved():
    network = torch.nn.Conv2d(3, 5, 1)
    metric = FrechetDistance(lambda image: network(image).mean((2, 3)), num_features=5)
    images = torch.rand(9, 3, 4, 4)
    metric.update(images, real=True)
    metric.update(images.flip(0), real=False)
    assert float(metric.compute()) == pytest.approx(0, abs=1e-10)
    assert not metric.real_sum.requires_grad
    assert not list(metric.parameters())


@pytest.mark.parametrize(("real", "fake"), [(0, 0), (1, 5), (5, 1)])
def test_fewer_than_two_images_are_refused(real, fake):
    metric = FrechetDistance(None, num_features=2)
    metric.update(torch.zeros(real, 2), real=True)
    metric.update(torch.zeros(fake, 2), real=False)
    with pytest.raises(DataError, match=f"at least two images of each kind, not {real} real and {fake} generated"):
        metric.compute()


def test_wrong_sizes_and_values_are_refused():
    metric = FrechetDistance(None, num_features=2)
    with pytest.raises(ShapeError, match=r"\(4, 3\), not \(batch, 2\)"):
        metric.update(torch.zeros(4, 3), real=True)
    with pytest.raises(DataError, match="not finite"):
        metric.update(torch.full((1, 2), float("nan")), real=True)
    with pytest.raises(ShapeError):
        frechet_distance(torch.zeros(2), torch.eye(2), torch.zeros(3), torch.eye(3))


def test_reset_can_keep_the_real_images():
    metric = FrechetDistance(None, num_features=2, reset_real=False)
    metric.update(vectors(5, 2, 0), real=True)
    metric.update(vectors(5, 2, 1), real=False)
    first = metric.compute()
    metric.reset()
    assert int(metric.real_count) == 5
    assert int(metric.fake_count) == 0
    metric.update(vectors(5, 2, 1), real=False)
    assert metric.compute() == first
    forgetful = FrechetDistance(None, num_features=2)
    forgetful.update(vectors(5, 2, 0), real=True)
    forgetful.reset()
    assert int(forgetful.real_count) == 0


def test_images_that_give_other_features_are_refused():
    metric = FrechetDistance(lambda image: image.flatten(1), num_features=12)
    metric.update(torch.rand(4, 3, 2, 2), real=True)
    with pytest.raises(ShapeError, match=r"\(4, 27\), not \(batch, 12\)"):
        metric.update(torch.rand(4, 3, 3, 3), real=False)


def test_accepts_numpy_and_refuses_what_is_not_finite():
    mean, covariance = torch.zeros(2).numpy(), torch.eye(2).numpy()
    assert float(frechet_distance(mean + 1, covariance, mean, covariance)) == pytest.approx(2)
    with pytest.raises(DataError, match="must be finite"):
        frechet_distance(mean, covariance * float("nan"), mean, covariance)


def test_what_is_no_mean_and_no_covariance_is_refused():
    zero, one = torch.zeros(2), torch.eye(2)
    with pytest.raises(DataError, match="must be real"):
        frechet_distance(zero, one.to(torch.complex64), zero, one)
    with pytest.raises(DataError, match="no negative eigenvalue, but this one has -4"):
        frechet_distance(zero, one, zero, torch.diag(torch.tensor([-4.0, 1.0])))
    with pytest.raises(ShapeError, match="d >= 1"):
        frechet_distance(zero[:0], one[:0, :0], zero[:0], one[:0, :0])


def by_roots(real: torch.Tensor, fake: torch.Tensor) -> float:
    """The same formula with both symmetric roots, from eigenvalues and their vectors."""
    roots = []
    for one in (real, fake):
        values, axes = torch.linalg.eigh(one.T.cov())
        roots.append((axes * values.where(values > values.max() * 1e-12, 0).sqrt()) @ axes.T)
    cross = torch.linalg.svdvals(roots[0] @ roots[1]).sum()
    shift = (real.mean(0) - fake.mean(0)).square().sum()
    return float(shift + real.T.cov().trace() + fake.T.cov().trace() - 2 * cross)


@pytest.mark.parametrize("count", [400, 130, 20])  # more vectors than the 150 features, about as many, few
@pytest.mark.parametrize("decay", [0.0, 9.0])
def test_factors_give_the_value_of_roots(count, decay):
    axes = [torch.linalg.qr(vectors(150, 150, seed)).Q for seed in (2, 3)]
    scales = torch.exp(-torch.linspace(0, decay, 150, dtype=torch.float64))
    real, fake = (vectors(count, 150, seed) * scales @ axes[seed] + seed for seed in (0, 1))
    assert distance(real, fake) == pytest.approx(by_roots(real, fake), rel=1e-9)


@pytest.mark.parametrize(("count", "rank"), [(30, 29), (200, 100)])
def test_a_covariance_of_few_vectors_has_a_narrow_factor(count, rank):
    covariance = vectors(count, 100, 0).T.cov()
    factor = _factor(covariance, torch.zeros(100, dtype=torch.float64))
    assert factor.shape == (100, rank)
    torch.testing.assert_close(factor @ factor.T, covariance, rtol=0, atol=1e-13)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_eigenvalues_that_rounding_made_negative_are_no_mistake(dtype):
    data = vectors(9, 40, 0)  # rank 8 of 40
    mean, covariance = data.mean(0), data.T.cov()
    rounded = covariance.to(dtype)
    assert float(torch.linalg.eigvalsh(rounded.double()).min()) < 0
    assert float(frechet_distance(mean, rounded, mean, covariance)) < 1e-2 * float(covariance.trace())
    noise = 0.1 + torch.zeros(50, 6)
    assert distance(1e4 * noise, 1e4 * noise) == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("size", [5, 60])  # fewer features than vectors, and more
def test_resamples_of_the_whole_set_are_the_set(size):
    real, fake = vectors(70, size, 0), vectors(40, size, 1) * 1.5 + 0.3
    weights = torch.stack([torch.ones(40), torch.ones(40).index_fill(0, torch.arange(20), 2.0)]).double()
    resampled = resampled_frechet_distances(real.mean(0), real.T.cov(), fake, weights)
    assert float(resampled[0]) == pytest.approx(distance(real, fake), rel=1e-6)
    assert float(resampled[1]) == pytest.approx(distance(real, torch.cat([fake, fake[:20]])), rel=1e-6)
