"""The layouts of UTKFace and DeepFashion In-shop, written tiny and read back, and their marks on the contact sheet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from limner.data.checks import check_dataset
from limner.data.datasets.deepfashion_inshop import content_columns, pairs_path, parse_name, read_pairs
from limner.data.datasets.utkface import AGE_GROUPS, age_group, read_identities
from limner.data.datasets.utkface import parse_name as parse_utkface_name
from limner.data.keypoints import keypoint_row
from limner.data.manifest import open_manifest
from limner.data.preview import contact_sheet
from limner.errors import DataError

# --- UTKFace

UTKFACE = (
    "25_0_1_20170112213500903.jpg.chip.jpg",
    "4_1_2_20170112215240346.jpg",
    "81_1_4_20170110183726390.jpg.chip.jpg",
    "61_1_20170109142408075.jpg.chip.jpg",
)


@pytest.fixture
def utkface(tmp_path, save, landmarks_68) -> Path:
    """Four faces of 40 pixels, three of which have landmarks, in two lists of another order."""
    root = tmp_path / "utkface"
    for index, file in enumerate(UTKFACE):
        save(root / "UTKFace" / file, np.full((40, 40, 3), 60 * index, np.uint8))
    numbers = " ".join(f"{value:.2f}" for value in (landmarks_68 * 0.3 + 20).ravel())
    (root / "landmark_list_part1.txt").write_text(f"{UTKFACE[2]} {numbers} \n{UTKFACE[0]} {numbers}\n")
    (root / "landmark_list_part2.txt").write_text(f"{UTKFACE[1].partition('.')[0]}.jpg {numbers}\n\n")
    return root


def test_utkface(utkface):
    manifest = open_manifest(utkface)
    assert manifest.kind == "utkface" and manifest.spec.attribute_kind == "exclusive"
    assert [row.name.partition("_")[0] for row in manifest.rows] == ["25", "4", "81"]
    assert [AGE_GROUPS[row.attributes.index(1.0)] for row in manifest.rows] == ["21-30", "0-5", "80+"]
    assert "1 of 4 pictures have no landmarks" in manifest.notes[0]
    image, label_map = manifest.read(manifest.rows[0])
    assert image.shape == (40, 40, 3) and set(np.unique(label_map)) == set(range(7))
    assert manifest.marks(manifest.rows[0].name).landmarks.shape == (68, 2)
    assert check_dataset(manifest).errors == []
    assert read_identities(utkface) == {}
    (utkface / "splits.csv").write_text(f"name,split\n{UTKFACE[0].partition('.')[0]},test\n{UTKFACE[1]},val\n")
    splits = {row.name.partition("_")[0]: row.split for row in open_manifest(utkface).rows}
    assert splits == {"25": "test", "4": "val", "81": "unused"}


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("25_0_1_20170112213500903.jpg.chip.jpg", (25, 0, 1)),
        ("110_1_4_20170112213500903.JPG", (110, 1, 4)),
        ("39_1_20170116174525125.jpg.chip.jpg", (39, None, None)),
        ("61_3_20170109150557335.jpg.chip.jpg", (61, None, None)),
        ("53__0_20170116184028385.jpg.chip.jpg", (53, None, 0)),
        ("7_2_9_20170116184028385.jpg", (7, None, None)),
    ],
)
def test_utkface_names(name, labels):
    found = parse_utkface_name(name)
    assert (found.age, found.gender, found.race) == labels


def test_age_groups_are_those_of_the_specification():
    assert [age_group(age) for age in (0, 5, 6, 10, 11, 20, 21, 80, 81, 116)] == [0, 0, 1, 1, 2, 2, 3, 8, 9, 9]
    assert age_group(5.9) == 0, "nearly six is still five"


def test_utkface_that_is_wrong(utkface, save):
    save(utkface / "UTKFace" / "old_0_1_1.jpg", np.zeros((8, 8, 3), np.uint8))
    save(utkface / "UTKFace" / "117_0_1_1.jpg", np.zeros((8, 8, 3), np.uint8))
    problems = open_manifest(utkface, allow_problems=True).problems
    assert len(problems) == 2 and all("does not begin with an age from 0 to 116" in problem for problem in problems)
    (utkface / "landmark_list_part2.txt").write_text("25_0_1_1.jpg 1 2 3\n")
    with pytest.raises(DataError, match="needs a name and 136 numbers in line 1"):
        open_manifest(utkface)
    (utkface / "landmark_list_part2.txt").write_text("25_0_1_1.jpg" + " nan" * 136)
    with pytest.raises(DataError, match="needs a name and 136 numbers in line 1"):
        open_manifest(utkface)
    for path in utkface.glob("landmark_list*"):
        path.unlink()
    with pytest.raises(DataError, match=r"has no landmark_list\*\.txt"):
        open_manifest(utkface)
    with pytest.raises(DataError, match="neither the folder UTKFace"):
        open_manifest(utkface / "UTKFace", kind="utkface")


def test_identities(utkface):
    (utkface / "identity.csv").write_text(f"name,identity\n{UTKFACE[0]},7\n{UTKFACE[1]},8\n")
    assert list(read_identities(utkface).values()) == ["7", "8"]
    assert set(read_identities(utkface)) <= {name.partition(".")[0] for name in UTKFACE}
    (utkface / "identity.csv").write_text("name\na\n")
    with pytest.raises(DataError, match="name,identity"):
        read_identities(utkface)


# --- DeepFashion In-shop

INSHOP = {
    "train": ("fashionWOMENTees_Tanksid0000000101_1front.jpg", "fashionWOMENTees_Tanksid0000000101_3back.jpg"),
    "test": ("fashionMENShirts_Polosid0000180202_4full.jpg",),
}


@pytest.fixture
def inshop(tmp_path, save):
    """Writes three pictures of 32 pixels whose middle 22 columns are not white."""

    def write(*, parsing: bool = True, spelling: str = "fashion-resize") -> Path:
        root = tmp_path / "inshop"
        points = np.stack([np.linspace(4, 18, 18), np.linspace(2, 30, 18)], axis=1)
        points[3] = np.nan
        for split, names in INSHOP.items():
            for name in names:
                image = np.full((32, 32, 3), 255, np.uint8)
                image[:, 5:27] = 90 + len(name) + 10 * (split == "test")
                save(root / split / name, image, quality=95)
                label_map = np.zeros((32, 32), np.uint8)
                label_map[4:28, 10:20] = 5
                if parsing:
                    save(root / "parsing" / name.replace(".jpg", ".png"), label_map)
            rows = [keypoint_row(name, points) for name in names]
            text = "\n".join(["name:keypoints_y:keypoints_x", *rows]) + "\n"
            (root / f"{spelling}-annotation-{split}.csv").write_text(text)
            pairs = [f"{a},{b}" for a in names for b in names if a != b]
            (root / f"{spelling}-pairs-{split}.csv").write_text("\n".join(["from,to", *pairs]) + "\n")
        return root

    return write


def test_inshop_with_parsing(inshop):
    manifest = open_manifest(inshop())
    assert manifest.kind == "deepfashion-inshop" and manifest.spec.schema.name == "body-20"
    assert manifest.split_sizes() == {"train": 2, "test": 1}
    row = manifest.rows[0]
    assert manifest.reader.read_image(row).shape == (32, 22, 3), "without the white borders"
    image, label_map = manifest.read(row)
    assert image.shape == (32, 32, 3) and image.max() < 255, "padded to a square by the picture's own edge"
    assert (label_map == 5).sum() == 24 * 10
    keypoints = manifest.marks(row.name).keypoints
    assert keypoints.shape == (18, 2) and np.isnan(keypoints[3]).all()
    assert open_manifest(manifest.root, schema="deepfashion-7").spec.schema.name == "deepfashion-7"
    assert check_dataset(manifest).errors == []


def test_inshop_without_parsing_paints_limbs(inshop):
    manifest = open_manifest(inshop(parsing=False))
    assert manifest.spec.schema.name == "limbs-18"
    label_map = manifest.reader.read_label_map(manifest.rows[0])
    assert label_map.shape == (32, 22) and len(np.unique(label_map)) == 5
    assert manifest.fingerprint()


@pytest.mark.parametrize("spelling", ["fashion-resize", "fasion-resize"])
def test_inshop_pairs_in_both_spellings(spelling, inshop):
    root = inshop(spelling=spelling)
    front, back = INSHOP["train"]
    assert read_pairs(pairs_path(root, "train")) == [(front, back), (back, front)]
    assert read_pairs(pairs_path(root, "test")) == []
    assert pairs_path(root, "val") is None
    assert len(open_manifest(root)) == 3


def test_inshop_names():
    labels = parse_name("fashionMENShirts_Polosid0000180202_4full.jpg")
    assert (labels.gender, labels.category, labels.item) == ("MEN", "Shirts_Polos", "00001802")
    assert (labels.outfit, labels.view) == ("02", "4full")
    other = parse_name("fashionWOMENShirts_Polosid0000180202_4full.jpg")
    assert labels.identity != other.identity
    with pytest.raises(DataError, match="is not of the form"):
        parse_name("02_4_full.jpg")


def test_inshop_columns():
    assert content_columns(256, 256) == (40, 176)
    assert content_columns(64, 64) == (10, 44)
    assert content_columns(176, 256) == (0, 176)


def test_inshop_that_is_wrong(inshop, save):
    root = inshop()
    front, back = INSHOP["train"]
    (root / "train" / front).rename(root / "train" / "me.jpg")
    (root / "parsing" / back.replace(".jpg", ".png")).unlink()
    twin = back.replace("3back", "7additional")
    save(root / "test" / twin, np.zeros((32, 32, 3), np.uint8))
    table = root / "fashion-resize-annotation-test.csv"
    table.write_text(table.read_text() + keypoint_row(twin, np.ones((18, 2))) + "\n")
    (root / "fashion-resize-pairs-test.csv").write_text("from,to\na.jpg,b.jpg\n")
    problems = " ".join(open_manifest(root, allow_problems=True).problems)
    for words in (
        f"has {front}, but",
        "me.jpg has no row in the key points",
        "_3back.png is missing",
        "names a.jpg, which has no key points",
        "id0000000101 is in both splits",
    ):
        assert words in problems, words
    (root / "fashion-resize-pairs-test.csv").write_text("from\na.jpg\n")
    with pytest.raises(DataError, match="header from,to"):
        open_manifest(root)
    (root / "fashion-resize-annotation-train.csv").unlink()
    with pytest.raises(DataError, match="not DeepFashion In-shop"):
        open_manifest(root, kind="deepfashion-inshop")


# --- the contact sheet


def test_contact_sheet_puts_points_where_they_belong(inshop):
    """A picture of 22 x 32, padded by 5 columns on each side and shown twice as large."""
    manifest = open_manifest(inshop())
    sheet = np.asarray(contact_sheet(manifest, num=1, columns=1, size=64))
    white = np.argwhere((sheet == 255).all(axis=2))
    x, y = manifest.marks(manifest.rows[0].name).keypoints[10]
    legend = sheet.shape[0] - (64 + 2 * 14 + 8)
    expected = np.array([legend + 2 * y + 0.5, 8 + 64 + 2 * (x + 5) + 0.5])
    assert np.abs(white - expected).max(axis=1).min() <= 1


def test_contact_sheet_shows_captions(celebamask_hq):
    root = celebamask_hq(2)
    without = contact_sheet(open_manifest(root), num=2, columns=2, size=48)
    (root / "captions").mkdir()
    (root / "captions" / "0.txt").write_text("A face of boxes.\nAnother sentence.\n")
    assert open_manifest(root).marks("0").captions == ("A face of boxes.", "Another sentence.")
    assert open_manifest(root).marks("1").captions == ()
    sheet = contact_sheet(open_manifest(root), num=2, columns=2, size=48)
    assert sheet.height == without.height + 14
    line = np.asarray(sheet)[-14 - 8 : -8].min(axis=2)
    assert (line[:, : sheet.width // 2] < 100).any() and not (line[:, sheet.width // 2 :] < 100).any()


def test_contact_sheet_of_landmarks(celebamask_hq, landmarks_68):
    root = celebamask_hq(2)
    before = contact_sheet(open_manifest(root), num=1, columns=1, size=64)
    header = "name," + ",".join(f"{axis}{index}" for index in range(68) for axis in "xy")
    row = "0," + ",".join(f"{value:.2f}" for value in (landmarks_68 * 0.15 + 16).ravel())
    (root / "landmarks68.csv").write_text(f"{header}\n{row}\n")
    after = contact_sheet(open_manifest(root), num=1, columns=1, size=64)
    changed = (np.asarray(before) != np.asarray(after)).any(axis=2)
    assert changed.sum() > 100 and not changed[:, : 8 + 64].any(), "the picture itself stays free of points"
