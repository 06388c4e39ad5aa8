"""`limner demo portrait`, from untrained networks and a parser that sees faces: the page tells the truth."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import limner
from limner import registry
from limner.cli.main import main
from limner.data.schema import converter, get_schema
from limner.data.transforms import resize_image, resize_label_map
from limner.demo import contact_sheet
from limner.people.gallery import ready
from limner.systems.portrait.demo import PEOPLE, SOURCES, add_fringe, demo, open_mouth, remove_fringe

SCHEMA = get_schema("portrait-11")
NAMES = ["swaps", "edits", "walks", "gallery", "faces", "scene"]
WEIGHTS = "portrait-people-64"


@pytest.fixture(scope="module")
def people() -> list[tuple[np.ndarray, np.ndarray]]:
    """The people of the demo: (64, 64, 3) photo, (64, 64) ids."""
    table = converter("celebamask-19", SCHEMA)
    chosen = [person for person in ready("face") if person.name in PEOPLE.values()]
    return [(resize_image(p.image, 64), table[resize_label_map(p.label_map, 64)]) for p in chosen]


@pytest.fixture
def weights(tmp_path_factory, make_pipeline, face_parser, monkeypatch) -> Path:
    """Weights under the name of the shipped ones, which they stand for."""
    path = tmp_path_factory.mktemp("weights") / WEIGHTS
    pipeline = make_pipeline()
    pipeline.components["parser"] = face_parser
    pipeline.save_pretrained(path, default=True)
    monkeypatch.setenv("LIMNER_WEIGHTS", str(path.parent))
    return path


def test_python_and_commands_make_the_pictures_again(weights, tmp_path, monkeypatch, capsys):
    assert registry.demo_function("portrait") is demo
    pictures = {picture.name: picture for picture in demo(tmp_path, limner.load(WEIGHTS))}
    assert list(pictures) == NAMES
    monkeypatch.chdir(tmp_path)
    for name, picture in pictures.items():
        assert 'limner.load("portrait")' in picture.python
        exec(compile(picture.python, name, "exec"), {})
        for line in picture.command.splitlines():
            words = shlex.split(line)
            assert words[0] == "limner" and main([*words[1:], "--force"]) == 0, capsys.readouterr().err
    row = contact_sheet([[Image.open(f"ada-{part}/swap-{part}.png") for part in SOURCES]], tile=112)
    sheet = pictures["swaps"].image
    top = 22 + 112 + 2
    shown = sheet.crop((sheet.width - row.width, top, sheet.width, top + 112))
    assert np.array_equal(np.asarray(row), np.asarray(shown)), "the program makes what the page shows"


def test_edits_of_maps(people):
    """Each changes its own region and nothing else."""
    for _, ids in people:
        opened = open_mouth(ids)
        assert (opened == SCHEMA.id("mouth")).sum() > (ids == SCHEMA.id("mouth")).sum()
        assert (opened == SCHEMA.id("l_lip")).any()
        lips = np.nonzero(ids == SCHEMA.id("l_lip"))[0]
        assert np.array_equal(opened[: lips.min()], ids[: lips.min()])
        forehead = np.nonzero(np.isin(ids, (2, 3)))[0].min()
        for change, before, after in ((add_fringe, "skin", "hair"), (remove_fringe, "hair", "skin")):
            edited = change(ids)
            changed = edited != ids
            assert np.array_equal(edited[forehead:], ids[forehead:])
            assert (ids[changed] == SCHEMA.id(before)).all() and (edited[changed] == SCHEMA.id(after)).all()
    assert (add_fringe(people[0][1]) != people[0][1]).any()


def test_maps_without_the_parts_stay_as_they_are():
    empty = np.zeros((64, 64), np.uint8)
    for change in (open_mouth, add_fringe, remove_fringe):
        assert np.array_equal(change(empty), empty)
