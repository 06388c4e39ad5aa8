"""Metrics against implementations that share nothing with ours: SciPy's matrix root, scikit-learn's counts."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from limner.metrics.frechet import FrechetDistance, frechet_distance
from limner.metrics.segmentation import SegmentationMetric, confusion_matrices

linalg = pytest.importorskip("scipy.linalg")
sklearn_metrics = pytest.importorskip("sklearn.metrics")


def by_scipy(real: np.ndarray, fake: np.ndarray) -> float:
    mean1, mean2, cov1, cov2 = real.mean(0), fake.mean(0), np.cov(real, rowvar=False), np.cov(fake, rowvar=False)
    root = linalg.sqrtm(cov1 @ cov2)
    return float(((mean1 - mean2) ** 2).sum() + np.trace(cov1 + cov2 - 2 * root.real))


@pytest.mark.parametrize("size", [2, 16, 128])
@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_frechet_distance_equals_scipy(size, shift):
    random = np.random.default_rng(size)
    mixing = random.normal(size=(size, size)) / size**0.5
    real = random.normal(size=(4 * size, size)) @ mixing
    fake = random.normal(size=(3 * size, size)) @ mixing * 1.2 + shift
    metric = FrechetDistance(None, num_features=size)
    metric.update(torch.from_numpy(real), real=True)
    metric.update(torch.from_numpy(fake), real=False)
    assert float(metric.compute()) == pytest.approx(by_scipy(real, fake), rel=1e-6)


def test_frechet_distance_equals_scipy_where_the_rank_is_low():
    # sqrtm needs a full rank; a small ridge gives it one, and the ridge bounds how far the two may differ.
    random = np.random.default_rng(0)
    real, fake = random.normal(size=(10, 24)), random.normal(size=(12, 24)) + 0.5
    cov1, cov2 = np.cov(real, rowvar=False), np.cov(fake, rowvar=False)
    ridge = 1e-10 * np.eye(24)
    root = linalg.sqrtm((cov1 + ridge) @ (cov2 + ridge)).real
    expected = ((real.mean(0) - fake.mean(0)) ** 2).sum() + np.trace(cov1 + cov2 - 2 * root)
    ours = frechet_distance(*(torch.from_numpy(x) for x in (real.mean(0), cov1, fake.mean(0), cov2)))
    assert float(ours) == pytest.approx(expected, rel=1e-4)


def test_confusion_matrix_equals_sklearn():
    random = np.random.default_rng(1)
    target = random.integers(0, 5, size=(3, 20, 17))
    predicted = np.where(random.random(target.shape) < 0.6, target, random.integers(0, 5, size=target.shape))
    target[0, :4] = 255
    counts = confusion_matrices(torch.from_numpy(predicted), torch.from_numpy(target), 5).sum(0).numpy()
    known = target != 255
    expected = sklearn_metrics.confusion_matrix(target[known], predicted[known], labels=range(5))
    np.testing.assert_array_equal(counts, expected)


def test_scores_equal_sklearn():
    random = np.random.default_rng(2)
    target = random.integers(0, 6, size=(4, 16, 16))
    predicted = np.where(random.random(target.shape) < 0.5, target, random.integers(0, 6, size=target.shape))
    metric = SegmentationMetric(num_classes=8)  # classes 6 and 7 occur nowhere
    for one_predicted, one_target in zip(predicted, target, strict=True):
        metric.update(torch.from_numpy(one_predicted[None]), torch.from_numpy(one_target[None]))
    result = metric.compute()
    expected = sklearn_metrics.jaccard_score(target.ravel(), predicted.ravel(), average=None)
    np.testing.assert_allclose(result.iou[:6].numpy(), expected, rtol=1e-12)
    assert float(result.mean_iou) == pytest.approx(expected.mean(), rel=1e-12)
    assert float(result.pixel_accuracy) == pytest.approx((target == predicted).mean(), rel=1e-12)
