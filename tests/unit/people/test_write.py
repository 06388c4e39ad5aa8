"""Data sets of people on disk: the files say what was rendered, and the readers of the real sets read them."""

from __future__ import annotations

import dataclasses
import io
import json
import re
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from limner.data.checks import check_dataset
from limner.data.datasets.celebamask_hq import merge_parts
from limner.data.datasets.deepfashion_inshop import pairs_path, read_pairs
from limner.data.datasets.deepfashion_inshop import parse_name as parse_body_name
from limner.data.datasets.utkface import AGE_GROUPS, age_group, parse_name, read_identities
from limner.data.image_io import read_label_map, read_photo
from limner.data.manifest import open_manifest
from limner.data.schema import SCHEMAS
from limner.errors import ConfigError, DataError, MissingExtraError
from limner.people import sample_person, sample_scene
from limner.people.describe import facts
from limner.people.pose import is_seated
from limner.people.rendering import Rendering, render
from limner.people.scene import BACKGROUNDS
from limner.people.write import KINDS, write_people
from limner.people.write.ages import Ages, race
from limner.people.write.bodies import BACK_YAW, MAX_TEST_PAIRS, VIEWS, Bodies, pose_pairs
from limner.people.write.common import visible_classes
from limner.people.write.faces import CELEBA_ATTRIBUTES

SIZE, SEED = 64, 11
FACES = SCHEMAS["celebamask-19"]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> dict[str, Path]:
    """A small set of each kind."""
    root = tmp_path_factory.mktemp("people")
    for kind, num in (("people-faces", 4), ("people-ages", 11), ("people-bodies", 5)):
        write_people(kind, root / kind, num=num, size=SIZE, seed=SEED, per_shard=3)
    return {kind: root / kind for kind in KINDS}


@pytest.fixture(scope="module")
def rendered() -> list[Rendering]:
    """The faces of `made`."""
    return [render(sample_person(SEED, index), sample_scene(SEED, index), SIZE) for index in range(4)]


# --- faces


def test_faces_hold_what_was_rendered(made, rendered):
    root = made["people-faces"]
    for index, shown in enumerate(rendered):
        difference = np.abs(read_photo(root / f"CelebA-HQ-img/{index}.jpg").astype(int) - shown.image)
        assert difference.mean() < 3, "JPEG changes little"
        merged = read_label_map(root / f"CelebAMaskHQ-mask/{index}.png", FACES)
        assert (merged == shown.parsing).all()
        parts = {path.stem[6:]: path for path in (root / "CelebAMask-HQ-mask-anno/0").glob(f"{index:05d}_*.png")}
        assert (merge_parts(parts) == shown.parsing).all()
        marks = open_manifest(root).marks(str(index))
        np.testing.assert_allclose(marks.landmarks, shown.landmarks68, atol=1e-3)
        assert len(set(marks.captions)) == 10


def test_faces_have_the_real_tables(made, rendered):
    root = made["people-faces"]
    lines = (root / "CelebAMask-HQ-attribute-anno.txt").read_text().splitlines()
    assert lines[0] == "4" and tuple(lines[1].split()) == CELEBA_ATTRIBUTES and len(CELEBA_ATTRIBUTES) == 40
    assert tuple(sorted(CELEBA_ATTRIBUTES, key=str.lower)) == CELEBA_ATTRIBUTES, "CelebA lists them by the alphabet"
    for index, line in enumerate(lines[2:]):
        file, *values = line.split()
        has = dict(zip(CELEBA_ATTRIBUTES, values, strict=True))
        assert file == f"{index}.jpg" and set(values) <= {"1", "-1"} and has["Attractive"] == "-1"
        for name, value in rendered[index].attributes.items():
            assert (has[name] == "1") == value, (index, name)
    mapping = (root / "CelebA-HQ-to-CelebA-mapping.txt").read_text().splitlines()
    assert mapping[0].split() == ["idx", "orig_idx", "orig_file"] and mapping[3].split() == ["2", "2", "000003.jpg"]


def test_the_reader_takes_the_split_from_the_mapping(made):
    manifest = open_manifest(made["people-faces"])
    assert manifest.kind == "celebamask-hq" and {row.split for row in manifest.rows} <= {"train", "val", "test"}
    partition = dict(line.split() for line in (manifest.root / "list_eval_partition.txt").read_text().splitlines())
    for row in manifest.rows:
        assert ("train", "val", "test")[int(partition[f"{int(row.name) + 1:06d}.jpg"])] == row.split


def test_captions_speak_of_what_the_map_shows(made, rendered):
    for index, shown in enumerate(rendered):
        visible = visible_classes(shown.parsing)
        known = {fact.name for fact in facts(sample_person(SEED, index), sample_scene(SEED, index), visible=visible)}
        text = (made["people-faces"] / f"captions/{index}.txt").read_text()
        if re.search(r"parted lips|open mouth|grinning", text):
            assert shown.attributes["Mouth_Slightly_Open"]
        for name, words in (("hat", "hat|cap|beanie|beret"), ("glasses", "glasses"), ("earrings", "earrings")):
            assert (name in known) == bool(re.search(rf"\b({words})\b", text)), (index, name)


# --- ages


def test_ages_are_one_person_through_ten_groups(made):
    root = made["people-ages"]
    names = sorted(path.name for path in (root / "UTKFace").iterdir())
    assert len(names) == 11
    identities = read_identities(root)
    for identity in (0, 1):
        own = [name for name in names if identities[name.partition(".")[0]] == sample_person(SEED, identity).identity]
        labels = [parse_name(name) for name in own]
        groups = sorted(age_group(label.age) for label in labels)
        assert groups == list(range(len(AGE_GROUPS) if identity == 0 else 1))
        person = sample_person(SEED, identity)
        assert {label.gender for label in labels} == {0 if person.male else 1}
        assert {label.race for label in labels} == {race(person)}


def test_ages_are_read_like_utkface(made):
    manifest = open_manifest(made["people-ages"])
    assert manifest.kind == "utkface" and len(manifest) == 11
    assert check_dataset(manifest).errors == []
    for row in manifest.rows:
        image, label_map = manifest.read(row)
        assert image.shape == (SIZE, SIZE, 3) and {0, 1} <= set(np.unique(label_map))
    splits: dict[str, set[str]] = {}
    for row in manifest.rows:
        splits.setdefault(read_identities(manifest.root)[row.name], set()).add(row.split)
    assert all(len(found) == 1 for found in splits.values()), "a person is in one split only"


def test_in_the_same_scene_only_the_age_changes(tmp_path):
    """Everywhere around the head the picture stays the same; the files of the kind are as they are."""
    ages = Ages(SEED, SIZE, same_scene=True)
    pictures, differences = [], []
    for index in (2, 6):
        person, scene = ages.subject(index)
        files, record = ages.make(index)
        (name, content), *others = files.items()
        assert not others and parse_name(Path(name).name).age == int(scene.age_years)
        pictures.append(np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(float))
        other = Ages(SEED, SIZE).subject(index)[1]
        assert person == Ages(SEED, SIZE).subject(index)[0] and record["age_years"] == round(other.age_years, 1)
        differences.append(dataclasses.replace(scene, age_years=0.0))
    assert differences[0] == differences[1] and Ages(SEED, SIZE).subject(2)[1].light != other.light
    change = np.abs(pictures[0] - pictures[1]).mean(axis=2)
    corner, face = change[:8, :8].mean(), change[20:44, 20:44].mean()
    assert corner < 1.5 < 4 < face, "JPEG alone changes the background"

    settings = [maker.settings()["kind"] for maker in (ages, Ages(SEED, SIZE))]
    assert settings[0] != settings[1], "the two are not mixed in one folder"
    with pytest.raises(ConfigError, match="same_scene is for people-ages, not for people-faces"):
        write_people("people-faces", tmp_path / "out", num=1, same_scene=True)


# --- bodies


def test_bodies_have_a_white_border_and_points_inside(made):
    manifest = open_manifest(made["people-bodies"])
    assert manifest.kind == "deepfashion-inshop" and manifest.spec.schema.name == "body-20"
    assert check_dataset(manifest).errors == []
    for row in manifest.rows:
        whole = read_photo(manifest.root / row.image)
        assert whole.shape == (SIZE, SIZE, 3) and whole[:, :9].min() > 230 and whole[:, -9:].min() > 230
        image, label_map = manifest.reader.read_image(row), manifest.reader.read_label_map(row)
        assert image.shape == (SIZE, 44, 3) and label_map.shape == (SIZE, 44) and (label_map > 0).mean() > 0.05
        points = manifest.marks(row.name).keypoints
        seen = points[np.isfinite(points).all(axis=1)]
        assert (seen % 1 > 0).any(), "to fractions of a pixel"
        assert len(seen) >= 8 and (seen >= 0).all() and (seen < [44, SIZE]).all()


def test_bodies_are_four_views_of_each_person(made):
    manifest = open_manifest(made["people-bodies"])
    people: dict[str, list[str]] = {}
    for row in manifest.rows:
        people.setdefault(parse_body_name(row.name).identity, []).append(parse_body_name(row.name).view)
    assert sorted(map(len, people.values())) == [1, len(VIEWS)]
    assert max(people.values(), key=len) == sorted(name for name, _ in VIEWS)
    listed = [name for split in ("train", "test") for name in (manifest.root / f"{split}.lst").read_text().split()]
    assert sorted(listed) == sorted(Path(row.image).name for row in manifest.rows)


def test_bodies_sit_where_their_clothes_allow_it_and_look_over_their_shoulders():
    seated, looking = 0, 0
    for index in range(160):
        person, scene = Bodies(SEED, SIZE).subject(index)
        if is_seated(scene.joints):
            seated += 1
            assert person.top.kind != "dress" and person.bottom.kind != "skirt"
        around = scene.joints["root"][2]
        if abs(around) > BACK_YAW and scene.head_yaw * around < 0 and abs(scene.head_yaw) >= 0.5:
            looking += 1
            assert abs(around + scene.head_yaw) < abs(around), "towards the camera"
    assert 10 < seated < 45 and looking > 3


def test_pairs_are_of_one_person_with_shoulders_and_hips(made):
    manifest = open_manifest(made["people-bodies"])
    whole = {
        Path(row.image).name for row in manifest.rows
        if np.isfinite(manifest.marks(row.name).keypoints[[2, 5, 8, 11]]).all()
    }  # fmt: skip
    expected = {
        (a, b) for a in whole for b in whole
        if a != b and parse_body_name(a).identity == parse_body_name(b).identity
    }  # fmt: skip
    pairs = [pair for split in ("train", "test") for pair in read_pairs(pairs_path(manifest.root, split))]
    assert set(pairs) == expected and len(pairs) == len(expected)


def test_test_pairs_are_limited():
    def record(index: int, split: str) -> dict[str, object]:
        name = f"fashionMENTees_Tanksid{index // 4:08d}01_{index % 4 + 1}view.jpg"
        return {"name": name, "split": split, "keypoints": [[1.0, 1.0]] * 18}

    num = MAX_TEST_PAIRS // 3 + 4
    pairs = pose_pairs([record(index, "test") for index in range(num)])
    assert len(set(pairs)) == MAX_TEST_PAIRS
    assert pairs == pose_pairs([record(index, "test") for index in range(num)])
    assert len(pose_pairs([record(index, "train") for index in range(num)])) == 3 * num


# --- facts


@pytest.mark.parametrize("kind", ["people-faces", "people-bodies"])
def test_facts_lie_beside_the_captions(kind, made):
    root = made[kind]
    rows = [json.loads(line) for line in (root / "facts.jsonl").read_text().splitlines()]
    records = [json.loads(line) for line in (root / "records.jsonl").read_text().splitlines()]
    assert len(rows) == len(records) == len(list((root / "captions").iterdir()))
    for record, row in zip(records, rows, strict=True):
        assert row["name"] == (str(record["index"]) if kind == "people-faces" else Path(record["name"]).stem)
        captions = (root / "captions" / f"{row['name']}.txt").read_text().splitlines()
        assert len(set(captions)) == len(captions) == len(row["stated"]) == 10
        for caption, stated in zip(captions, row["stated"], strict=True):
            assert len(re.findall(r"\w+", caption)) <= 22, "the token cut of hfgan.md 13"
            assert "who" in stated and set(stated) <= set(row["facts"])
            assert all(row["facts"][name] in values for name, values in stated.items()), (caption, stated)
        place = row["facts"]["place"]
        assert place in BACKGROUNDS and {"top"} <= set(row["facts"])


def test_facts_of_bodies_are_those_of_the_map(made):
    root = made["people-bodies"]
    body = SCHEMAS["body-20"]
    for line in (root / "facts.jsonl").read_text().splitlines():
        row = json.loads(line)
        shown = {body.classes[label] for label in np.unique(read_label_map(root / f"parsing/{row['name']}.png", body))}
        assert ("bottom" in row["facts"]) <= bool(shown & {"pants", "skirt"})
        assert ("shoes" in row["facts"]) <= bool(shown & {"l_shoe", "r_shoe"})
        assert not ("mouth" in row["facts"] and "face" not in shown)


# --- all kinds


def test_shards_hold_every_sample(made):
    for kind, folder in made.items():
        records = [json.loads(line) for line in (folder / "records.jsonl").read_text().splitlines()]
        found: dict[str, set[str]] = {}
        for path in sorted((folder / "shards").glob("*.tar")):
            with tarfile.open(path) as tar:
                for member in tar.getmembers():
                    key, _, suffix = member.name.partition(".")
                    found.setdefault(key, set()).add(suffix)
                    if suffix == "json":
                        labels = json.load(tar.extractfile(member))
                        assert labels["identity"] == records[int(key)]["identity"]
        suffixes = {"people-faces": {"jpg", "label.png", "txt", "json"}, "people-ages": {"jpg", "label.png", "json"},
                    "people-bodies": {"png", "label.png", "txt", "json"}}[kind]  # fmt: skip
        assert found == {f"{record['index']:08d}": suffixes for record in records}


def test_a_set_that_grows_is_the_set_of_its_final_size(made, tmp_path):
    write_people("people-faces", tmp_path, num=2, size=SIZE, seed=SEED)
    write_people("people-faces", tmp_path, num=4, size=SIZE, seed=SEED, per_shard=3)
    assert contents(tmp_path) == contents(made["people-faces"])


@pytest.mark.slow
@pytest.mark.parametrize("kind", list(KINDS))
def test_workers_make_the_same_files(kind, made, tmp_path):
    num = len((made[kind] / "records.jsonl").read_text().splitlines())
    write_people(kind, tmp_path, num=num, size=SIZE, seed=SEED, per_shard=3, workers=2)
    assert contents(tmp_path) == contents(made[kind])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "people-face"}, 'Did you mean "people-faces"'),
        ({"num": 0}, "num is 0"),
        ({"seed": -1}, "seed is -1"),
        ({"size": 32}, "size is 32, but must be from 64 to 512"),
        ({"size": 513}, "size is 513"),
        ({"workers": 0}, "workers is 0"),
        ({"per_shard": -1}, "per_shard is -1"),
    ],
)
def test_wrong_arguments_write_nothing(tmp_path, arguments, message):
    with pytest.raises(ConfigError, match=message):
        write_people(**{"kind": "people-faces", "out": tmp_path / "out", "num": 1} | arguments)
    assert not (tmp_path / "out").exists()


def test_sizes_of_bodies_keep_whole_columns(tmp_path):
    with pytest.raises(ConfigError, match="size is 100, but must be a multiple of 32"):
        write_people("people-bodies", tmp_path / "out", num=1, size=100)
    assert not (tmp_path / "out").exists()


def test_kinds_and_seeds_are_not_mixed(made):
    before = contents(made["people-ages"])
    with pytest.raises(ConfigError, match=r"with kind = people-ages, not people-faces"):
        write_people("people-faces", made["people-ages"], num=20, size=SIZE, seed=SEED)
    with pytest.raises(ConfigError, match=rf"with seed = {SEED}, not 1"):
        write_people("people-ages", made["people-ages"], num=20, size=SIZE, seed=1)
    with pytest.raises(ConfigError, match="holds 11 faces, more than 3"):
        write_people("people-ages", made["people-ages"], num=3, size=SIZE, seed=SEED)
    assert contents(made["people-ages"]) == before


def test_without_the_renderer_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "warp", None)
    with pytest.raises(MissingExtraError, match=r"limner\[people\]"):
        write_people("people-faces", tmp_path / "out", num=1)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match="cannot be written"):
        write_people("people-faces", tmp_path / "file", num=1, size=SIZE)
