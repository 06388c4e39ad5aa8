"""Maps of points: worked-out values, and what a point that is not seen does."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from limner.data.points import gaussian_heatmaps, group_maps, one_hot_heatmaps, polylines

NAN = float("nan")


def test_gaussians_of_the_paper():
    maps = gaussian_heatmaps(torch.tensor([[[88.0, 40.0], [NAN, NAN], [-500.0, 3.0]]]), (256, 176), sigma=12.0)
    assert maps.shape == (1, 3, 256, 176) and maps[0, 0, 40, 88] == 1
    assert maps[0, 0, 40, 100] == pytest.approx(0.60653, abs=1e-5)
    assert maps[0, 0, 64, 88] == pytest.approx(0.13534, abs=1e-5)
    assert maps[0, 0].sum() == pytest.approx(904.446, abs=1e-2)
    assert (maps[0, 1] == 0).all() and maps[0, 2].max() < 1e-6


def test_no_value_of_a_map_is_a_denormal_number():
    points = torch.tensor([[[3.0, 5.0], [30.0, 60.0], [-9.0, 4.0]]])
    for maps in (
        gaussian_heatmaps(points, (64, 64), sigma=1.5),
        polylines(points, [[(0, 1, 2)]], (64, 64), sigma=1.5),
        group_maps(points, [(0, 1), (2,)], (64, 64), sigma=1.5),
    ):
        assert (maps == 0).any()
        assert maps[maps > 0].min() > 2.0**-24  # smaller ones slow convolutions down tenfold


def test_one_pixel_or_none():
    points = torch.tensor([[[2.4, 1.6], [2.5, 0.0], [NAN, NAN], [9.0, 0.0]]])
    maps = one_hot_heatmaps(points, (4, 5))
    assert maps.sum(dim=(2, 3)).tolist() == [[1, 1, 0, 0]]
    assert maps[0, 0, 2, 2] == 1 and maps[0, 1, 0].sum() == 1


def test_lines_are_as_far_as_they_are():
    points = torch.tensor([[[1.0, 2.0], [6.0, 2.0], [6.0, 7.0], [NAN, NAN]]])
    maps = polylines(points, [[(0, 1, 2)], [(0, 1), (2, 3)]], (9, 9), sigma=1.5)
    assert maps.shape == (1, 2, 9, 9)
    assert maps[0, 0, 2, 1:7].tolist() == [1] * 6 and maps[0, 0, 2:8, 6].tolist() == [1] * 6
    assert maps[0, 0, 5, 3] == pytest.approx(np.exp(-9 / 4.5)) and maps[0, 0, 0, 0] == pytest.approx(np.exp(-5 / 4.5))
    assert maps[0, 1, 7, 6] == pytest.approx(np.exp(-25 / 4.5))  # the segment to the unseen point is not there
    assert (polylines(points, [[(2, 3)]], (9, 9), sigma=1.5) == 0).all()


def test_several_lines_are_the_nearest_of_each():
    """The segments of a channel are drawn at once; each alone gives the same to the bit."""
    points = torch.rand(2, 6, 2, generator=torch.Generator().manual_seed(0)) * 11
    lines = [(0, 1, 2), (3, 4), (5, 0)]
    alone = [polylines(points, [[pair]], (9, 11), sigma=1.5) for pair in ((0, 1), (1, 2), (3, 4), (5, 0))]
    assert torch.equal(polylines(points, [lines], (9, 11), sigma=1.5), torch.stack(alone).amax(dim=0))


def test_groups_take_the_nearest_point():
    points = torch.tensor([[[1.0, 1.0], [5.0, 1.0], [NAN, NAN]]])
    maps = group_maps(points, [(0, 1), (1, 2), (2,)], (4, 8), sigma=2.0)
    each = gaussian_heatmaps(points, (4, 8), sigma=2.0)
    assert torch.equal(maps[:, 0], torch.maximum(each[:, 0], each[:, 1])) and torch.equal(maps[:, 1], each[:, 1])
    assert (maps[:, 2] == 0).all()


def test_a_shift_of_the_points_shifts_the_maps():
    points = torch.tensor([[[3.0, 4.0], [6.25, 2.5]]])
    for draw in (
        lambda p: gaussian_heatmaps(p, (12, 12), sigma=1.0),
        lambda p: one_hot_heatmaps(p, (12, 12)),
        lambda p: polylines(p, [[(0, 1)]], (12, 12), sigma=1.0),
    ):
        before, after = draw(points), draw(points + torch.tensor([2.0, 1.0]))
        torch.testing.assert_close(before[..., :-1, :-2], after[..., 1:, 2:])
