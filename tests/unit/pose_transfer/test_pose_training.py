"""Scores that see whether a garment has its colour."""

from __future__ import annotations

import torch

from limner.pose_transfer.training import body_mask, picture_scores, pose_grid


def standing() -> torch.Tensor:
    points = torch.full((1, 18, 2), float("nan"))
    for joint, (x, y) in {1: (22, 12), 2: (16, 13), 5: (28, 13), 8: (18, 34), 11: (26, 34)}.items():
        points[0, joint] = torch.tensor([float(x), float(y)])
    return points


def test_the_mask_is_where_the_limbs_are():
    mask = body_mask(standing(), (64, 44))
    assert mask.shape == (1, 1, 64, 44) and mask[0, 0, 13, 22] == 1 and mask[0, 0, 34, 18] == 1
    assert mask[0, 0, 60].sum() == 0 and 0 < mask.mean() < 0.3


def test_a_grey_garment_has_the_wrong_colour_and_the_right_lightness():
    points, truth = standing(), torch.ones(1, 3, 64, 44)
    red, grey = torch.tensor([0.5, -0.6, -0.6]), torch.full((3,), -0.1879)  # of equal L*
    inside = body_mask(points, (64, 44))[0, 0] > 0
    truth[0][:, inside] = red[:, None]
    guess = truth.clone()
    guess[0][:, inside] = grey[:, None]
    scores = picture_scores(truth, guess, points)
    assert scores["lightness_error"] < 3 < 40 < scores["chroma_error"] <= scores["error"]
    elsewhere = truth.clone()
    elsewhere[0][:, ~inside] = -1
    scores = picture_scores(truth, elsewhere, points)
    assert scores["error"] == 0 and scores["l1"] > 1


def test_grids_show_maps_in_grey():
    grid = pose_grid([torch.full((2, 1, 4, 3), 5.0), torch.zeros(2, 3, 4, 3)])
    assert grid.shape == (2, 2, 3, 4, 3) and grid.max() == 1
