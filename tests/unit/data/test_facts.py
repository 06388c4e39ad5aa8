"""Facts of pictures made by code: which captions are true of which pictures."""

from __future__ import annotations

import json

import pytest

from limner.data.facts import read_facts
from limner.data.manifest import open_manifest
from limner.errors import DataError
from tests.stick_people import write_stick_people

LINES = [
    {"name": "0.png", "facts": {"hair": "black", "hat": "none"}, "stated": [{"hair": ["black", "brown"]}, {}]},
    {"name": "1.png", "facts": {"hair": "brown"}, "stated": [{"hair": ["brown"]}]},
    {"name": "2.png", "facts": {"hat": "cap"}, "stated": [{"hat": ["cap"]}]},
]


def test_a_caption_that_is_true_of_another_picture(tmp_path):
    path = tmp_path / "facts.jsonl"
    path.write_text("\n".join(map(json.dumps, LINES)) + "\n")
    first, second, third = read_facts(path).values()
    assert first.states_truth_of(0, second) and not second.states_truth_of(0, first)
    assert first.states_truth_of(1, third), "a caption that states nothing is true of every picture"
    assert not first.states_truth_of(0, third), "a picture whose hair is not known"
    with pytest.raises(DataError, match="no caption 2"):
        first.states_truth_of(2, second)


@pytest.mark.parametrize("line", ["{", "[]", '{"name": "x"}', '{"name": "x", "facts": {}, "stated": [3]}'])
def test_damaged_facts(tmp_path, line):
    path = tmp_path / "facts.jsonl"
    path.write_text(f"{json.dumps(LINES[0])}\n{line}\n")
    with pytest.raises(DataError, match="what captions state in line 2"):
        read_facts(path)


def test_marks_have_facts(celebamask_hq):
    root = celebamask_hq()
    (root / "facts.jsonl").write_text(json.dumps(LINES[0]) + "\n")
    manifest = open_manifest(root)
    assert manifest.marks("0").facts.known["hair"] == "black" and manifest.marks("1").facts is None


def test_bodies_have_captions_and_key_points(tmp_path):
    root = write_stick_people(tmp_path)
    name = open_manifest(root).rows[0].name
    (root / "captions").mkdir()
    (root / f"captions/{name}.txt").write_text("A person of sticks.\n\nAnother sentence.\n")
    manifest = open_manifest(root, needs=("captions", "keypoints"))
    assert manifest.marks(name).captions == ("A person of sticks.", "Another sentence.")
    assert manifest.marks(name).keypoints.shape == (18, 2) and "sticks" in manifest.spec.vocabulary.words
