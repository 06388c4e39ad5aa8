"""`limner data make people-…`, then `data check` and `data show` of what it wrote."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

from limner.cli.main import main


def limner(command: str) -> int:
    return main(shlex.split(command))


@pytest.mark.parametrize(
    ("kind", "layout"),
    [("people-faces", "celebamask-hq"), ("people-ages", "utkface"), ("people-bodies", "deepfashion-inshop")],
)
def test_make_check_show(kind, layout, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert limner(f"data make {kind} --num 2 --size 64 --seed 3 --shards 2 --out made --json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["num"] == result["made"] == 2 and result["pictures_per_second"] > 0
    assert list((tmp_path / "made" / "shards").glob("*.tar"))

    assert limner("data check made --json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["kind"] == layout and report["num_rows"] == 2 and report["errors"] == []

    assert limner("data show made --num 2 --size 64 --out sheet.png") == 0
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert len(np.unique(np.asarray(sheet).reshape(-1, 3), axis=0)) > 1000
    capsys.readouterr()

    assert limner(f"data make {kind} --num 3 --size 64 --seed 3 --out made") == 0
    assert "3 pictures, 1 of them new" in capsys.readouterr().out
    assert limner(f"data make {kind} --num 3 --size 64 --seed 4 --out made") == 2
    assert "with seed = 3, not 4" in capsys.readouterr().err


def test_tar_files_of_somebody_stay(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "made/shards").mkdir(parents=True)
    (tmp_path / "made/shards/mine.tar").write_bytes(b"mine")
    assert limner("data make people-faces --num 2 --size 64 --shards 2 --out made") == 2
    assert "has mine.tar, which would be lost" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "made").rglob("*")] == ["shards", "mine.tar"]


def test_sigterm_ends_the_workers_too(tmp_path, root):
    """As services and schedulers stop a program: one line, no worker and no unfinished file is left behind."""
    words = ["data", "make", "people-faces", "--num", "500", "--size", "64", "--workers", "2", "--out", "made"]
    command = [sys.executable, "-m", "limner", *words]
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(root)},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    records = tmp_path / "made" / "records.jsonl"
    while process.poll() is None and not (records.exists() and records.stat().st_size):
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    _, error = process.communicate(timeout=600)
    assert process.returncode == 130 and error.splitlines()[-1] == "error: interrupted"
    assert "Traceback" not in error and "resource_tracker" not in error
    with pytest.raises(ProcessLookupError):
        for _ in range(100):
            os.killpg(process.pid, 0)
            time.sleep(0.1)
    assert all(json.loads(line) for line in records.read_text().splitlines())
    for picture in [*tmp_path.rglob("*.png"), *tmp_path.rglob("*.jpg")]:
        Image.open(picture).load()


def test_the_same_scene_is_for_ages_only(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert limner("data make people-ages --num 1 --size 64 --same-scene --out same") == 0
    assert limner("data make people-ages --num 2 --size 64 --out same") == 2
    assert "with kind = people-ages of the same scene, not people-ages" in capsys.readouterr().err
    for kind in ("drawn-faces", "people-bodies"):
        assert limner(f"data make {kind} --num 1 --size 64 --same-scene --out other") == 2
        assert f"is for people-ages, not {'for ' * (kind != 'drawn-faces')}{kind}" in capsys.readouterr().err


def test_layouts_are_for_people_who_talk_only(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for options, message in (
        ("people-faces --layout grid", "--layout is for people-talking, not people-faces"),
        ("people-faces --words window", "--words is for people-talking, not people-faces"),
        ("people-talking --layout lip", 'no layout "lip" of clips'),
        ("people-talking --shards 2", "--shards is not for people-talking"),
    ):
        assert limner(f"data make {options} --num 1 --size 64 --out made") == 2
        assert message in capsys.readouterr().err
    assert not (tmp_path / "made").exists()


def test_help_names_the_kinds(capsys):
    assert limner("data make --help") == 0
    text = capsys.readouterr().out
    for word in ("people-faces", "people-ages", "people-bodies", "drawn-faces", "--shards", "--workers"):
        assert word in text
