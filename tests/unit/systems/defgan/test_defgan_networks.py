"""Def-GAN's size, how parts of bodies move, and the loss that forgives small shifts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from limner.data.keypoints import NAMES
from limner.systems.defgan.deformation import LIMBS, NUM_PARTS, deform, deformation
from limner.systems.defgan.losses import nearest_neighbour_loss
from limner.systems.defgan.networks import Critic, Generator, num_levels
from tests.stick_people import SIZE, draw, pose


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def figure(seed=0):
    return torch.from_numpy(pose(np.random.default_rng(seed))).float()[None]


def test_published_number_of_parameters():
    assert num_levels(256) == 7 and num_levels(128) == 6
    with torch.device("meta"):
        assert count(Generator()) == 82_080_579
        assert count(Critic()) == 2_803_777


@pytest.mark.parametrize("size", [(64, 44), (128, 88), (64, 33)])
def test_a_picture_of_the_photos_size_comes_out(size):
    torch.manual_seed(0)
    net = Generator(width=4, levels=num_levels(size[0]))
    source, points = torch.rand(2, 3, *size), figure().expand(2, -1, -1) / 2
    maps = torch.rand(2, 18, *size)
    picture = net(source, maps, maps, *deformation(points, points, size))
    assert picture.shape == source.shape and picture.abs().max() < 1
    picture.sum().backward()
    assert all(parameter.grad is not None for parameter in net.parameters())
    assert Critic(width=4)(source, maps, picture, maps).shape[:2] == (2, 1)


def test_an_unchanged_pose_moves_nothing():
    points = figure()
    moved = deformation(points, points, SIZE)
    expected = torch.eye(2, 3).expand(1, NUM_PARTS, 2, 3)
    torch.testing.assert_close(moved.maps, expected, atol=1e-4, rtol=0)
    features = torch.rand(1, 5, *SIZE)
    torch.testing.assert_close(deform(features, moved), features, atol=2e-3, rtol=0)
    assert moved.masks[:, 0].min() == 1 and set(moved.masks.unique().tolist()) == {0.0, 1.0}


def test_a_shifted_person_is_moved_at_every_resolution():
    points = figure()
    shifted = points + torch.tensor([16.0, -8.0])
    moved = deformation(points, shifted, SIZE)
    for scale in (1, 2, 4):
        features = torch.zeros(1, 1, SIZE[0] // scale, SIZE[1] // scale)
        features[..., 40 // scale, 40 // scale] = 1
        found = deform(features, moved)[0, 0]
        row, column = divmod(int(found.argmax()), found.shape[1])
        assert (row, column) == (32 // scale, 56 // scale)


def test_limbs_are_found_in_the_photo_where_they_are():
    """A drawn person, moved into another pose, has the colours of each limb along that limb."""
    source, target = figure(1), figure(2)
    photo, truth = (
        torch.from_numpy(draw(points[0].numpy(), (200, 30, 30), (30, 30, 200)).copy()).permute(2, 0, 1)[None].float()
        / 255
        for points in (source, target)
    )
    moved = deformation(source, target, SIZE)
    for part, (a, b) in enumerate(LIMBS, start=2):
        middle = (target[:, a] + target[:, b]) / 2
        grid = (2 * middle + 1) / torch.tensor([SIZE[1], SIZE[0]]) - 1
        linear, shift = moved.maps[:, part].split([2, 1], dim=-1)
        place = (linear @ grid[..., None] + shift)[..., 0]
        expected = (source[:, a] + source[:, b]) / 2
        torch.testing.assert_close(((place + 1) * torch.tensor([SIZE[1], SIZE[0]]) - 1) / 2, expected, atol=0.1, rtol=0)
        x, y = middle[0].round().long().tolist()
        assert moved.masks[0, part, y, x] == 1
        found = functional.grid_sample(photo, place[:, None, None], align_corners=False)[0, :, 0, 0]
        torch.testing.assert_close(found, truth[0, :, y, x], atol=0.15, rtol=0)


def test_of_a_hidden_limb_the_other_side_is_taken_and_a_part_of_neither_is_nothing():
    source, target = figure(1), figure(2)
    whole = deformation(source, target, SIZE)
    wrists = [NAMES.index(name) for name in ("r_wrist", "l_wrist")]
    hidden = source.clone()
    hidden[:, wrists[0]] = torch.nan
    moved = deformation(hidden, target, SIZE)
    right, left = (2 + LIMBS.index((NAMES.index(f"{side}_elbow"), NAMES.index(f"{side}_wrist"))) for side in "rl")
    assert moved.maps.isfinite().all() and not torch.equal(moved.maps[:, right], whole.maps[:, right])
    middle = (target[:, wrists[0]] + target[:, NAMES.index("r_elbow")]) / 2
    sides = torch.tensor([SIZE[1], SIZE[0]])
    place = (moved.maps[:, right, :, :2] @ ((2 * middle + 1) / sides - 1)[..., None])[..., 0] + moved.maps[
        :, right, :, 2
    ]
    expected = (source[:, wrists[1]] + source[:, NAMES.index("l_elbow")]) / 2
    torch.testing.assert_close(((place + 1) * sides - 1) / 2, expected, atol=0.3, rtol=0)
    hidden[:, wrists] = torch.nan
    moved = deformation(hidden, target, SIZE)
    features = torch.ones(1, 2, *SIZE)
    for part in (right, left):
        alone = moved._replace(masks=moved.masks * (torch.arange(NUM_PARTS) == part)[None, :, None, None])
        assert deform(features, alone).max() == 0
    unseen = target.clone()
    unseen[:, wrists] = torch.nan
    assert deformation(source, unseen, SIZE).masks[:, [right, left]].max() == 0


@pytest.mark.parametrize("kept", [[], ["nose"], ["r_shoulder", "l_shoulder"], ["r_hip"]])
def test_few_points_give_finite_maps(kept):
    points = torch.full((1, 18, 2), torch.nan)
    for number, name in enumerate(kept):
        points[0, NAMES.index(name)] = torch.tensor([30.0 + 9 * number, 40.0])
    for source, target in ((points, figure()), (figure(), points), (points, points)):
        moved = deformation(source, target, SIZE)
        assert moved.maps.isfinite().all() and moved.masks.isfinite().all()
        assert deform(torch.rand(1, 2, 16, 11), moved).isfinite().all()


@pytest.mark.parametrize("far", [1e3, 1e4, 1e5, 1e6])
def test_points_extremely_far_away_give_finite_maps(far):
    for number in range(18):
        near, distant = figure(number), figure(number)
        distant[:, number] = torch.tensor([far, -far / 3])
        for source, target in ((near, distant), (distant, near), (distant, distant)):
            assert all(part.isfinite().all() for part in deformation(source, target, SIZE))


def test_edge_on_torsos_keep_their_width():
    """All four joints on a line leave the map across it open: it stays the identity there."""
    points, source = figure(), figure()
    torso = [NAMES.index(name) for name in ("r_shoulder", "l_shoulder", "r_hip", "l_hip")]
    for both in (points, source):
        both[:, torso, 0] = 44.0
    linear = deformation(source, points, SIZE).maps[0, 0, :, :2]
    torch.testing.assert_close(linear, torch.eye(2), atol=1e-4, rtol=0)


def test_the_loss_forgives_shifts_within_reach_alone():
    torch.manual_seed(0)
    real = torch.rand(2, 3, 12, 10)
    shifted = real.roll((1, 2), dims=(2, 3))
    inner = (..., slice(3, -3), slice(3, -3))
    assert nearest_neighbour_loss(real, real, reach=0) == 0
    far, near = (nearest_neighbour_loss(real, shifted, reach=reach) for reach in (1, 2))
    assert far > 0.2 and near < far / 2  # what is left of the second is at the border
    by_hand = torch.full((2, 12, 10), torch.inf)
    padded = functional.pad(real, (2, 2, 2, 2), mode="replicate")
    for i in range(5):
        for j in range(5):
            by_hand = torch.minimum(by_hand, (shifted - padded[:, :, i : i + 12, j : j + 10]).abs().sum(1))
    torch.testing.assert_close(near, by_hand.mean())
    assert by_hand[inner].max() == 0
    made = shifted.clone().requires_grad_(True)
    nearest_neighbour_loss(real, made, reach=1).backward()
    assert made.grad.abs().max() > 0
