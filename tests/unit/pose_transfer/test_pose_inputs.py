"""Photos of people: where their key points come from, and what part of a photo is shown."""

from __future__ import annotations

import importlib.util
import os

import numpy as np
import pytest
from PIL import Image

from limner.data.image_io import save_label_map
from limner.data.keypoints import NAMES, keypoint_row
from limner.data.schema import SCHEMAS
from limner.data.size import Size
from limner.errors import DataError
from limner.pose_transfer.inputs import DETECTOR, read_person, target_pose, to_openpose
from limner.pose_transfer.parts import PARTS, SCHEMA, parts_of
from limner.pose_transfer.poses import Pose, write_pose
from tests.stick_people import draw, draw_parts, pose, write_stick_people

SMALL = Size(64, 44)


@pytest.fixture
def points():
    return pose(np.random.default_rng(1))


@pytest.fixture
def picture(points):
    return draw(points, (200, 30, 30), (30, 30, 200))


def test_points_move_with_the_pixels(points, picture):
    person = read_person(picture, size=SMALL, pose=points)
    assert person.image.shape == (64, 44, 3) and person.name == "photo"
    np.testing.assert_allclose(person.points, (points + 0.5) / 2 - 0.5)
    wide = np.pad(picture, ((0, 0), (100, 60), (0, 0)), mode="edge")
    moved = read_person(wide, size=SMALL, pose=points + np.array([100, 0]))
    assert abs(moved.points - person.points).max() < 4, "the person stands in the middle of what is cut"
    assert (np.sort(np.abs(moved.points - person.points)[:, 1]) < 1e-9).all()
    narrow = read_person(picture[:, 20:68], size=SMALL, pose=points - np.array([20, 0]))
    np.testing.assert_allclose(narrow.points, person.points, atol=0.3)


def test_key_points_and_parts_are_turned_with_their_photo(points, picture, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # shown a quarter clockwise
    Image.fromarray(np.rot90(picture)).save(tmp_path / "me.png", exif=exif)
    parts = draw_parts(points)
    save_label_map(tmp_path / "stored.png", np.rot90(parts), SCHEMA)
    save_label_map(tmp_path / "upright.png", parts, SCHEMA)
    wanted = read_person(picture, size=SMALL, pose=points)
    as_stored = np.stack([points[:, 1], picture.shape[1] - 1 - points[:, 0]], axis=1)
    for given in (points, as_stored, Pose(as_stored, Size(88, 128)), Pose(points, Size(128, 88))):
        person = read_person(tmp_path / "me.png", size=SMALL, pose=given)
        np.testing.assert_allclose(person.points, wanted.points, atol=1e-6)
        assert np.array_equal(person.image, wanted.image)
        for name in ("stored.png", "upright.png"):
            assert np.array_equal(parts_of(person, tmp_path / name, system="x"), parts_of(wanted, parts, system="x"))
    exif[0x0112] = 2  # mirrored: nothing tells
    Image.fromarray(picture[:, ::-1]).save(tmp_path / "mirrored.png", exif=exif)
    with pytest.raises(DataError, match="do not show whether they are of the turned picture"):
        read_person(tmp_path / "mirrored.png", size=SMALL, pose=points)


def test_key_points_beside_a_photo_are_found(points, picture, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    Image.fromarray(picture).save(tmp_path / "me.png")
    write_pose(tmp_path / "me.json", Pose(points, Size(128, 88)))
    person = read_person(tmp_path / "me.png", size=SMALL)
    assert person.name == "me"
    assert np.array_equal(read_person("~/me.png", size=SMALL).points, person.points)
    np.testing.assert_allclose(person.points, (points + 0.5) / 2 - 0.5, atol=1e-3)
    data = write_stick_people(tmp_path / "data")
    photo = next(iter(sorted((data / "train").glob("*.jpg"))))
    assert np.isfinite(read_person(photo, size=SMALL).points).all()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no such files")
def test_what_is_no_table_beside_a_photo_is_not_read(points, picture, tmp_path):
    Image.fromarray(picture).save(tmp_path / "me.png")
    os.mkfifo(tmp_path / "a.csv")  # whoever opens it waits for ever
    (tmp_path / "b.csv").symlink_to("/dev/zero")
    (tmp_path / "c.csv").write_bytes(bytes(range(128, 256)))
    (tmp_path / "d.csv").write_text(f"name: keypoints_y: keypoints_x\n{keypoint_row('me.png', points)}\n")
    assert np.isfinite(read_person(tmp_path / "me.png", size=SMALL).points).all()


def test_a_square_photo_of_a_data_set_loses_its_margins(points, picture, tmp_path):
    square = np.pad(picture, ((0, 0), (20, 20), (0, 0)), constant_values=255)
    (tmp_path / "train").mkdir()
    Image.fromarray(square).save(tmp_path / "train/a.png")
    table = tmp_path / "fashion-resize-annotation-train.csv"
    table.write_text(f"name:keypoints_y:keypoints_x\n{keypoint_row('a.png', points)}\n")
    person = read_person(tmp_path / "train/a.png", size=SMALL)
    np.testing.assert_allclose(person.points, (points + 0.5) / 2 - 0.5, atol=1e-3)
    np.testing.assert_array_equal(person.image, read_person(picture, size=SMALL, pose=points).image)


def test_without_key_points_one_sentence_says_what_to_do(picture, tmp_path):
    if importlib.util.find_spec("mediapipe") is not None:
        pytest.skip("a detector is installed")
    Image.fromarray(picture).save(tmp_path / "me.png")
    with pytest.raises(DataError, match=r"comes without key points: give them .*put them into me\.json.*install a"):
        read_person(tmp_path / "me.png", size=SMALL)
    with pytest.raises(DataError, match="install a detector"):
        read_person(picture, size=SMALL)


def test_key_points_of_another_picture_are_refused(points, picture):
    with pytest.raises(DataError, match="of a picture of 300x100, but the photo is 88x128"):
        read_person(picture, size=SMALL, pose=Pose(points, Size(100, 300)))
    half = read_person(picture, size=SMALL, pose=Pose((points + 0.5) / 2 - 0.5, SMALL))
    np.testing.assert_allclose(half.points, (points + 0.5) / 2 - 0.5)


def test_wanted_poses_are_brought_to_the_networks_picture(points, picture, tmp_path):
    person = read_person(picture, size=SMALL, pose=points)
    other = pose(np.random.default_rng(2))
    name, found = target_pose(other, person)
    np.testing.assert_allclose(found, (other + 0.5) / 2 - 0.5)
    write_pose(tmp_path / "large.json", Pose((other + 0.5) * 4 - 0.5, Size(512, 352)))
    name, same = target_pose(tmp_path / "large.json", person)
    assert name == "large"
    np.testing.assert_allclose(same, found, atol=1e-2)
    Image.fromarray(draw(other, (0, 0, 0), (9, 9, 9))).save(tmp_path / "friend.png")
    write_pose(tmp_path / "friend.json", Pose(other))
    name, same = target_pose(tmp_path / "friend.png", person)
    assert name == "friend"
    np.testing.assert_allclose(same, found, atol=1e-2)


def test_a_detectors_points_are_taken_by_name():
    assert DETECTOR == "mediapipe-pose"
    names = ("l_shoulder", "r_shoulder", "nose", "l_heel")
    found = to_openpose(np.array([[4.0, 2.0], [2.0, 4.0], [3.0, 1.0], [9.0, 9.0]]), names)
    assert found[NAMES.index("neck")].tolist() == [3, 3] and found[NAMES.index("nose")].tolist() == [3, 1]
    assert np.isnan(found[NAMES.index("l_wrist")]).all()


def test_parts_are_cut_like_the_photo(points, picture):
    person = read_person(picture, size=SMALL, pose=points)
    ids = np.zeros((128, 88), np.uint8)
    ids[40:80, 20:60] = SCHEMA.classes.index("coat")
    found = parts_of(person, ids, system="adgan")
    assert found.shape == (64, 44) and (found[20:40, 10:30] == PARTS.index("upper")).all() and found[5, 5] == 0
    with pytest.raises(DataError, match="adgan needs"):
        parts_of(person, None, system="adgan")
    with pytest.raises(DataError, match="is 44x64, but the photo 128x88"):
        parts_of(person, np.zeros((64, 44), np.uint8), system="adgan")


@pytest.mark.parametrize("shape", [(1, 1, 3), (15, 88, 3), (128, 10, 3)])
def test_photos_in_which_nothing_can_be_seen_are_refused(points, shape):
    with pytest.raises(DataError, match=f"is {shape[1]}x{shape[0]}, too small to see anything; .* at least 11x16"):
        read_person(np.zeros(shape, np.uint8), size=SMALL, pose=points)


def test_a_parsing_in_colours_of_another_tool(points, picture, tmp_path):
    person = read_person(picture, size=SMALL, pose=points)
    ids = np.zeros((128, 88), np.uint8)
    ids[40:80, 20:60] = SCHEMA.classes.index("coat")
    Image.fromarray(np.where(ids[..., None] > 0, (9, 8, 7), (1, 1, 1)).astype(np.uint8)).save(tmp_path / "map.png")
    (tmp_path / "own.json").write_text('{"coat": [9, 8, 7], "background": [1, 1, 1]}')
    found = parts_of(person, tmp_path / "map.png", system="adgan", colors=tmp_path / "own.json")
    assert np.array_equal(found, parts_of(person, ids, system="adgan"))
    with pytest.raises(DataError, match="--colors"):
        parts_of(person, tmp_path / "map.png", system="adgan")


def test_a_parsing_that_an_editor_renumbered_or_of_another_schema(points, picture, tmp_path):
    person, ids = read_person(picture, size=SMALL, pose=points), draw_parts(points)
    save_label_map(tmp_path / "map.png", ids, SCHEMA)
    with Image.open(tmp_path / "map.png") as stored:
        colours = stored.convert("RGB").quantize(64)
    assert not np.array_equal(np.asarray(colours), ids), "indices of the editor's own"
    colours.save(tmp_path / "renumbered.png")
    found = parts_of(person, tmp_path / "renumbered.png", system="adgan")
    assert np.array_equal(found, parts_of(person, ids, system="adgan"))
    save_label_map(tmp_path / "face.png", ids % 19, SCHEMAS["celebamask-19"])
    with pytest.raises(DataError, match=r'face\.png is a label map of "celebamask-19", as its file says'):
        parts_of(person, tmp_path / "face.png", system="adgan")
