"""`limner demo maskface`, from random weights: its pages tell the truth about how the pictures are made."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import limner
from limner import hub
from limner.cli.main import main
from limner.demo import contact_sheet
from limner.systems.maskface.demo import NUM_STYLES, demo

NAMES = ["faces", "photos", "edits", "walks", "inversions"]
WEIGHTS = "maskface-people-64"


@pytest.fixture
def weights(tmp_path_factory, make_pipeline, monkeypatch) -> Path:
    """Random weights under the name of the shipped ones, which they stand for."""
    path = tmp_path_factory.mktemp("weights") / WEIGHTS
    make_pipeline().save_pretrained(path, default=True)
    monkeypatch.setenv("LIMNER_WEIGHTS", str(path.parent))
    return path


@pytest.fixture
def shown(weights, tmp_path, monkeypatch):
    """The pictures of a demo, in whose folder the test runs."""
    pictures = demo(tmp_path, limner.load(WEIGHTS))
    monkeypatch.chdir(tmp_path)
    return {picture.name: picture for picture in pictures}


def test_the_command_writes_all_pictures(weights, tmp_path, capsys):
    assert main(["demo", "maskface", "--out", str(tmp_path / "demo"), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)["systems"]["maskface"]
    assert report["weights"] == WEIGHTS and [picture["name"] for picture in report["pictures"]] == NAMES
    assert all(Path(picture["path"]).is_file() for picture in report["pictures"])


def test_without_names_those_with_weights_are_shown(weights, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(hub, "_shipped", lambda: {WEIGHTS: weights})
    assert main(["demo", "--out", str(tmp_path / "demo"), "--json"]) == 0
    assert list(json.loads(capsys.readouterr().out)["systems"]) == ["maskface"]


def test_python_of_the_page_runs_and_makes_the_pictures_shown(shown):
    assert list(shown) == NAMES
    for name, picture in shown.items():
        assert 'limner.load("maskface")' in picture.python
        exec(compile(picture.python, name, "exec"), {})
    again = [Image.open(f"before/seed-{seed:06d}.png") for seed in range(NUM_STYLES)]
    row = contact_sheet([again])
    sheet = shown["edits"].image
    first = sheet.crop((sheet.width - row.width, 22, sheet.width, 22 + row.height))
    assert np.array_equal(np.asarray(first), np.asarray(row))


def test_commands_of_the_page_run(shown, capsys):
    for picture in shown.values():
        for line in picture.command.splitlines():
            words = shlex.split(line)
            assert words[:3] == ["limner", "generate", "maskface"] and "--weights" not in words
            assert main([*words[1:], "--force"]) == 0, capsys.readouterr().err
