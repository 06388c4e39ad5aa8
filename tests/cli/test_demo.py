"""`limner demo`, from random weights: what it writes, and that its pages tell the truth about how."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import limner
from limner.cli.main import main
from limner.demo import MAX_BYTES, contact_sheet
from limner.systems.scgan.demo import demo

NAMES = ["faces", "attributes", "walks", "edits", "parses"]


@pytest.fixture(scope="module")
def shown(tiny_weights, tmp_path_factory):
    """The folder of a demo and its pictures."""
    out = tmp_path_factory.mktemp("demo")
    pictures = demo(out, limner.load(tiny_weights))
    return out, {picture.name: picture for picture in pictures}


def test_page_and_pictures(tiny_weights, monkeypatch, tmp_path, capsys) -> None:
    monkeypatch.setenv("LIMNER_WEIGHTS", str(tiny_weights.parent))
    out = tmp_path / "demo"
    assert main(["demo", "scgan", "--out", str(out), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    page = (out / "index.html").read_text()
    assert report["page"] == str(out / "index.html")
    assert [picture["name"] for picture in report["systems"]["scgan"]["pictures"]] == NAMES
    assert page.count("data:image/jpeg;base64,") == len(NAMES)
    assert not re.search(r'(?:src|href)="(?!data:)', page), "the page needs no other file"
    assert "Synthetic media" in page
    for picture in report["systems"]["scgan"]["pictures"]:
        assert Path(picture["path"]).stat().st_size <= MAX_BYTES
        facts = json.loads(Image.open(picture["path"]).getexif()[0x010E])
        assert facts["weights_hash"] == report["systems"]["scgan"]["weights_hash"]


def test_without_weights_it_says_so(monkeypatch, tmp_path, capsys) -> None:
    monkeypatch.setattr("limner.hub._shipped", dict)
    assert main(["demo", "--out", str(tmp_path / "demo")]) == 1
    assert "No weights came with this installation" in capsys.readouterr().err
    assert not (tmp_path / "demo").exists()


@pytest.mark.parametrize("name", NAMES)
def test_python_of_the_page_runs(name: str, shown, tiny_weights, monkeypatch) -> None:
    out, pictures = shown
    monkeypatch.chdir(out)
    monkeypatch.setenv("LIMNER_WEIGHTS", str(tiny_weights.parent))
    exec(compile(pictures[name].python, name, "exec"), {})


def test_python_of_the_page_makes_the_pictures_shown(shown, tiny_weights, monkeypatch) -> None:
    out, pictures = shown
    monkeypatch.chdir(out)
    monkeypatch.setenv("LIMNER_WEIGHTS", str(tiny_weights.parent))
    exec(compile(pictures["attributes"].python, "attributes", "exec"), {})
    again = [Image.open(path) for path in sorted(Path("change-0").glob("*.png")) if "sheet" not in path.name]
    first_row = contact_sheet([again], tile=128)
    sheet = pictures["attributes"].image
    shown_row = sheet.crop((sheet.width - first_row.width, 22, sheet.width, 22 + 128))
    assert np.array_equal(np.asarray(first_row), np.asarray(shown_row))


@pytest.mark.parametrize("name", NAMES)
def test_commands_of_the_page_run(name: str, shown, tiny_weights, monkeypatch, capsys) -> None:
    out, pictures = shown
    monkeypatch.chdir(out)
    monkeypatch.setenv("LIMNER_WEIGHTS", str(tiny_weights.parent))
    for line in pictures[name].command.splitlines():
        words = shlex.split(line)
        assert words[0] == "limner"
        assert main([*words[1:], "--force"]) == 0, capsys.readouterr().err


def test_contact_sheet_sizes() -> None:
    tile = Image.new("RGB", (8, 8), "red")
    sheet = contact_sheet([[tile, tile], [tile]], tile=10)
    assert sheet.size == (22, 22)
    pixels = np.asarray(sheet)
    assert (pixels[:10, :10] == (255, 0, 0)).all() and (pixels[12:, 12:] == 255).all()
