"""Faces with ages, landmarks and partners, from ready-made people in the layout of UTKFace."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from limner.ageing.data import AgeDataset, collate, face_mask, is_same_scene, open_faces, plausible
from limner.data.config import AugmentConfig
from limner.data.point_schema import IBUG_68
from limner.data.sampler import SampleKey
from limner.errors import DataError
from tests.ages import write_ready_ages


@pytest.fixture
def dataset(ready_ages) -> AgeDataset:
    return AgeDataset(open_faces(ready_ages), image_size=32, augment=AugmentConfig(flip=True))


def test_partners_are_of_another_group_and_wrong_groups_are_wrong(dataset: AgeDataset) -> None:
    known = set(dataset.group.tolist())
    partners = set()
    for position in range(300):
        pair = dataset[SampleKey(position % len(dataset), position)]
        assert pair.other.group != pair.face.group
        assert pair.wrong_group != pair.face.group and pair.other_wrong_group != pair.other.group
        partners.add(pair.other.group)
    assert partners == known  # all groups are drawn


def test_a_sample_depends_on_its_position_alone(dataset: AgeDataset, ready_ages) -> None:
    again = AgeDataset(open_faces(ready_ages), image_size=32, augment=AugmentConfig(flip=True))
    again[SampleKey(3, 99)]
    for position in (0, 7, 8):
        first, second = dataset[SampleKey(2, position)], again[SampleKey(2, position)]
        assert first.index == second.index and np.array_equal(first.other.image, second.other.image)
        assert np.array_equal(first.face.landmarks, second.face.landmarks)


def test_a_mirrored_face_has_mirrored_landmarks(dataset: AgeDataset) -> None:
    plain, mirrored = dataset.face(0), dataset.face(0, True)
    assert np.array_equal(mirrored.image, plain.image[:, ::-1])
    expected = plain.landmarks[IBUG_68.flip_permutation()] * (-1, 1) + (1, 0)
    np.testing.assert_allclose(mirrored.landmarks, expected, atol=1e-6)
    assert mirrored.landmarks[36:42, 0].mean() < mirrored.landmarks[42:48, 0].mean()  # still the subject's right first


def test_same_person_partners(ready_ages) -> None:
    dataset = AgeDataset(open_faces(ready_ages), image_size=32, partner="same_person")
    for index in range(len(dataset)):
        pair = dataset[index]
        assert pair.other.person == pair.face.person and pair.other.group != pair.face.group


def test_same_scene_is_refused_where_the_scene_changes(ready_ages, tmp_path) -> None:
    with pytest.raises(DataError, match="same-scene"):
        AgeDataset(open_faces(ready_ages), image_size=32, partner="same_scene")
    folder = write_ready_ages(tmp_path / "pairs", size=32, same_scene=True)
    assert is_same_scene(folder) and not is_same_scene(ready_ages)
    dataset = AgeDataset(open_faces(folder), image_size=32, partner="same_scene", augment=AugmentConfig(flip=True))
    flipped = 0
    for position in range(20):
        pair = dataset[SampleKey(0, position)]
        flipped += not np.array_equal(pair.face.image, dataset.face(0).image)
        other = [k for k in range(len(dataset)) if dataset.group[k] == pair.other.group]
        same = [k for k in other if dataset.identity[k] == dataset.identity[0]]
        both = np.array_equal(pair.face.image, dataset.face(0).image)
        assert np.array_equal(pair.other.image, dataset.face(same[0], not both).image)
    assert 0 < flipped < 20


def test_batches_hold_units_and_ranges(dataset: AgeDataset) -> None:
    batch = collate([dataset[index] for index in range(4)])
    assert batch.image.shape == (4, 3, 32, 32) and batch.image.abs().max() <= 1
    assert ((batch.landmarks > -0.3) & (batch.landmarks < 1.3)).all()
    assert batch.years.dtype == torch.float32 and set(batch.gender.tolist()) <= {0, 1}


def test_one_age_group_alone_is_refused(ready_ages) -> None:
    manifest = open_faces(ready_ages)
    rows = tuple(row for row in manifest.rows if row.name == manifest.rows[0].name)
    with pytest.raises(DataError, match="one age group"):
        AgeDataset(dataclasses.replace(manifest, rows=rows), image_size=32)


def test_landmarks_with_eyes_on_one_spot_are_left_out(ready_ages, tmp_path) -> None:
    folder = write_ready_ages(tmp_path / "ages", size=32)
    lists = folder / "landmark_list_part1.txt"
    first, *rest = lists.read_text().splitlines()
    lists.write_text("\n".join([" ".join([first.split()[0], *["5.0"] * 136]), *rest]) + "\n")
    assert len(open_faces(folder)) == len(open_faces(ready_ages)) - 1
    assert not plausible(np.full((68, 2), 5.0), 32)


def test_the_outline_of_the_head_holds_the_landmarks_and_leaves_corners(dataset: AgeDataset) -> None:
    face = dataset.face(0)
    mask = face_mask(torch.from_numpy(face.landmarks)[None], 64)[0]
    inner = (face.landmarks[17:] * 64).astype(int).clip(0, 63)
    assert all(mask[y, x] for x, y in inner)
    assert 0.2 < mask.float().mean() < 0.95


def test_options_without_effect_are_refused(ready_ages) -> None:
    from limner.ageing.data import open_age_data
    from limner.errors import ConfigError
    from limner.systems.lgcgan.presets import smoke

    config = smoke()
    for section, changes in (("dataset", {"zoom": 1.5}), ("augment", {"rotate_degrees": 5.0})):
        changed = dataclasses.replace(config, **{section: dataclasses.replace(getattr(config, section), **changes)})
        with pytest.raises(ConfigError, match="leave the others out"):
            open_age_data(changed, ready_ages, asked_by="lgcgan")
