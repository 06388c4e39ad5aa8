"""Pixel accuracy and IoU: hand-computed values, ignored pixels, absent classes, batching, intervals."""

from __future__ import annotations

import math

import pytest
import torch

from limner.errors import ShapeError
from limner.metrics.segmentation import (
    SegmentationMetric,
    bootstrap_intervals,
    confusion_matrices,
    segmentation_scores,
)


def scores(predicted, target, num_classes):
    metric = SegmentationMetric(num_classes=num_classes)
    metric.update(torch.tensor([predicted]), torch.tensor([target]))
    return metric.compute()


def test_by_hand():
    result = scores([[0, 0, 1, 1]], [[0, 1, 1, 1]], 2)
    assert float(result.pixel_accuracy) == pytest.approx(3 / 4)
    assert result.iou.tolist() == pytest.approx([1 / 2, 2 / 3])
    assert float(result.mean_iou) == pytest.approx((1 / 2 + 2 / 3) / 2)


def test_ignored_pixels_count_nowhere():
    assert float(scores([[0, 1, 1]], [[0, 1, 255]], 2).mean_iou) == 1


def test_absent_class_is_left_out_and_invented_class_counts_zero():
    result = scores([[0, 0, 2]], [[0, 0, 0]], 4)
    assert result.iou[[0, 2]].tolist() == pytest.approx([2 / 3, 0])
    assert result.iou[[1, 3]].isnan().all()
    assert float(result.mean_iou) == pytest.approx(1 / 3)


def test_nothing_to_measure_is_not_a_number():
    result = scores([[0, 0]], [[255, 255]], 2)
    assert math.isnan(result.pixel_accuracy)
    assert math.isnan(result.mean_iou)


def test_one_class():
    assert float(scores([[0, 0]], [[0, 0]], 1).mean_iou) == 1


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32, torch.int64])
def test_accumulated_over_the_set_not_averaged_over_images(dtype):
    predicted = torch.tensor([[[0, 0, 0, 0]], [[1, 0, 0, 0]]]).to(dtype)
    target = torch.tensor([[[0, 0, 0, 0]], [[1, 1, 1, 1]]]).to(dtype)
    metric = SegmentationMetric(num_classes=2)
    for one_predicted, one_target in zip(predicted, target, strict=True):
        metric.update(one_predicted[None], one_target[None])
    together = SegmentationMetric(num_classes=2)
    together.update(predicted, target)
    assert torch.equal(metric.confusion, together.confusion)
    assert metric.compute().iou.tolist() == pytest.approx([4 / 7, 1 / 4])


def test_confusion_matrices_are_per_image():
    counts = confusion_matrices(torch.tensor([[[0, 1]], [[1, 1]]]), torch.tensor([[[0, 0]], [[1, 0]]]), 2)
    assert counts.tolist() == [[[1, 1], [0, 0]], [[0, 1], [0, 1]]]


@pytest.mark.parametrize(("predicted", "target"), [([[3]], [[0]]), ([[-1]], [[0]]), ([[0]], [[2]]), ([[255]], [[0]])])
def test_ids_out_of_range_are_refused(predicted, target):
    with pytest.raises(ShapeError, match=r"2 classes allow 0\.\.1"):
        scores(predicted, target, 2)


def test_different_shapes_are_refused():
    with pytest.raises(ShapeError, match="shape"):
        confusion_matrices(torch.zeros(1, 2, 2, dtype=torch.long), torch.zeros(1, 2, 3, dtype=torch.long), 2)


def test_intervals_hold_the_value_and_shrink_with_more_maps():
    random = torch.Generator().manual_seed(0)
    target = torch.randint(3, (200, 6, 6), generator=random)
    wrong = torch.rand(200, 1, 1, generator=random) * 0.6 > torch.rand(200, 6, 6, generator=random)
    counts = confusion_matrices(torch.where(wrong, (target + 1) % 3, target), target, 3)
    value = segmentation_scores(counts.sum(0))
    many = bootstrap_intervals(counts, seed=0)
    few = bootstrap_intervals(counts[:20], seed=0)
    assert many == bootstrap_intervals(counts, seed=0)
    for (low, high), (few_low, few_high), score in zip(many, few, value[:2], strict=True):
        assert low < float(score) < high
        assert high - low < few_high - few_low


def test_blocks_of_resamples_change_nothing(monkeypatch):
    counts = torch.randint(50, (30, 3, 3), generator=torch.Generator().manual_seed(0))
    expected = bootstrap_intervals(counts, seed=0)
    monkeypatch.setattr("limner.metrics.bootstrap._BLOCK", 70)
    assert bootstrap_intervals(counts, seed=0) == expected


def test_interval_of_equal_maps_is_a_point():
    counts = torch.tensor([[[3, 1], [0, 4]]]).expand(9, 2, 2)
    (low, high), _ = bootstrap_intervals(counts, seed=1)
    assert low == pytest.approx(7 / 8)
    assert high == pytest.approx(7 / 8)
