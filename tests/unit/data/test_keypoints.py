"""Key points of bodies: the CSV form, painted limbs."""

from __future__ import annotations

import numpy as np
import pytest

from limner.data.keypoints import LIMBS, NAMES, SCHEMA, keypoint_row, label_map_from_keypoints, read_keypoints
from limner.errors import DataError, ShapeError

HEADER = "name:keypoints_y:keypoints_x"


@pytest.fixture
def points() -> np.ndarray:
    """A standing figure of 176x256, its left ankle unseen."""
    found = np.array([
        (88, 30), (88, 55), (65, 55), (55, 90), (50, 120), (111, 55), (121, 90), (126, 120), (73, 125), (72, 175),
        (71, 225), (103, 125), (104, 175), (np.nan, np.nan), (83, 25), (93, 25), (76, 28), (100, 28),
    ])  # fmt: skip
    assert len(found) == len(NAMES)
    return found


def test_round_trip(tmp_path, points):
    path = tmp_path / "points.csv"
    path.write_text(f"{HEADER}\n{keypoint_row('a.jpg', points + 0.2503)}\n\n{keypoint_row('b.jpg', points)}\n")
    assert "-1]" not in HEADER and path.read_text().count(" -1, ") == 4
    found = read_keypoints(path)
    assert list(found) == ["a.jpg", "b.jpg"]
    np.testing.assert_allclose(found["a.jpg"], points + 0.25, atol=1e-12)  # three decimals
    np.testing.assert_array_equal(found["b.jpg"], points)
    assert "." not in path.read_text().splitlines()[-1].removeprefix("b.jpg"), "whole numbers stay whole"


def test_the_form_that_is_in_use(tmp_path):
    path = tmp_path / "points.csv"
    y, x = [30] + [-1] * 17, [88] + [-1] * 17
    path.write_text(f"{HEADER}\nfashionMEN.jpg: {y}: {x}\n")
    assert read_keypoints(path)["fashionMEN.jpg"][0].tolist() == [88, 30]
    assert np.isnan(read_keypoints(path)["fashionMEN.jpg"][1:]).all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must begin with the header"),
        ("name,keypoints_y,keypoints_x\n", "must begin with the header"),
        (f"{HEADER}\na.jpg:[1, 2]:[1, 2]\n", "18 numbers up to 1,000,000 in line 2"),
        (f"{HEADER}\na.jpg:[1\n", "18 numbers up to 1,000,000 in line 2"),
        (
            f"{HEADER}\na.jpg:{[1] * 17 + ['x']}:{[1] * 18}\n".replace("'", '"'),
            "18 numbers up to 1,000,000 in line 2",
        ),
        (f"{HEADER}\na.jpg:{[1] * 17 + [1e30]}:{[1] * 18}\n", "18 numbers up to 1,000,000 in line 2"),
        (f"{HEADER}\na.jpg:{[1] * 17}:{[1] * 18}\n", "18 numbers up to 1,000,000 in line 2"),
        (f"{HEADER}\n" + 2 * f"a.jpg:{[1] * 18}:{[1] * 18}\n", 'two rows for "a.jpg"'),
    ],
)
def test_damaged_files(text, message, tmp_path):
    (tmp_path / "points.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        read_keypoints(tmp_path / "points.csv")


def test_limbs_are_painted_where_both_ends_were_seen(points):
    label_map = label_map_from_keypoints(points, (256, 176))
    assert label_map.shape == (256, 176) and label_map.dtype == np.uint8
    present = set(np.unique(label_map).tolist())
    assert present == set(range(18)) - {SCHEMA.id("l_shin")}
    r_thigh, l_thigh = (np.argwhere(label_map == SCHEMA.id(name))[:, 1].mean() for name in ("r_thigh", "l_thigh"))
    assert r_thigh < l_thigh, "the subject's right is on the picture's left"
    shin = np.argwhere(label_map == SCHEMA.id("r_shin"))
    assert abs(shin[:, 0].min() - 175) < 8 and abs(shin[:, 0].max() - 225) < 8


def test_a_limb_and_its_mirror_are_a_pair_of_the_schema():
    mirror = [NAMES.index(f"r_{name[2:]}" if name[:2] == "l_" else f"l_{name[2:]}" if name[:2] == "r_" else name)
              for name in NAMES]  # fmt: skip
    flip = SCHEMA.flip_permutation()
    for class_id, (first, second) in enumerate(LIMBS, start=1):
        other = LIMBS.index((mirror[first], mirror[second])) + 1
        assert flip[class_id] == other


def test_wrong_shapes(points):
    with pytest.raises(ShapeError, match="must be 18 points"):
        label_map_from_keypoints(points[:17], (8, 8))
    with pytest.raises(ShapeError, match="positive height"):
        label_map_from_keypoints(points, (0, 8))
