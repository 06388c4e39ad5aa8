"""Pairs of stick people: who is paired, where joints are after a change of size or in a mirror."""

from __future__ import annotations

import numpy as np
import pytest

from limner.data.keypoints import NAMES
from limner.data.manifest import open_manifest
from limner.data.sample import Sample
from limner.data.sampler import SampleKey
from limner.data.size import Size
from limner.errors import DataError
from limner.pose_transfer.data import PosePairs, collate_pairs, list_pairs, open_pairs, points_of
from tests.stick_people import write_stick_people


@pytest.fixture(scope="module")
def manifest(tmp_path_factory):
    return open_manifest(write_stick_people(tmp_path_factory.mktemp("people")), needs=("image", "keypoints")).split(
        "train"
    )


def test_pairs_are_of_one_person(manifest):
    pairs = list_pairs(manifest)
    assert len(pairs) == 4 * 3 * 2 == len(set(pairs))
    for source, target in pairs:
        assert source != target
        assert manifest.rows[source].identity == manifest.rows[target].identity != ""


def test_the_files_own_pairs_are_taken(tmp_path):
    root = write_stick_people(tmp_path)
    rows = open_manifest(root, attributes=()).split("train").rows
    (root / "fashion-resize-pairs-train.csv").write_text(f"from,to\n{rows[1].name}.jpg,{rows[0].name}.jpg\n")
    assert list_pairs(open_manifest(root, attributes=()).split("train")) == [(1, 0)]


def test_one_picture_of_each_person_is_refused(tmp_path):
    manifest = open_manifest(write_stick_people(tmp_path, pictures=1), attributes=()).split("train")
    with pytest.raises(DataError, match="no two pictures of one person"):
        list_pairs(manifest)


def test_joints_stay_where_the_picture_shows_them(manifest):
    small = PosePairs(manifest, list_pairs(manifest), size=Size(64, 44))[0].source
    large = PosePairs(manifest, list_pairs(manifest), size=Size(128, 88))[0].source
    assert small.image.shape == (64, 44, 3) and large.image.shape == (128, 88, 3)
    np.testing.assert_allclose(small.keypoints, (large.keypoints + 0.5) / 2 - 0.5, atol=1e-4)
    x, y = np.rint(large.keypoints[NAMES.index("neck")]).astype(int)
    assert np.abs(large.image[y + 12, x].astype(int) - large.image[y + 20, x]).max() < 20  # both on the garment


def test_a_mirror_exchanges_left_and_right_in_both(manifest):
    pairs = list_pairs(manifest)
    plain = PosePairs(manifest, pairs, size=Size(64, 44), flip=False)[0]
    whole = PosePairs(manifest, pairs, size=Size(64, 44), flip=True, seed=3)
    seen = [whole[SampleKey(0, position)] for position in range(8)]
    mirrored = [pair for pair in seen if not np.array_equal(pair.source.image, plain.source.image)]
    assert 0 < len(mirrored) < 8
    left, right = NAMES.index("l_ankle"), NAMES.index("r_ankle")
    for pair in mirrored:
        for one, other in ((plain.source, pair.source), (plain.target, pair.target)):
            assert np.array_equal(other.image[:, ::-1], one.image)
            np.testing.assert_allclose(other.keypoints[right], [43 - one.keypoints[left, 0], one.keypoints[left, 1]])


def test_unseen_joints_stay_unseen_and_positions_decide_the_mirror(manifest):
    pairs = list_pairs(manifest)
    whole = PosePairs(manifest, pairs, size=Size(64, 44), flip=True, seed=3)
    batch = collate_pairs([whole[index] for index in range(4)])
    assert batch.source.shape == (4, 3, 64, 44) and batch.source.abs().max() <= 1
    assert batch.target_points.isnan().any() and batch.index.tolist() == [0, 1, 2, 3]
    draws = [whole[SampleKey(0, position)].source.image.tobytes() for position in range(8)]
    assert len(set(draws)) == 2
    assert draws == [whole[SampleKey(0, position)].source.image.tobytes() for position in range(8)]


def test_attributes_of_the_folder_do_not_matter(tmp_path):
    folder = write_stick_people(tmp_path)
    names = sorted(path.name for split in ("train", "test") for path in (folder / split).iterdir())
    (folder / "attributes.csv").write_text("\n".join(["name,Male,Top_Red", *(f"{name},1,0" for name in names)]) + "\n")
    train, _ = open_pairs(folder, kind="auto", size=Size(64, 44), flip=False, seed=0)
    assert train[0].source.image is not None and train[0].source.attributes.shape == (0,)


def test_the_top_of_a_head_is_no_nose():
    market = np.arange(28.0).reshape(14, 2)
    found = points_of(Sample(index=0, keypoints=market))
    assert found.shape == (18, 2) and np.array_equal(found[1:14], market[1:])
    assert np.isnan(found[[0, 14, 15, 16, 17]]).all()
    assert np.array_equal(points_of(Sample(index=0, keypoints=found)), found, equal_nan=True)
