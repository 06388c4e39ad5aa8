"""Poses from files and arrays: what is read, what is refused, and the way between them."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest

from limner.data.keypoints import NAMES, keypoint_row
from limner.data.size import Size
from limner.errors import ConfigError, DataError, ShapeError
from limner.pose_transfer.poses import (
    Pose,
    between,
    checked_pose,
    pose_to_json,
    read_pose,
    read_poses,
    with_swapped_sides,
    write_pose,
)
from tests.stick_people import SIZE, pose

PICTURE = Size(*SIZE)


@pytest.fixture
def points():
    found = pose(np.random.default_rng(0))
    found[NAMES.index("l_wrist")] = np.nan
    return found


def openpose(points, *, people=1, body_25=False):
    rows = [[0, 0, 0] if np.isnan(point).any() else [*point, 0.9] for point in points]
    if body_25:
        rows = [*rows[:8], [1, 1, 1], *rows[8:], *[[2, 2, 1]] * 6]
    return {"people": [{"pose_keypoints_2d": [value for row in rows for value in row]}] * people}


@pytest.mark.parametrize("form", ["openpose", "body-25", "names", "list", "table"])
def test_every_form_is_read(points, tmp_path, form):
    path = tmp_path / ("pose.csv" if form == "table" else "pose.json")
    if form == "table":
        path.write_text(f"name:keypoints_y:keypoints_x\n{keypoint_row('a.jpg', points)}\n")
    elif form == "list":
        path.write_text(json.dumps([None if np.isnan(p).any() else p.tolist() for p in points]))
    elif form == "names":
        write_pose(path, Pose(points, PICTURE))
    else:
        path.write_text(json.dumps(openpose(points, body_25=form == "body-25")))
    found = read_pose(path)
    np.testing.assert_allclose(found.points, points, atol=1e-3)
    assert found.size == (PICTURE if form == "names" else None) and found.is_table == (form == "table")
    assert found.name == ("a" if form == "table" else "pose")
    assert np.array_equal(read_pose(points).points, points, equal_nan=True)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"people": []}, "has no people; there must be one"),
        ({"people": [{}, {}]}, "has 2 people; there must be one"),
        ({"people": [{"pose_keypoints_2d": [1, 2]}]}, "is no pose"),
        ({"points": {"nose": [1, 2], "tail": [3, 4]}}, 'has the point "tail", which is unknown'),
        ({"points": [[1, 2]] * 17}, "is no pose"),
        ({"points": [[1, "x"]] * 18}, "is no pose"),
        ({"points": [[1, 1e300]] * 18}, "is no pose"),
        ({"points": [[1, 2]] * 18, "width": -3, "height": 5}, "is no pose"),
        ([], "is no pose"),
        (3, "is no pose"),
    ],
)
def test_what_is_no_pose_is_refused_in_one_sentence(content, says, tmp_path):
    path = tmp_path / "pose.json"
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match=says) as caught:
        read_pose(path)
    assert "\n" not in str(caught.value)
    with pytest.raises(DataError, match="must end in"):
        read_pose(tmp_path / "pose.txt")


def test_arrays_of_another_shape_are_refused():
    for wrong in (np.zeros((17, 2)), "x" * 0 or [[1, 2], [3]], np.full((18, 2), 1e9), np.full((18, 2), np.inf)):
        with pytest.raises(ShapeError):
            read_pose(wrong)


def test_several_poses_come_in_their_order(points, tmp_path):
    folder = tmp_path / "poses"
    folder.mkdir()
    for number in range(3):
        write_pose(folder / f"{number}.json", Pose(points + number))
    next(folder.iterdir()).with_name("._0.json").write_bytes(bytes(range(256)))  # as macOS leaves them
    assert [round(one.points[0, 0] - points[0, 0]) for one in read_poses(folder)] == [0, 1, 2]
    listed = tmp_path / "list.json"
    listed.write_text(json.dumps([pose_to_json(Pose(points)), pose_to_json(Pose(points + 1))]))
    assert len(read_poses(listed)) == 2
    with pytest.raises(DataError, match="has 2 poses"):
        read_pose(listed)


def test_points_outside_of_the_picture_count_as_not_seen(points):
    points[NAMES.index("r_wrist")] = (-30, 20)
    found = checked_pose(points, PICTURE, what="The pose")
    assert np.isnan(found[NAMES.index("r_wrist")]).all() and np.isfinite(found[0]).all()
    with pytest.raises(DataError, match="17 of 17 points lie outside of the picture"):
        checked_pose(points + 500, PICTURE, what="The pose")
    with pytest.raises(DataError, match=r"outside of the picture \(352x512\)"):
        checked_pose(points + 500, PICTURE, what="The pose", given_in=Size(512, 352))


def test_shares_of_the_sides_and_points_on_one_spot_are_refused(points):
    for wrong in (points / [PICTURE.width, PICTURE.height], np.full_like(points, 20.0)):
        with pytest.raises(DataError, match=r"within .* pixels of each other.* not in shares"):
            checked_pose(wrong, PICTURE, what="The pose")


@pytest.mark.parametrize("form", ["folder", "table"])
def test_poses_are_not_left_out_without_a_word(form, points, tmp_path, monkeypatch):
    monkeypatch.setattr("limner.pose_transfer.poses.MAX_POSES", 2)
    path = tmp_path / "poses"
    if form == "folder":
        path.mkdir()
        for number in range(3):
            write_pose(path / f"{number}.json", Pose(points))
    else:
        path = tmp_path / "poses.csv"
        rows = [f"{number}.png:{list(range(18))}:{list(range(18))}" for number in range(3)]
        path.write_text("\n".join(["name:keypoints_y:keypoints_x", *rows]) + "\n")
    with pytest.raises(DataError, match="has 3 poses; a sequence has at most 2"):
        read_poses(path)


def test_too_little_of_a_body_is_refused(points):
    face = np.full_like(points, np.nan)
    for name in ("nose", "neck", "r_eye", "l_eye"):
        face[NAMES.index(name)] = points[NAMES.index(name)]
    with pytest.raises(DataError, match="shows a face only; at least two of the shoulders and hips"):
        checked_pose(face, PICTURE, what="The pose")
    legs = np.full_like(points, np.nan)
    legs[NAMES.index("r_knee")] = points[NAMES.index("r_knee")]
    with pytest.raises(DataError, match="shows only knee"):
        checked_pose(legs, PICTURE, what="The pose")
    with pytest.raises(DataError, match="no point that is seen"):
        checked_pose(np.full_like(points, np.nan), PICTURE, what="The pose")


def test_exchanged_sides_are_noticed_and_put_right(points, caplog):
    wrong = with_swapped_sides(points)
    with pytest.raises(DataError, match="all lie on the wrong sides"):
        checked_pose(wrong, PICTURE, what="The pose")
    right = checked_pose(wrong, PICTURE, what="The pose", swap_sides=True)
    np.testing.assert_array_equal(right, checked_pose(points, PICTURE, what="The pose"))
    assert not caplog.text
    kept = checked_pose(points, PICTURE, what="The pose", swap_sides=True)  # its partner came from another program
    np.testing.assert_array_equal(kept, right)
    assert "The pose has left and right where they belong: they are not exchanged" in caplog.text
    back = wrong.copy()  # seen from behind: no face
    back[[NAMES.index(name) for name in ("nose", "r_eye", "l_eye")]] = np.nan
    assert np.isfinite(checked_pose(back, PICTURE, what="The pose")[1]).all()


@pytest.mark.parametrize("interpolation", ["linear", "cubic"])
def test_a_point_that_one_pose_lacks_is_seen_near_the_other(interpolation):
    """Arms and legs are there on the way; before, all that one of both lacked was gone but for the last picture."""
    first, second = np.zeros((18, 2)), np.full((18, 2), 8.0)
    first[3], second[5] = np.nan, np.nan
    second[4] = first[4] = np.nan
    way = np.stack(between([first, second], 4, interpolation))
    np.testing.assert_array_equal(way[[0, -1]], [first, second])
    assert np.isnan(way[:, 4]).all()
    assert np.isfinite(way[:, [3, 5]]).all(axis=2).tolist() == [[False, True]] * 2 + [[True, False]] * 3
    near_second = np.isfinite(way[:, 3, 0])
    np.testing.assert_allclose(way[near_second, 3], way[near_second, 0], err_msg="it moves as the others do")
    np.testing.assert_allclose(way[~near_second, 5], way[~near_second, 0])
    shoulder, elbow, wrist = (NAMES.index(f"r_{name}") for name in ("shoulder", "elbow", "wrist"))
    turned = np.full((18, 2), 8.0)
    turned[shoulder], turned[[elbow, wrist]] = (20.0, 0.0), np.nan
    for points in between([np.zeros((18, 2)), turned], 4, interpolation)[:2]:
        np.testing.assert_allclose(
            points[[elbow, wrist]], points[[shoulder, shoulder]], err_msg="an arm hangs together"
        )
    nothing = between([np.where(np.arange(18)[:, None] < 9, first, np.nan), np.full_like(first, np.nan)], 2)
    assert np.isfinite(nothing[0][0]).all() and np.isnan(nothing[1]).all()


def test_the_way_between_poses():
    first, second, third = np.zeros((18, 2)), np.full((18, 2), 4.0), np.full((18, 2), 12.0)
    straight = between([first, second, third], 4)
    assert [round(one[0, 0], 6) for one in straight] == [0, 1, 2, 3, 4, 6, 8, 10, 12]
    curved = [one[0, 0] for one in between([first, second, third], 4, "cubic")]
    assert curved[0] == 0 and curved[4] == 4 and curved[8] == 12 and all(a < b for a, b in itertools.pairwise(curved))
    assert abs((curved[5] - curved[4]) - (curved[4] - curved[3])) < 1, "no corner at the key pose"
    for wrong in (dict(steps=0), dict(steps=10_000_000), dict(steps=2, interpolation="wild")):
        with pytest.raises(ConfigError):
            between([first, third], **wrong)
