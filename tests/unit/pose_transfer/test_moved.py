"""A photo moved limb by limb: pixels come from the same place of the same limb."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from limner.data.keypoints import NAMES
from limner.pose_transfer.moved import LIMBS, limb_ends, moved_photo
from tests.stick_people import pose

SIZE = 64
CUBIC = 2e-3
"""What reading between pixels by a cubic changes of a slope, a quarter of a level of 255."""
PLACE = {name: number for number, name in enumerate(NAMES)}


def person(seed=3):
    """(1, 18, 2) key points well inside of a square picture."""
    return torch.from_numpy(pose(np.random.default_rng(seed))[None] / 2.4 + [[12.0, 4.0]]).float()


def slope():
    """A picture whose colours say where each pixel lies, which survives being read between pixels, but for `CUBIC`."""
    y, x = torch.meshgrid(torch.linspace(-0.9, 0.9, SIZE), torch.linspace(-0.8, 0.8, SIZE), indexing="ij")
    return torch.stack([x, y, x * 0 + 0.5])[None]


def by_name(**points):
    """(1, 18, 2), NaN but for those that are named."""
    found = torch.full((1, 18, 2), math.nan)
    for name, place in points.items():
        found[0, PLACE[name]] = torch.tensor(place)
    return found


def test_in_its_own_pose_a_person_stays():
    points, photo = person(), slope()
    moved = moved_photo(photo, points, points)
    colours, share = moved[:, :3], moved[:, 3:]
    assert moved.shape == (1, 4, SIZE, SIZE) and 0.05 < share.mean() < 0.6
    assert torch.allclose(colours, photo * share, atol=1e-5)
    for x, y in points[0, PLACE["r_shoulder"] : PLACE["l_ankle"] + 1].round().long().tolist():
        assert share[0, 0, y, x] > 0.9
    assert not share[..., :4, :4].any() and not colours[..., :4, :4].any()


def test_a_step_aside_and_a_larger_person():
    points, photo = person(), slope()
    aside = moved_photo(photo, points, points + torch.tensor([5.0, -3.0]))
    still = moved_photo(photo, points, points)
    assert torch.allclose(aside[..., 2:-8, 8:-2], still[..., 5:-5, 3:-7], atol=1e-5)
    # A person three quarters as large in the photo: each pixel comes from three quarters of its way from the middle.
    middle = torch.tensor([31.5, 31.5])
    moved = moved_photo(photo, (points - middle) * 0.75 + middle, points)
    wanted = torch.cat([photo[:, :2] * 0.75, photo[:, 2:]], dim=1) * moved[:, 3:]
    assert torch.allclose(moved[:, :3], wanted, atol=CUBIC)


def test_a_turned_picture_moves_as_a_turned_person():
    points, photo, other = person(), slope(), person(5)
    found = moved_photo(photo, points, other)
    # A quarter turn to the left: (x, y) -> (y, width - 1 - x).
    turned = torch.stack([other[..., 1], SIZE - 1 - other[..., 0]], dim=-1)
    again = moved_photo(photo, points, turned)
    assert torch.allclose(again, found.rot90(1, (2, 3)), atol=1e-4)


def test_a_limb_that_is_raised_takes_its_colours_along():
    base = dict(r_shoulder=[24.0, 16.0], l_shoulder=[40.0, 16.0], r_hip=[26.0, 40.0], l_hip=[38.0, 40.0])
    hanging = by_name(**base, r_elbow=[16.0, 28.0], r_wrist=[14.0, 40.0])
    raised = by_name(**base, r_elbow=[12.0, 10.0], r_wrist=[14.0, 2.0])
    photo = -torch.ones(1, 3, SIZE, SIZE)
    photo[..., 36:44, 10:18] = 1.0  # the hand
    moved = moved_photo(photo, hanging, raised)
    assert moved[0, 0, 3, 14] > 0.9 and moved[0, 0, 40, 14] == 0 and moved[0, 3, 40, 14] == 0
    assert moved[0, 0, 28, 32] == -1 and moved[0, 3, 28, 32] == 1, "the chest stays"


def test_of_a_limb_that_the_photo_does_not_show_the_other_is_taken():
    base = dict(r_shoulder=[24.0, 16.0], l_shoulder=[40.0, 16.0], r_hip=[26.0, 40.0], l_hip=[38.0, 40.0])
    given = by_name(**base, r_elbow=[14.0, 26.0])
    wanted = by_name(**base, l_elbow=[54.0, 22.0])
    photo = -torch.ones(1, 3, SIZE, SIZE)
    photo[..., 20:30, 10:20] = 1.0
    moved = moved_photo(photo, given, wanted)
    assert moved[0, 0, 22, 53] > 0.9
    neither = moved_photo(photo, by_name(**base), wanted)
    assert neither[0, 3, 22, 53] == 0


def test_arms_are_in_front_of_the_chest():
    base = dict(r_shoulder=[24.0, 16.0], l_shoulder=[40.0, 16.0], r_hip=[26.0, 40.0], l_hip=[38.0, 40.0])
    given = by_name(**base, r_elbow=[8.0, 20.0], r_wrist=[8.0, 34.0])
    crossed = by_name(**base, r_elbow=[22.0, 28.0], r_wrist=[38.0, 28.0])
    photo = -torch.ones(1, 3, SIZE, SIZE)
    photo[..., :, :12] = 1.0
    moved = moved_photo(photo, given, crossed)
    assert moved[0, 0, 28, 32] > 0.9 and moved[0, 0, 36, 32] == -1


@pytest.mark.parametrize("broken", ["source", "target"])
def test_without_any_point_nothing_is_moved(broken):
    points = {"source": person(), "target": person(5)}
    points[broken] = torch.full((1, 18, 2), math.nan)
    assert not moved_photo(slope(), **points).any()


def test_points_at_one_place_or_far_away_give_numbers():
    for odd in (torch.full((1, 18, 2), 20.0), person() + 1e6, person() * 1e-6):
        for pair in ((odd, person()), (person(), odd)):
            found = moved_photo(slope(), *pair)
            assert torch.isfinite(found).all() and found.abs().max() <= 1


def test_a_picture_is_moved_the_same_in_company():
    photos = torch.cat([slope(), -slope()])
    source, target = torch.cat([person(1), person(2)]), torch.cat([person(5), person(6)])
    together = moved_photo(photos, source, target)
    apart = torch.cat([moved_photo(*(part[i : i + 1] for part in (photos, source, target))) for i in range(2)])
    assert torch.equal(together, apart)


def test_ends_of_limbs():
    ends = limb_ends(person())[0]
    assert ends.shape == (len(LIMBS), 2, 2) and torch.isfinite(ends).all()
    points = person()[0]
    shoulders = (points[PLACE["r_shoulder"]] + points[PLACE["l_shoulder"]]) / 2
    assert torch.allclose(ends[0, 0], shoulders)
    some = by_name(nose=[3.0, 4.0])
    assert torch.equal(limb_ends(some)[0, 1, 1], torch.tensor([3.0, 4.0]))
