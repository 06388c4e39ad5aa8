"""The verdicts that `limner generate facejudge` leaves: of this photo, by these weights."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from limner.cli.main import main

from ....contract.stored import smoke_pipeline


@pytest.fixture
def place(ready_ages, tmp_path, monkeypatch):
    smoke_pipeline("facejudge", ready_ages).save_pretrained(tmp_path / "weights")
    shutil.copy(next(ready_ages.rglob("*.png"), None) or next(ready_ages.rglob("*.jpg")), tmp_path / "face.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def generate(*more: str) -> int:
    return main(["generate", "facejudge", "--weights", "weights", "--photo", "face.png", "--out", "out", *more])


def test_a_verdict_is_of_this_photo_by_these_weights(place, capsys):
    assert generate() == 0
    assert capsys.readouterr().out.startswith("wrote 1 verdict to out")
    before = json.loads((place / "out/face.json").read_text())
    assert generate() == 0 and "1 was there already" in capsys.readouterr().out
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(place / "face.png")
    assert generate() == 1
    assert "not as the verdict on face.png as it is now by the weights" in capsys.readouterr().err
    assert generate("--force") == 0
    after = json.loads((place / "out/face.json").read_text())
    assert after["photo_sha256"] != before["photo_sha256"] and after["embedding"] != before["embedding"]
