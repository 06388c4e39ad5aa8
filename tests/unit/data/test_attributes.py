"""Files of attributes and splits: what is read, and each way in which they are wrong."""

from __future__ import annotations

import pytest

from limner.data.attributes import (
    joined,
    own_splits,
    read_celeba_attributes,
    read_csv_attributes,
    read_eval_partition,
    read_splits,
)
from limner.data.manifest import open_manifest
from limner.errors import DataError


def test_celeba_form(tmp_path):
    path = tmp_path / "list_attr.txt"
    path.write_text("2\nMale Young\n1.jpg  1 -1\n2.jpg -1  0\n\n")
    assert read_celeba_attributes(path) == (("Male", "Young"), {"1.jpg": (1.0, 0.0), "2.jpg": (0.0, 0.0)})


def test_csv_form(tmp_path):
    path = tmp_path / "attributes.csv"
    path.write_text("name,Male, Young\n1,1,0\n\n2,-1,1\n", encoding="utf-8-sig")
    assert read_csv_attributes(path) == (("Male", "Young"), {"1": (1.0, 0.0), "2": (0.0, 1.0)})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must begin with a line with the number"),
        ("Male Young\n1.jpg 1 1\n", "must begin with a line with the number"),
        ("3\nMale\n1.jpg 1\n", "says 3 pictures in line 1 but has 1 rows"),
        ("1\nMale Young\n1.jpg 1\n", "has 1 values in line 3 but 2 attribute names"),
        ("1\nMale\n1.jpg 2\n", 'has the value "2" in line 3, but only 1, 0 and -1'),
        ("1\nMale\n1.jpg nan\n", 'has the value "nan"'),
        ("2\nMale\n1.jpg 1\n1.jpg 1\n", 'two rows for "1.jpg"'),
        ("1\nMale Male\n1.jpg 1 1\n", "the attribute Male twice"),
    ],
)
def test_wrong_celeba_form(tmp_path, text, message):
    path = tmp_path / "list_attr.txt"
    path.write_text(text)
    with pytest.raises(DataError, match=message) as caught:
        read_celeba_attributes(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must begin with a header"),
        ("name\n1\n", "must begin with a header"),
        ("name,Male,\n1,1,1\n", "an attribute without a name"),
        ("name,Male\n1,yes\n", 'has the value "yes" in line 2'),
        ("name,Male\n1,1\n1,0\n", "two rows"),
    ],
)
def test_wrong_csv_form(tmp_path, text, message):
    path = tmp_path / "attributes.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        read_csv_attributes(path)


def test_splits(tmp_path):
    path = tmp_path / "splits.csv"
    path.write_text("name,split\n1.jpg,train\n2,test\n")
    assert read_splits(path) == {"1.jpg": "train", "2": "test"}
    assert own_splits(tmp_path, ["2", "1"]) == {"1": "train", "2": "test"}
    for text, message in (("1,train\n", "header"), ("name,split\n1,dev\n", "one of train, val, test")):
        path.write_text(text)
        with pytest.raises(DataError, match=message):
            read_splits(path)


def test_partition(tmp_path):
    path = tmp_path / "list_eval_partition.txt"
    path.write_text("000001.jpg 0\n000002.jpg 1\n000003.jpg 2\n")
    assert list(read_eval_partition(path).values()) == ["train", "val", "test"]
    path.write_text("000001.jpg 3\n")
    with pytest.raises(DataError, match="0, 1 or 2"):
        read_eval_partition(path)


def test_files_that_are_no_text(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(DataError, match="not a text file"):
        read_celeba_attributes(tmp_path / "a.txt")
    with pytest.raises(DataError, match="cannot be read"):
        read_celeba_attributes(tmp_path / "none.txt")


@pytest.mark.parametrize("entry", ["0", "0.jpg", "images/0.jpg", "images\\0.jpg", "C:\\data\\images\\0.png", "./0"])
def test_an_entry_means_the_picture_of_its_name(tmp_path, entry):
    assert joined(tmp_path / "list", {entry: 1}, ["0", "1"]) == {"0": 1}


def test_names_with_blanks_dots_and_accents(tmp_path):
    names = ["my photo", "a.small", "caf\u00e9"]
    table = {"my photo.jpg": 1, "a.small": 2, "cafe\u0301.png": 3}
    assert joined(tmp_path / "list", table, names) == {"my photo": 1, "a.small": 2, "caf\u00e9": 3}
    (tmp_path / "attributes.txt").write_text("2\nMale Young\nmy photo.jpg 1 -1\nb.jpg -1 1\n\n")
    _, table = read_celeba_attributes(tmp_path / "attributes.txt")
    assert table == {"my photo.jpg": (1.0, 0.0), "b.jpg": (0.0, 1.0)}
    (tmp_path / "partition.txt").write_text("my photo.jpg 2\n")
    assert read_eval_partition(tmp_path / "partition.txt") == {"my photo.jpg": "test"}


def test_names_without_a_picture_are_an_error_with_their_number_and_the_first(tmp_path):
    table = {"0": "test", "00001.jpg": "test", "x.jpg": "train"}
    with pytest.raises(DataError, match=r'list names 3 pictures, of which 2 have no picture here.*"00001.jpg"'):
        joined(tmp_path / "list", table, ["0", "1"])
    assert joined(tmp_path / "list", table, ["0", "1"], may_exceed=True) == {"0": "test"}
    with pytest.raises(DataError, match="2 have no picture here"):  # not one of them has
        joined(tmp_path / "list", {"00001": 1, "00002": 2}, ["1", "2"], may_exceed=True)


def test_two_entries_for_one_picture_are_refused(tmp_path):
    with pytest.raises(DataError, match='two rows for "0"'):
        joined(tmp_path / "list", {"0.jpg": "train", "images/0.jpg": "test"}, ["0"])


@pytest.mark.parametrize("entry", ["images\\{}.png", "labels/{}.png", "{}.jpg", "{}"])
def test_splits_of_a_folder_by_any_form_of_the_names(folder, entry):
    root = folder()
    names = sorted(path.stem for path in (root / "images").iterdir())
    lines = [f"{entry.format(name)},{'test' if index < 2 else 'train'}" for index, name in enumerate(names)]
    (root / "splits.csv").write_text("\n".join(["name,split", *lines]) + "\n")
    manifest = open_manifest(root, schema="celebamask-19")
    assert {row.name for row in manifest.rows if row.split == "test"} == set(names[:2])
    (root / "splits.csv").write_text("name,split\n007.png,test\n")
    with pytest.raises(DataError, match=r'splits.csv names 1 pictures.*"007.png"'):
        open_manifest(root, schema="celebamask-19")


def test_a_sentence_does_not_repeat_a_whole_file(tmp_path):
    (tmp_path / "partition.txt").write_bytes(b"[" * 50_000 + b"\x1b[31m\0")
    with pytest.raises(DataError, match="needs a file name and 0, 1 or 2") as caught:
        read_eval_partition(tmp_path / "partition.txt")
    assert len(str(caught.value)) < 400 and str(caught.value).isprintable()
