"""`limner demo`, from random weights: what it writes, and that its pages tell the truth about how."""

from __future__ import annotations

import html
import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import limner
from limner import hub, registry
from limner.cli.demo import BEST_FIRST, _choose
from limner.cli.main import main
from limner.demo import MAX_BYTES, DemoPicture, DemoSection, contact_sheet, write_page
from limner.optional import check_installed
from limner.systems.scgan.demo import demo
from tests.captioned_shapes import write_captioned_shapes

from ..contract.stored import smoke_pipeline

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


def test_what_lacks_a_package_is_left_out_with_a_sentence(tiny_weights, monkeypatch, tmp_path, capsys) -> None:
    """Or refused with it, where it was asked for by its name."""
    monkeypatch.setenv("LIMNER_WEIGHTS", str(tiny_weights.parent))
    monkeypatch.setattr("limner.cli.demo.registry.demo_function", lambda name: _needs_a_package)
    monkeypatch.setattr("limner.hub._shipped", lambda: {"tiny": tiny_weights})
    out = tmp_path / "demo"
    reason = (
        'This needs the package "no_such_package", which is not installed. Install it with: pip install "limner[video]"'
    )
    assert main(["demo", "scgan", "--out", str(out)]) == 1
    assert reason in capsys.readouterr().err
    assert not (out / "index.html").exists()
    assert main(["demo", "--out", str(out)]) == 0
    assert f"scgan is not shown. {reason}" in capsys.readouterr().out
    assert html.escape(reason) in (out / "index.html").read_text()
    assert not (out / "scgan").exists(), "an empty folder says nothing"


def _needs_a_package(out: Path, pipeline: object) -> list[DemoPicture]:
    check_installed("no_such_package", extra="video")
    return []


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


def test_every_system_with_weights_has_a_demo_and_words_of_its_own() -> None:
    names = {info.system for info in hub.list_weights() if info.default}
    assert {"scgan", "parser", "facejudge"} <= names
    chosen = _choose([])
    assert set(chosen) == names, "no system with weights is left out"
    assert len({registry.demo_words(name) for name in names}) == len(names)
    assert all(registry.demo_words(name).endswith(".") for name in names)


def test_the_best_come_first_and_judges_last() -> None:
    chosen = list(_choose([]))
    assert chosen[: len(BEST_FIRST)] == list(BEST_FIRST)
    assert {registry.task(name).judges_as is not None for name in chosen[len(BEST_FIRST) :]} == {True}


@pytest.mark.parametrize("system", ["parser", "facejudge", "factjudge", "damsm"])
def test_judges_show_what_they_see(system: str, drawn_faces, ready_ages, tmp_path, monkeypatch, capsys) -> None:
    data = {"parser": drawn_faces, "facejudge": ready_ages}.get(system) or write_captioned_shapes(tmp_path / "shapes")
    weights = smoke_pipeline(system, data)
    weights.save_pretrained(tmp_path / "weights" / system, default=True)
    monkeypatch.setenv("LIMNER_WEIGHTS", str(tmp_path / "weights"))
    assert main(["demo", system, "--out", str(tmp_path / "demo"), "--json"]) == 0
    (picture,) = json.loads(capsys.readouterr().out)["systems"][system]["pictures"]
    assert Image.open(picture["path"]).width > 300
    monkeypatch.chdir(tmp_path / "demo" / system)
    page = html.unescape((tmp_path / "demo/index.html").read_text())
    python, command = re.findall(r"<pre>(.*?)</pre>", page, re.S)
    exec(compile(python, system, "exec"), {})
    assert main([*shlex.split(command)[1:], "--device", "cpu"]) == 0, capsys.readouterr().err
    assert registry.demo_words(system) in page


def test_the_page_is_readable_on_a_narrow_screen_and_shows_pictures_large(tmp_path) -> None:
    """Below 700 px pictures keep their size and move sideways; a checked box shows one over the whole screen."""
    Image.new("RGB", (900, 60), "red").save(tmp_path / "a.jpg")
    picture = DemoPicture("a", "A title", "What is seen", Image.new("RGB", (900, 60)), "1", "limner list")
    write_page(
        tmp_path / "index.html", {"toy": DemoSection("Makes <toys>.", "Weights", [(picture, tmp_path / "a.jpg")])}
    )
    page = (tmp_path / "index.html").read_text()
    assert '<meta name="viewport" content="width=device-width' in page
    narrow = page[page.index("@media (max-width: 700px)") :]
    assert re.search(r"\.frame img \{ max-width: none; \}", narrow) and "overflow-x: auto" in page
    assert re.search(r"input:checked \+ \.frame \{ position: fixed; inset: 0;", page)
    assert re.search(
        r'<label class=view><input type=checkbox aria-label="A title: show large"><span class=frame><img', page
    )
    assert "--width: 900px" in page and "Makes &lt;toys&gt;." in page
