"""Files of attributes and splits: what is read, and each way in which they are wrong."""

from __future__ import annotations

import pytest

from limner.data.attributes import read_celeba_attributes, read_csv_attributes, read_eval_partition, read_splits
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
    assert read_splits(path) == {"1": "train", "2": "test"}
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
