"""The demo of SCA-GAN: its sheets, and that its programs and commands run."""

from __future__ import annotations

import shlex

import pytest

import limner
from limner.cli.main import main
from limner.systems.scagan.demo import demo
from tests.unit.systems.scagan.test_scagan_pipeline import build


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """The folder of a demo, its pictures, and the weights that they are of."""
    from tests.stick_people import write_stick_people

    folder = tmp_path_factory.mktemp("demo")
    weights = folder / "weights/scagan-sticks"
    build(write_stick_people(folder / "data")).save_pretrained(weights, default=True)
    return folder / "out", demo(folder / "out", limner.load(weights)), weights


def test_sheets_and_a_moving_picture(shown) -> None:
    out, pictures, _ = shown
    assert [picture.name for picture in pictures] == ["poses", "sequence", "inside", "clothes"]
    assert len(list((out / "people").glob("*.png"))) == len(list((out / "people").glob("*.json"))) == 12
    assert any((out / f"sequence.{kind}").is_file() for kind in ("mp4", "gif"))
    assert all(picture.image.width > 300 for picture in pictures)


@pytest.mark.parametrize("number", range(4))
def test_programs_and_commands_run(number, shown, monkeypatch, capsys) -> None:
    out, pictures, weights = shown
    monkeypatch.chdir(out)
    monkeypatch.setenv("LIMNER_WEIGHTS", str(weights.parent))
    picture = pictures[number]
    exec(compile(picture.python, picture.name, "exec"), {})
    assert main([*shlex.split(picture.command)[1:], "--out", f"again-{number}"]) == 0
    assert list((out / f"again-{number}").glob("*.png"))


def test_without_weights_one_sentence_says_so(monkeypatch, tmp_path, capsys) -> None:
    monkeypatch.setattr("limner.hub._shipped", dict)
    assert main(["demo", "scagan", "--out", str(tmp_path / "demo")]) == 1
    error = capsys.readouterr().err.strip()
    assert "scagan" in error and error.count("\n") == 0
