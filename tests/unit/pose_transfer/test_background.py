"""The photo's own background behind drawn people: still where nobody moves, whole people, one picture at a time."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from limner.data.keypoints import NAMES
from limner.pose_transfer.background import filled, keep_background, reach_of, smooth_ground, with_likely_joints
from limner.pose_transfer.training import body_mask
from tests.stick_people import pose

SIZE = (64, 44)
LEGS = [number for number, name in enumerate(NAMES) if name[2:] in ("knee", "ankle")]
BROWN = (120.0, 60.0, 30.0)


def people(count):
    """(count, 18, 2) key points in pixels of `SIZE`."""
    random = np.random.default_rng(3)
    return np.stack([pose(random) / 2 for _ in range(count)])


def ground(left, right):
    """(3, h, w) a grey that goes from one level to another."""
    return torch.linspace(left, right, SIZE[1]).expand(3, *SIZE).clone()


def with_person(behind, points):
    """Levels and mask of somebody brown in front of something."""
    body = body_mask(torch.from_numpy(points[None]).float(), SIZE)[0] > 0
    return torch.where(body, torch.tensor(BROWN)[:, None, None], behind), body[0]


def kept(painted, photo, photo_points, points):
    """As `keep_background`, in levels."""
    rows = (torch.stack(list(images)) / 127.5 - 1 for images in (painted, photo))
    return (keep_background(*rows, photo_points=photo_points, points=points) + 1) * 127.5


def test_a_flickering_ground_becomes_the_photos_and_people_stay_whole():
    first, *others = people(4) + np.array([[[-6.0, 0]], *[[[8.0, 0]]] * 3])
    behind = ground(90, 140)
    photo, was = with_person(behind, first)
    painted, bodies = zip(
        *(with_person(ground(150 + 4 * k, 160 - 4 * k), one) for k, one in enumerate(others)), strict=True
    )
    found = kept(painted, [photo] * 3, np.stack([first] * 3), np.stack(others))
    moving = torch.stack([reach_of(one, SIZE, grown_px=4) for one in others]).amax(dim=0) > 0
    assert (found[1:] - found[:-1]).abs()[..., ~moving].max() <= 1e-3, "asked: 2 levels at most"
    away = ~moving & (reach_of(first, SIZE, grown_px=8) == 0)
    assert (found - photo).abs()[..., away].max() < 0.01
    for picture, paint, body in zip(found, painted, bodies, strict=True):
        assert (picture - paint).abs()[:, body].max() < 1, "not a pixel of a limb is cut"
        left = was & (torch.nn.functional.max_pool2d(body[None].float(), 7, 1, 3)[0] == 0)
        assert left.any() and (picture - behind).abs()[:, left].max() < 16, "nobody is left where the person stood"


def test_legs_that_nobody_saw_are_not_cut_off():
    (first, second) = people(2)
    photo, _ = with_person(ground(90, 140), first)
    painted, body = with_person(ground(200, 200), second)
    unseen = second.copy()
    unseen[LEGS] = np.nan
    found = kept([painted], [photo], first[None], unseen[None])[0]
    assert (found - painted).abs()[:, body].max() < 1


def test_limbs_in_the_colour_of_the_ground_stay():
    (first, second) = people(2)
    photo, _ = with_person(ground(60, 60), first)
    painted = torch.full((3, *SIZE), 200.0)  # a white person on white
    found = kept([painted], [photo], first[None], second[None])[0]
    elbow, wrist = (second[NAMES.index(f"l_{name}")] for name in ("elbow", "wrist"))
    x, y = ((elbow + wrist) / 2).round().astype(int)
    assert (found[:, y, x] - 200).abs().max() < 1
    assert (found[:, 2, 2] - 60).abs().max() < 1


def test_each_picture_is_treated_alone():
    points = people(4)
    random = torch.Generator().manual_seed(0)
    noise = 20 * torch.rand(4, 3, *SIZE, generator=random)
    photos = torch.stack([with_person(ground(90, 140), one)[0] for one in points]) + noise
    painted = torch.stack([with_person(ground(150, 160), one)[0] for one in points[::-1].copy()]) + noise
    together = kept(painted, photos, points, points[::-1].copy())
    for k in range(4):
        alone = kept(painted[k : k + 1], photos[k : k + 1], points[k : k + 1], points[::-1][k : k + 1].copy())
        assert torch.equal(alone[0], together[k])


def test_what_is_not_seen_of_a_body_stands_upright():
    whole = people(1)[0]
    assert np.array_equal(with_likely_joints(whole, 64), whole)
    back = whole.copy()
    back[[NAMES.index(name) for name in ("nose", "r_eye", "l_eye", "r_ear", "l_ear")]] = np.nan
    back[LEGS] = np.nan
    found = with_likely_joints(back, 64)
    neck, hip = whole[NAMES.index("neck")], whole[NAMES.index("r_hip")]
    assert found[NAMES.index("nose")][1] < neck[1] and found[NAMES.index("r_ankle")][1] > hip[1] + 20
    assert np.isnan(found[NAMES.index("r_eye")]).all() and not np.isnan(found[NAMES.index("r_knee")]).any()
    hips = np.full_like(whole, np.nan)
    hips[[NAMES.index("r_hip"), NAMES.index("l_hip")]] = whole[[NAMES.index("r_hip"), NAMES.index("l_hip")]]
    assert np.isfinite(with_likely_joints(hips, 64)[NAMES.index("neck")]).all()


def test_a_ground_and_a_hole_in_it():
    behind = ground(40, 200)
    hole = torch.zeros(SIZE, dtype=torch.bool)
    hole[20:40, 15:25] = True
    closed = filled(torch.where(hole, 255.0, behind), hole)
    assert (closed - behind).abs().max() < 8 and torch.equal(closed[:, ~hole], behind[:, ~hole])
    assert torch.equal(filled(behind, torch.ones(SIZE, dtype=torch.bool)), behind), "nothing is known of it"
    (points,) = people(1)
    assert (smooth_ground(with_person(behind, points)[0], points) - behind).abs().max() < 2


@pytest.mark.parametrize("height", [32, 128])
def test_other_sizes(height):
    points = people(1)[0] * height / 64
    photo = torch.zeros(1, 3, height, height * 11 // 16)
    found = keep_background(photo + 0.5, photo, photo_points=points[None], points=points[None])
    assert found.shape == photo.shape and found.isfinite().all() and (found[..., 0, 0] == 0).all()


def test_what_stands_beside_the_person_stays_where_it_is():
    first, second = people(2)
    behind = ground(90, 140)
    behind[:, 4:20, 37:42] = 20
    photo, _ = with_person(behind, first)
    painted, _ = with_person(ground(200, 200), second)
    found = kept([painted], [photo], first[None], second[None])[0]
    assert (found - photo).abs()[:, 4:20, 38:42].max() < 0.01


def test_a_busy_background_is_kept_beside_the_body():
    """Nobody can be told from stripes by colour; beside the body they stay, up to its edge."""
    first, second = people(2)
    stripes = ground(120, 120) + 60 * (torch.arange(SIZE[0]) // 4 % 2 * 2 - 1)[None, :, None]
    photo, _ = with_person(stripes, first)
    painted, _ = with_person(ground(200, 200), second)
    found = kept([painted], [photo], first[None], second[None])[0]
    beside = (reach_of(first, SIZE, grown_px=5) == 0) & (reach_of(second, SIZE, grown_px=5) == 0)
    assert beside.float().mean() > 0.2 and (found - photo).abs()[:, beside].max() < 0.01


def test_a_busy_ground_that_is_painted_anew_each_time_is_not_seen():
    """As networks paint it that have learned streets, or nothing."""
    first, second = people(2)
    photo, _ = with_person(ground(90, 140), first)
    random = torch.Generator().manual_seed(0)
    painted = [with_person(255 * torch.rand(3, *SIZE, generator=random), second)[0] for _ in range(3)]
    found = kept(painted, [photo] * 3, np.stack([first] * 3), np.stack([second] * 3))
    still = reach_of(second, SIZE, grown_px=4) == 0
    assert still.float().mean() > 0.3 and (found[1:] - found[:-1]).abs()[..., still].max() == 0
    body = body_mask(torch.from_numpy(second[None]).float(), SIZE)[0, 0] > 0
    assert (found - torch.stack(painted)).abs()[..., body].max() < 1
