"""Poses: inverse kinematics of the arms, limits, facings."""

from __future__ import annotations

import numpy as np
import pytest

from limner.errors import ConfigError
from limner.people.body import BodyShape, body_model, rotation_matrices
from limner.people.dice import Dice
from limner.people.pose import (
    ARMS,
    LIMITS,
    SEATED_LEGS,
    _arms,
    _seated_legs,
    is_seated,
    limited,
    mirror,
    reach,
    relaxed_arms,
    rotation_vector,
    sample_pose,
)
from limner.people.seat import seat_surfaces


@pytest.fixture(scope="module")
def upright():
    return body_model().pose(BodyShape())


@pytest.mark.parametrize("kind", list(ARMS))
@pytest.mark.parametrize("side", ["L", "R"])
def test_reach_brings_the_wrist_to_its_place(upright, kind, side):
    target, elbow = ARMS[kind]
    body = body_model().pose(BodyShape(), joints=reach(target, elbow, side))
    eyes, sign = upright.head.origin, 1 if side == "L" else -1
    wrist = (body.joints[f"wrist.{side}"].origin - eyes) * [sign, 1, 1]
    assert np.abs(wrist - target).max() < 0.006
    shoulder, bent = (body.joints[f"{name}.{side}"].origin for name in ("upperarm01", "lowerarm01"))
    wrist = body.joints[f"wrist.{side}"].origin
    line = (wrist - shoulder) / np.linalg.norm(wrist - shoulder)
    off_line = (bent - shoulder) - line * (line @ (bent - shoulder))
    assert off_line @ (np.array(elbow) * [sign, 1, 1]) > 0  # the elbow points where it should


def test_reach_too_far_stretches_the_arm(upright):
    body = body_model().pose(BodyShape(), joints=reach((0.2, -3.0, -0.25), (0, 0, -1)))
    names = ("upperarm01.L", "lowerarm01.L", "wrist.L")
    shoulder, elbow, wrist = (body.joints[name].origin for name in names)
    assert wrist[1] < shoulder[1] - 0.4
    straight = np.linalg.norm(elbow - shoulder) + np.linalg.norm(wrist - elbow)
    assert np.linalg.norm(wrist - shoulder) > 0.99 * straight


def test_rotation_vector_inverts_rotation_matrices():
    turns = np.random.default_rng(0).normal(size=(20, 3))
    for turn, matrix in zip(turns, rotation_matrices(turns), strict=True):
        assert np.allclose(rotation_vector(matrix.astype(float)), turn, atol=1e-4)
    assert np.array_equal(rotation_vector(np.eye(3)), np.zeros(3))


def test_poses_depend_on_the_dice_only():
    assert sample_pose(Dice(1, 2, "pose")) == sample_pose(Dice(1, 2, "pose"))
    poses = [str(sample_pose(Dice(1, index, "pose"))) for index in range(20)]
    assert len(set(poses)) == 20


def test_poses_stay_within_limits_and_stand_on_the_ground():
    known = set(body_model().joint_names)
    for index in range(25):
        joints = sample_pose(Dice(7, index, "pose"))
        assert set(joints) <= known
        assert limited(joints) == joints
        if index % 5 == 0:
            body = body_model().pose(BodyShape(), joints=joints)
            assert body.part("body").vertices[:, 2].min() == pytest.approx(0, abs=1e-5)
            ankles = [body.joints[f"foot.{side}"].origin[2] for side in "LR"]
            assert min(ankles) < 0.2
            assert 0.8 < body.head.origin[2] - min(ankles) < 1.8


def test_limits_clip_each_side_in_its_own_sense():
    clipped = limited({"upperleg01.L": (0.0, -2.0, 0.0), "upperleg01.R": (0.0, 2.0, 0.0), "wrist.L": (3.0, 0.0, 0.0)})
    least = LIMITS["upperleg01"][0][1]
    assert clipped["upperleg01.L"][1] == pytest.approx(least)
    assert clipped["upperleg01.R"][1] == pytest.approx(-least)
    assert clipped["wrist.L"] == (3.0, 0.0, 0.0)


@pytest.mark.parametrize(("facing", "direction"), [("front", -1), ("back", 1)])
def test_facing_turns_the_body(facing, direction):
    for index in range(5):
        body = body_model().pose(BodyShape(), joints=sample_pose(Dice(3, index, "pose"), facing=facing))
        towards = -body.joints["spine01"].axes[1]
        assert direction * towards[1] > 0.6


def posed(legs: str, arms: tuple[str, str]):
    dice = Dice(4, 0, "pose")
    return body_model().pose(BodyShape(), joints=limited(_seated_legs(legs, dice) | _arms(arms, dice)))


@pytest.mark.parametrize("legs", list(SEATED_LEGS))
def test_who_sits_sits_on_something(legs, upright):
    body = posed(legs, ("thigh", "thigh"))
    (seat,) = seat_surfaces(body, seed=3)
    assert seat.label == 0 and seat.body_label == 0, "it belongs to the background"
    hips = (body.joints["upperleg01.L"].origin + body.joints["upperleg01.R"].origin) / 2
    low, high = seat.vertices.min(axis=0), seat.vertices.max(axis=0)
    assert low[2] == pytest.approx(0) and (low[:2] < hips[:2]).all() and (hips[:2] < high[:2]).all()
    assert 0.02 < hips[2] - high[2] < 0.2, "the flesh between"
    assert (0.35 if legs != "perched" else 0.5) < high[2] < 0.9
    assert body.head.origin[2] < upright.head.origin[2] - 0.1
    for side in "LR":
        assert body.joints[f"lowerleg01.{side}"].origin[1] < hips[1] - 0.25, "the knees are in front"
    assert seat_surfaces(upright, seed=3) == []


@pytest.mark.parametrize("arms", ["overhead", "wide", "out", "nape"])
def test_raised_arms_are_raised(arms):
    body = posed("seated", (arms, arms))
    for side in "LR":
        wrist, shoulder = (body.joints[f"{name}.{side}"].origin for name in ("wrist", "upperarm01"))
        assert wrist[2] > shoulder[2] - 0.05
        assert arms not in ("overhead", "wide") or wrist[2] > body.head.origin[2]


def test_crossed_arms_cross():
    body = posed("seated", ("crossed", "crossed"))
    left, right = (body.joints["spine01"].to_local(body.joints[f"wrist.{side}"].origin) for side in "LR")
    assert left[0] < right[0], "each wrist is on the other's side"
    assert np.linalg.norm(left - right) > 0.05, "the forearms do not run through each other"


def test_poses_are_spread_wide():
    """Sitting where allowed, arms above the shoulders, crossed arms, and backs turned more or less."""
    poses = [sample_pose(Dice(9, index, "pose"), may_sit=True) for index in range(300)]
    assert 0.14 < np.mean([is_seated(joints) for joints in poses]) < 0.3
    assert not any(is_seated(sample_pose(Dice(9, index, "pose"))) for index in range(300))
    backs = [sample_pose(Dice(9, index, "pose"), facing="back")["root"][2] for index in range(200)]
    away = np.pi - np.abs(np.remainder(np.array(backs) + np.pi, 2 * np.pi) - np.pi)
    assert 0.2 < np.mean(away > 0.3) < 0.75 and away.max() < 0.7
    raised = 0
    for joints in poses[:60]:
        body = body_model().pose(BodyShape(), joints=joints)
        raised += any(body.joints[f"wrist.{s}"].origin[2] > body.joints[f"upperarm01.{s}"].origin[2] for s in "LR")
    assert 4 <= raised <= 30


def test_unknown_facing_is_refused():
    with pytest.raises(ConfigError, match='Did you mean "front"'):
        sample_pose(Dice(1, 1, "pose"), facing="frnt")


def test_mirror_mirrors_the_body():
    joints = relaxed_arms(Dice(1, 3, "pose")) | {"spine03": (0.1, 0.05, 0.2)}
    body, other = (body_model().pose(BodyShape(), joints=pose) for pose in (joints, mirror(joints)))
    assert mirror(mirror(joints)) == joints
    flipped = other.keypoints18 * [-1, 1, 1]
    assert np.abs(flipped[[5, 6, 7]] - body.keypoints18[[2, 3, 4]]).max() < 1e-3


def test_relaxed_arms_hang_beside_the_body():
    body = body_model().pose(BodyShape(), joints=relaxed_arms(Dice(2, 2, "pose")))
    for side, sign in (("L", 1), ("R", -1)):
        shoulder, wrist = body.joints[f"upperarm01.{side}"].origin, body.joints[f"wrist.{side}"].origin
        assert wrist[2] < shoulder[2] - 0.4
        assert 0.1 < sign * wrist[0] < 0.4
