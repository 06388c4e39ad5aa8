"""Intervals by bootstrap: reproducible, as wide as theory says, around the value."""

from __future__ import annotations

import pytest
import torch

from limner.metrics.bootstrap import (
    centred_interval,
    group_places,
    mean_interval,
    percentile_interval,
    resample_weights,
    weight_blocks,
)


def test_weights_count_draws():
    weights = resample_weights(9, seed=0, resamples=50)
    assert weights.shape == (50, 9)
    assert torch.equal(weights, weights.round()) and bool((weights >= 0).all())
    assert weights.sum(1).tolist() == [9] * 50
    assert torch.equal(weights, resample_weights(9, seed=0, resamples=50))
    assert not torch.equal(weights, resample_weights(9, seed=1, resamples=50))


def test_blocks_of_weights_are_the_same_draws(monkeypatch):
    whole = resample_weights(9, seed=0, resamples=50)
    monkeypatch.setattr("limner.metrics.bootstrap._BLOCK", 64)
    blocks = list(weight_blocks(9, seed=0, resamples=50))
    assert [len(block) for block in blocks] == [7] * 7 + [1]
    assert torch.equal(torch.cat(blocks), whole)
    assert [len(block) for block in weight_blocks(100, seed=0, resamples=3)] == [1, 1, 1]


def test_interval_of_a_mean_has_the_width_of_theory():
    values = torch.randn(400, generator=torch.Generator().manual_seed(0))
    low, high = mean_interval(values, seed=0, resamples=4000)
    assert low < float(values.mean()) < high
    # 1.96 standard errors on both sides; the ends of 4000 resamples are themselves uncertain by about 3 %.
    assert high - low == pytest.approx(2 * 1.96 * float(values.std()) / 20, rel=0.1)


def test_interval_of_equal_values_is_a_point():
    assert mean_interval(torch.full((5,), True), seed=0) == (1, 1)


def test_pictures_of_one_map_are_drawn_together():
    maps = torch.arange(400) % 40  # ten pictures a map, which alone decides the value
    values = torch.randn(40, generator=torch.Generator().manual_seed(0))[maps]
    low, high = mean_interval(values, seed=0, groups=maps, resamples=4000)
    assert high - low == pytest.approx(2 * 1.96 * float(values[:40].std()) / 40**0.5, rel=0.1)
    low, high = mean_interval(values, seed=0, resamples=4000)
    assert high - low == pytest.approx(2 * 1.96 * float(values.std()) / 20, rel=0.1)
    one_each = torch.arange(400) * 7
    assert mean_interval(values, seed=0, groups=one_each) == pytest.approx(mean_interval(values, seed=0))


def test_the_mean_over_groups_of_unequal_sizes_is_that_of_the_pictures():
    values, maps = torch.tensor([0.0, 1.0, 1.0, 1.0]), torch.tensor([5, 9, 9, 9])
    low, high = mean_interval(values, seed=0, groups=maps, level=0.4)
    assert (low, high) == (3 / 4, 3 / 4)  # half of the resamples hold each map once


def test_places_of_groups():
    assert group_places(torch.tensor([7, 2, 7, 5])).tolist() == [2, 0, 2, 1]


def test_percentiles_leave_out_what_is_not_a_number():
    values = torch.cat([torch.arange(101.0), torch.tensor([float("nan")])])
    assert percentile_interval(values, level=0.8) == pytest.approx((10, 90))


def test_centred_interval_is_moved_and_shrunk():
    values = torch.arange(101.0)  # mean 50
    assert centred_interval(7.0, values, level=0.8) == pytest.approx((-33, 47))
    assert centred_interval(7.0, values, shrink=0.5, level=0.8) == pytest.approx((-13, 27))
    without = torch.cat([values, torch.tensor([float("nan")])])
    assert centred_interval(7.0, without, level=0.8) == pytest.approx((-33, 47))
