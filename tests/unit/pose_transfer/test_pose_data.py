"""Pairs of stick people: who is paired, where joints are after a change of size or in a mirror."""

from __future__ import annotations

import numpy as np
import pytest

from limner.data.keypoints import NAMES
from limner.data.manifest import open_manifest
from limner.data.sampler import SampleKey
from limner.data.size import Size
from limner.errors import DataError
from limner.pose_transfer.data import PosePairs, collate_pairs, identity_of, list_pairs, mirrored
from tests.stick_people import write_stick_people


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    return open_manifest(write_stick_people(tmp_path_factory.mktemp("people")), attributes=()).split("train")


def test_pairs_are_of_one_person(manifest):
    pairs = list_pairs(manifest, "train")
    assert len(pairs) == 4 * 3 * 2 == len(set(pairs))
    for source, target in pairs:
        assert source != target
        assert identity_of(manifest.rows[source]) == identity_of(manifest.rows[target])


def test_the_files_own_pairs_are_taken(tmp_path):
    root = write_stick_people(tmp_path)
    rows = open_manifest(root, attributes=()).split("train").rows
    (root / "fashion-resize-pairs-train.csv").write_text(f"from,to\n{rows[1].name}.jpg,{rows[0].name}.jpg\n")
    assert list_pairs(open_manifest(root, attributes=()).split("train"), "train") == [(1, 0)]


def test_one_picture_of_each_person_is_refused(tmp_path):
    manifest = open_manifest(write_stick_people(tmp_path, pictures=1), attributes=()).split("train")
    with pytest.raises(DataError, match="no two pictures of one person"):
        list_pairs(manifest, "train")


def test_joints_stay_where_the_picture_shows_them(manifest):
    small = PosePairs(manifest, list_pairs(manifest, "train"), size=Size(64, 44))[0].source
    large = PosePairs(manifest, list_pairs(manifest, "train"), size=Size(128, 88))[0].source
    assert small.image.shape == (64, 44, 3) and large.image.shape == (128, 88, 3)
    np.testing.assert_allclose(small.points, (large.points + 0.5) / 2 - 0.5, atol=1e-4)
    x, y = np.rint(large.points[NAMES.index("neck")]).astype(int)
    assert np.abs(large.image[y + 12, x].astype(int) - large.image[y + 20, x]).max() < 20  # both on the garment


def test_a_mirror_exchanges_left_and_right(manifest):
    pose = PosePairs(manifest, list_pairs(manifest, "train"), size=Size(64, 44))[0].source
    other = mirrored(pose)
    left, right = NAMES.index("l_wrist"), NAMES.index("r_wrist")
    np.testing.assert_allclose(other.points[right], [43 - pose.points[left, 0], pose.points[left, 1]], atol=1e-4)
    np.testing.assert_allclose(mirrored(other).points, pose.points, atol=1e-4)
    assert np.array_equal(other.image[:, ::-1], pose.image)


def test_unseen_joints_stay_unseen_and_positions_decide_the_mirror(manifest):
    pairs = list_pairs(manifest, "train")
    whole = PosePairs(manifest, pairs, size=Size(64, 44), flip=True, seed=3)
    batch = collate_pairs([whole[index] for index in range(4)])
    assert batch.source.shape == (4, 3, 64, 44) and batch.source.abs().max() <= 1
    assert batch.target_points.isnan().any() and batch.index.tolist() == [0, 1, 2, 3]
    draws = [whole[SampleKey(0, position)].source.image.tobytes() for position in range(8)]
    assert len(set(draws)) == 2
    assert draws == [whole[SampleKey(0, position)].source.image.tobytes() for position in range(8)]
