"""The painter's demo, from random weights: what it leaves, and that its page tells the truth about how."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from PIL import Image

import limner
from limner.cli.main import main
from limner.demo import DemoPicture
from limner.systems.painter import demo as module
from limner.systems.painter.pipeline import PainterPipeline


@pytest.fixture
def shown(painter: PainterPipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[DemoPicture]:
    """Few strokes on small pictures, shown in the folder in which the test goes on."""
    for name, value in (("BUDGETS", (5, 12)), ("MOMENTS", (5, 10)), ("NUM_FACES", 2), ("SIZE", (48, 48))):
        monkeypatch.setattr(module, name, value)
    painter.save_pretrained(tmp_path / "weights/tiny-painter")
    monkeypatch.setenv("LIMNER_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.chdir(tmp_path)
    return module.demo(tmp_path, limner.load("tiny-painter"))


def test_demo_leaves_files_and_can_be_made_again(
    shown: list[DemoPicture], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert [picture.name for picture in shown] == ["budgets", "order", "attention"]
    names = {path.name for path in (tmp_path / "painting").iterdir()}
    assert {"painting.png", "painting.svg", "painting.gif", "painting.strokes.json", "painting-attention.png"} <= names
    with Image.open(tmp_path / "painting/painting.gif") as lapse:
        assert getattr(lapse, "n_frames", 1) >= 10
    for picture in shown:
        exec(compile(picture.python, picture.name, "exec"), {})
        words = shlex.split(picture.command)
        assert main([*words[1:], "--force"]) == 0, capsys.readouterr().err
    first, again = (Image.open(tmp_path / folder / "painting.png") for folder in ("painting", "painting-again"))
    assert first.tobytes() == again.tobytes()
