"""Photos and landmarks as users give them: cut, turned, refused in one sentence."""

from __future__ import annotations

import json
import logging

import numpy as np
import pytest
from PIL import Image

from limner.ageing.edits import edit_landmarks
from limner.ageing.inputs import checked_landmarks, paste_change, read_face_photo
from limner.ageing.landmark_files import LandmarkFiles
from limner.errors import ConfigError, DataError, ShapeError
from limner.people.gallery import ready

PERSON = ready("age")[2]
MEAN = np.mean([(person.landmarks + 0.5) / person.image.shape[0] for person in ready("age")], axis=0)


def read(photo, landmarks=PERSON.landmarks, **options):
    return read_face_photo(photo, image_size=64, mean_shape=MEAN, landmarks=landmarks, **options)


def test_a_cut_photo_stays_as_it_is() -> None:
    face = read(PERSON.image)
    np.testing.assert_allclose(face.landmarks, (PERSON.landmarks + 0.5) / 128, atol=1e-6)
    small = np.asarray(Image.fromarray(PERSON.image).resize((64, 64), Image.Resampling.BOX), np.float64)
    assert np.abs(face.image - small).mean() < 6  # bicubic beside the box filter


def test_a_turned_photo_comes_back_upright() -> None:
    """A face on its side is cut by its landmarks to nearly the same crop."""
    turned = np.rot90(PERSON.image)
    points = np.stack([PERSON.landmarks[:, 1], 127 - PERSON.landmarks[:, 0]], axis=1)
    upright, found = read(PERSON.image, align="always"), read(turned, points)
    np.testing.assert_allclose(found.landmarks, upright.landmarks, atol=1e-5)
    assert np.abs(found.image.astype(float) - upright.image)[8:-8, 8:-8].mean() < 3


@pytest.mark.parametrize(("orientation", "quarters"), [(3, 2), (6, 1), (8, 3)])
def test_landmarks_are_turned_with_their_photo(orientation: int, quarters: int, tmp_path) -> None:
    """A camera writes how it was held; landmarks may be of the upright picture or of the pixels as they are stored."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(np.rot90(PERSON.image, quarters)).save(tmp_path / "face.png", exif=exif)
    x, y = PERSON.landmarks.T
    as_stored = {1: (y, 127 - x), 2: (127 - x, 127 - y), 3: (127 - y, x)}[quarters]
    upright = read(tmp_path / "face.png")
    assert np.array_equal(upright.image, read(PERSON.image).image)
    stored = read(tmp_path / "face.png", np.stack(as_stored, axis=1))
    np.testing.assert_allclose(stored.landmarks, upright.landmarks, atol=1e-5)
    assert np.array_equal(stored.image, upright.image)


def test_a_photo_that_is_not_square_may_be_cropped_or_padded() -> None:
    wide = np.pad(PERSON.image, ((0, 0), (32, 32), (0, 0)), mode="edge")
    cropped, padded = read(wide, None, align="never", fit="crop"), read(wide, None, align="never", fit="pad")
    assert np.array_equal(cropped.image, read(PERSON.image, None, align="never").image)
    assert np.abs(padded.image.astype(int) - cropped.image).max() > 50
    points = PERSON.landmarks + np.array([32, 0])
    face = read(wide, points, align="never", fit="pad")
    np.testing.assert_allclose(face.landmarks * 192, points + np.array([0.5, 32.5]), atol=1e-3)


def test_a_face_within_a_large_photo_is_found_by_its_landmarks() -> None:
    photo = np.full((300, 400, 3), 90, np.uint8)
    photo[100:228, 150:278] = PERSON.image
    face = read(photo, PERSON.landmarks + np.array([150, 100]))
    # Eyes and mouth come to where the training faces have them.
    for group in (slice(36, 42), slice(42, 48)):
        assert np.abs(face.landmarks[group].mean(0) - MEAN[group].mean(0)).max() < 0.05


def test_without_landmarks_a_photo_must_show_one_upright_face(monkeypatch, caplog) -> None:
    """Who has no dlib gets no picture of half a face and half of another."""
    monkeypatch.setattr("limner.ageing.inputs._has_finder", lambda: False)
    two = np.concatenate([PERSON.image[:, 32:96], ready("age")[1].image[:, 32:96]], axis=1)
    noise = np.random.default_rng(0).integers(0, 256, (128, 128, 3)).astype(np.uint8)
    for photo in (two, np.rot90(PERSON.image), PERSON.image[::-1], noise):
        with pytest.raises(DataError, match=r"one face|single face|upright"):
            read(np.ascontiguousarray(photo), None)
    with pytest.raises(DataError, match="or give its landmarks"):
        read(np.full((128, 128, 3), 120, np.uint8), None)
    with pytest.raises(DataError, match="is 20x20, too small for its face to be seen"):
        read(np.asarray(Image.fromarray(ready("face")[0].image).resize((20, 20))), None)
    assert not caplog.text, "one sentence is said of a photo that is refused"
    for person in (*ready("age"), *ready("face")[:8]):  # the latter stand farther away, as in portraits
        assert not read(person.image, None).measured


def test_the_mean_face_is_taken_with_a_warning(caplog) -> None:
    with caplog.at_level(logging.WARNING):
        face = read(PERSON.image, None)
    if not face.measured:  # without dlib
        assert "landmarks are not known" in caplog.text
        np.testing.assert_allclose(face.landmarks, MEAN, atol=1e-5)


@pytest.mark.parametrize(
    ("landmarks", "error", "words"),
    [
        (np.full((68, 2), np.nan), ShapeError, "NaN"),
        (np.zeros((5, 2)), ShapeError, "68 points"),
        ("nonsense", ShapeError, "no table"),
        (PERSON.landmarks + 500, DataError, "outside"),
        (PERSON.landmarks / 128, DataError, "pixels apart"),
        (PERSON.landmarks[::-1].copy(), DataError, "landmarks"),
        (np.roll(PERSON.landmarks, 5, axis=0), DataError, "landmarks"),
        (PERSON.landmarks * (-1, 1) + (127, 0), DataError, "comes first"),
        (np.full((68, 2), 5.0), DataError, "one spot"),
    ],
    ids=["nan", "five", "text", "outside", "shares", "reversed", "rolled", "mirrored", "spot"],
)
def test_wrong_landmarks_are_refused(landmarks, error, words: str) -> None:
    with pytest.raises(error, match=words):
        read(PERSON.image, landmarks)


def test_all_ready_people_pass_the_check_of_shape() -> None:
    for person in ready("age"):
        checked_landmarks(person.landmarks, person.image.shape[:2], MEAN, "x")


@pytest.mark.parametrize(
    ("photo", "options", "words"),
    [
        (np.zeros((8, 8, 3), np.uint8), {}, "too small"),
        (np.zeros((64, 96, 3), np.uint8), {"landmarks": PERSON.landmarks / 2, "align": "never"}, "must be square"),
        (
            np.rot90(PERSON.image),
            {"landmarks": np.stack([PERSON.landmarks[:, 1], 127 - PERSON.landmarks[:, 0]], 1)},
            "",
        ),
    ],
    ids=["small", "oblong", "side"],
)
def test_photos_that_cannot_be_used(photo, options, words: str) -> None:
    if words:
        with pytest.raises(DataError, match=words):
            read_face_photo(photo, image_size=64, mean_shape=MEAN, **options)
    else:
        with pytest.raises(DataError, match="upright"):
            read_face_photo(photo, image_size=64, mean_shape=MEAN, align="never", **options)
    with pytest.raises(ConfigError, match="align"):
        read(PERSON.image, align="sometimes")


def test_landmark_files(tmp_path) -> None:
    points = PERSON.landmarks
    (tmp_path / "a.json").write_text(json.dumps(points.tolist()))
    np.save(tmp_path / "b.npy", points)
    lines = "\n".join(f"{x + 1} {y + 1}" for x, y in points)
    (tmp_path / "c.pts").write_text(f"version: 1\nn_points: 68\n{{\n{lines}\n}}\n")
    (tmp_path / "list.txt").write_text("d.jpg " + " ".join(map(str, points.ravel())) + " \n")
    folder = LandmarkFiles(tmp_path)
    for name in ("a.jpg", "b.png", "c.jpg.chip.jpg"):
        np.testing.assert_allclose(folder.of(name), points)
    np.testing.assert_allclose(LandmarkFiles(tmp_path / "list.txt").of("d.jpg.chip.jpg"), points)
    others = points + 1
    (tmp_path / "a.v2.json").write_text(json.dumps(others.tolist()))
    rows = [[name, *map(str, one.ravel())] for name, one in (("a.v1.jpg", points), ("a.v2.jpg", others))]
    header = ["name", *(f"{axis}{number}" for number in range(68) for axis in "xy")]
    (tmp_path / "table.csv").write_text("\n".join(",".join(row) for row in [header, *rows]) + "\n")
    (tmp_path / "dots.txt").write_text("\n".join(" ".join(row) for row in rows) + "\n")
    for files in (folder, LandmarkFiles(tmp_path / "table.csv"), LandmarkFiles(tmp_path / "dots.txt")):
        np.testing.assert_allclose(files.of("a.v2.jpg"), others)  # and not of another photo that begins alike
    with pytest.raises(DataError, match=r"has no a\.v3\.json, a\.v3\.npy or a\.v3\.pts for a\.v3\.jpg"):
        folder.of("a.v3.jpg")
    (tmp_path / "bad.json").write_text("[[1, 2]]")
    (tmp_path / "worse.json").write_text("{")
    whole = (tmp_path / "c.pts").read_text()
    (tmp_path / "cut.pts").write_text(whole[: whole.rindex("}") - 3])  # all points, but the last one lacks digits
    for broken in ("bad.json", "worse.json", "cut.pts"):
        with pytest.raises(DataError, match=broken):
            LandmarkFiles(tmp_path / broken).of("x.jpg")
    for missing in (lambda: folder.of("nobody.jpg"), lambda: LandmarkFiles(tmp_path / "nothing")):
        with pytest.raises(DataError):
            missing()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda points: np.where(np.arange(68)[:, None] == 3, np.nan, points), "no number"),
        (lambda points: points * 1e300, "no number"),
        (lambda points: points.astype(complex), "pairs of numbers"),
        (lambda points: points.astype(str), "pairs of numbers"),
        (lambda points: points[:5], r"shape \(5, 2\)"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_numbers_of_landmark_files_that_are_refused(change, words: str, tmp_path) -> None:
    np.save(tmp_path / "face.npy", change(PERSON.landmarks))
    with pytest.raises(DataError, match=rf"face\.npy holds .*{words}"):
        LandmarkFiles(tmp_path).of("face.png")


@pytest.mark.filterwarnings("error")
def test_a_number_in_json_that_no_float_holds_is_refused(tmp_path) -> None:
    points = [[10**400, 1], *PERSON.landmarks.tolist()[1:]]
    (tmp_path / "face.json").write_text(json.dumps(points))
    with pytest.raises(DataError, match="pairs of numbers"):
        LandmarkFiles(tmp_path).of("face.png")
    with pytest.raises(ShapeError, match="enormous"):
        checked_landmarks(PERSON.landmarks * 1e300, (128, 128), MEAN, "x")


def test_edits_move_what_they_name() -> None:
    points = ((PERSON.landmarks + 0.5) / 128).astype(np.float32)
    opened = edit_landmarks(points, {"open_mouth": 1.0})
    assert (opened[55:60, 1] > points[55:60, 1] + 0.05).all() and np.array_equal(opened[17:48], points[17:48])
    raised = edit_landmarks(points, {"raise_brows": 1.0})
    assert (raised[17:27, 1] < points[17:27, 1]).all() and np.array_equal(raised[27:], points[27:])
    moved = edit_landmarks(points, {"right": 0.1, "down": -0.05})
    np.testing.assert_allclose(moved - points, np.tile([0.1, -0.05], (68, 1)), atol=1e-6)
    turned = edit_landmarks(points, {"turn_degrees": 20.0})
    np.testing.assert_allclose(turned.mean(0), points.mean(0), atol=1e-6)
    assert turned[45, 1] < points[45, 1] and turned[36, 1] > points[36, 1]  # counter-clockwise in the picture
    for wrong in ({"nose": 1.0}, {"scale": 3.0}, {"smile": float("nan")}):
        with pytest.raises(ConfigError):
            edit_landmarks(points, wrong)


def test_pasting_adds_the_change_and_keeps_the_rest() -> None:
    photo = np.random.default_rng(0).integers(60, 190, (200, 160, 3), dtype=np.uint8)
    photo[40:168, 20:148] = PERSON.image
    face = read(photo, PERSON.landmarks + np.array([20, 40]))
    assert np.array_equal(paste_change(face, face.image, np.ones((64, 64))), photo)  # nothing changed: not a bit
    brighter = np.clip(face.image.astype(int) + 20, 0, 255).astype(np.uint8)
    whole = paste_change(face, brighter, np.ones((64, 64)))
    assert whole[100, 84].astype(int).sum() > photo[100, 84].astype(int).sum() + 30
    assert np.array_equal(whole[:20], photo[:20])
