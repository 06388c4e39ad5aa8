"""Inception Score: hand-computed values, hard inputs, splits that batches do not move."""

from __future__ import annotations

import math

import pytest
import torch

from limner.errors import ConfigError, DataError, ShapeError
from limner.metrics.inception_score import InceptionScore


def score(logits: torch.Tensor, *, splits: int = 1, batch_size: int = 1000) -> tuple[float, float]:
    metric = InceptionScore(num_classes=logits.shape[1], num_splits=splits)
    for part, index in zip(logits.split(batch_size), torch.arange(len(logits)).split(batch_size), strict=True):
        metric.update(part, index)
    result = metric.compute()
    return float(result.mean), float(result.deviation)


def test_sure_of_every_image_and_all_classes_alike():
    assert score(1000 * torch.eye(7))[0] == pytest.approx(7)


def test_one_class_only_and_no_idea_at_all():
    assert score(1000 * torch.eye(7)[:1].expand(5, 7))[0] == pytest.approx(1)
    assert score(torch.zeros(5, 7))[0] == pytest.approx(1)
    assert score(torch.tensor([[1.0, 2.0, 3.0]])) == pytest.approx((1, 0))  # one picture is like its own mean


def test_by_hand():
    # Two images with probabilities (3/4, 1/4) and (1/4, 3/4): the mean is (1/2, 1/2).
    probability = torch.tensor([[0.75, 0.25], [0.25, 0.75]])
    expected = math.exp(0.75 * math.log(0.75) + 0.25 * math.log(0.25) + math.log(2))
    assert score(probability.log())[0] == pytest.approx(expected)


def test_splits_take_pictures_in_turn():
    sure = 1000 * torch.eye(2)
    logits = torch.stack([sure[0], sure[0], sure[0], sure[1]])  # split 0: pictures 0, 2; split 1: pictures 1, 3
    assert score(logits, splits=2) == pytest.approx((1.5, 0.5))


@pytest.mark.parametrize("batch_size", [1, 7, 50])
def test_batches_do_not_matter(batch_size):
    logits = torch.randn(50, 9, generator=torch.Generator().manual_seed(0)) * 3
    assert score(logits, splits=4, batch_size=batch_size) == pytest.approx(score(logits, splits=4), rel=1e-12)


def test_half_precision_is_computed_in_double():
    logits = torch.randn(50, 9, generator=torch.Generator().manual_seed(0)).half()
    assert score(logits, splits=4) == pytest.approx(score(logits.double(), splits=4), rel=1e-12)


def test_a_classifier_is_used_without_gradients():
    network = torch.nn.Linear(6, 4)
    metric = InceptionScore(network, num_classes=4, num_splits=1)
    metric.update(torch.rand(5, 6), torch.arange(5))
    assert not metric.sums.requires_grad and not list(metric.parameters())
    assert metric.settings == "1 splits, 4 classes, logits without bias"


def test_refusals():
    metric = InceptionScore(num_classes=3, num_splits=4)
    metric.update(torch.zeros(3, 3), torch.arange(3))
    with pytest.raises(DataError, match="in 4 splits needs at least as many images, not 3"):
        metric.compute()
    with pytest.raises(ShapeError, match=r"\(2, 5\), not \(batch, 3\)"):
        metric.update(torch.zeros(2, 5), torch.arange(2))
    with pytest.raises(DataError, match="not finite"):
        metric.update(torch.full((1, 3), float("nan")), torch.arange(1))
    with pytest.raises(ConfigError, match="num_splits is 0"):
        InceptionScore(num_splits=0)
