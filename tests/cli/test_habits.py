"""What people do that nobody planned: closed streams, empty names, values of the wrong type. Each is one sentence."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import limner
from limner.cli.main import main
from limner.errors import LimnerError

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell closes the streams")
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
@pytest.mark.parametrize("words", ["list", "generate scgan --label-map nowhere.png"])
def test_closed_streams_are_no_fault(words: str, closed: str, tmp_path: Path) -> None:
    line = f"{sys.executable} -m limner {words} {closed}"
    env = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    done = subprocess.run(["sh", "-c", line], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=1800)
    assert done.returncode in (0, 1, 2)
    assert "Traceback" not in done.stderr and "fault in Limner" not in done.stderr and "Exception" not in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        "data convert {map} --from celebamask-19 --out=",
        "data show {faces} --out=",
        "generate scgan --label-map {map} --out=",
        "train scgan --data {faces} --out=",
        "export scgan --format weights --out=",
        "plot {faces} --out=",
    ],
)
def test_an_empty_name_is_one_sentence(words, drawn_faces, tiny_weights, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("LIMNER_WEIGHTS", str(tiny_weights.parent))
    monkeypatch.chdir(tmp_path)
    line = words.format(map=drawn_faces / "CelebAMaskHQ-mask/0.png", faces=drawn_faces)
    code = main(line.split())
    error = capsys.readouterr().err
    assert code == 2 and re.fullmatch(r"error: --out is empty[^\n]+\n", error), error
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("place", ["error", "left out", "WARNING"])
def test_no_message_holds_what_a_terminal_obeys(place, drawn_faces, tmp_path, python) -> None:
    """A file's name may hold colours, a title for the window, a line of its own."""
    name = "red\x1b[31m\x07\nred"
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / f"{name}.png").write_bytes(b"no picture")
    words = ["generate", "parser", "--image", str(photos / f"{name}.png"), "--out", str(tmp_path / "out")]
    if place == "left out":
        (photos / "0.png").write_bytes((drawn_faces / "CelebA-HQ-img/0.png").read_bytes())
        words[3] = str(photos)
    if place == "WARNING":
        words = ["generate", "hfgan", "--caption", f"a man {name[3:]}", "--out", str(tmp_path / "out")]
    done = python("-m", "limner", *words)
    (line,) = [line for line in done.stderr.splitlines() if line.startswith(place)]
    assert r"\x1b[31m\x07" in line and all(sign.isprintable() for sign in line)


WRONG: tuple[Any, ...] = (None, 7, 1.5, [], {}, object(), b"scgan", np.zeros(3))


@pytest.mark.parametrize("value", WRONG, ids=lambda value: type(value).__name__)
def test_wrong_types_are_refused_in_one_sentence(value, tiny_weights, drawn_faces) -> None:
    pipe = limner.load(tiny_weights)
    result = pipe(drawn_faces / "CelebAMaskHQ-mask/0.png", seed=1)
    for call in (lambda: limner.load(value), lambda: result.save(value), lambda: pipe.save_pretrained(value)):
        with pytest.raises(LimnerError) as caught:
            call()
        assert "\n" not in str(caught.value)
    for wrong in ("nowhere", value):
        if wrong is not None:
            with pytest.raises(LimnerError):
                pipe.to(wrong)


@pytest.mark.parametrize("name", ["sketch", "portrait", "detailed"])
def test_kinds_of_painting_by_name(name: str) -> None:
    from argparse import ArgumentParser

    from limner.systems.painter import options

    parser = ArgumentParser()
    options.add_options(parser)
    (action,) = [one for one in parser._actions if "--strokes" in one.option_strings]
    assert name in str(action.help)


def test_the_readme_begins_with_pictures_and_what_it_is_good_at() -> None:
    text = (ROOT / "README.md").read_text()
    head = text[: text.index("## A tour")]
    assert head.count("](docs/pictures/") >= 4 and "64 px" in head
    assert "**What it is good at today.**" in head and "**Where a label map comes from.**" in head


def test_people_of_wrong_types_are_refused_in_one_sentence() -> None:
    from limner import people

    person, scene = people.sample_person(0, 0), people.sample_scene(0, 0)
    wrong: Any = (None, "x", 1.5, [], object())
    calls = [
        *(lambda one=one: people.sample_person(one, 0) for one in wrong),
        *(lambda one=one: people.sample_scene(0, one) for one in wrong),
        *(lambda one=one: people.sample_scene(0, 0, one) for one in wrong),
        *(lambda one=one: people.render(one, scene) for one in wrong),
        *(lambda one=one: people.render(person, one) for one in wrong),
        *(lambda one=one: people.render(person, scene, one) for one in wrong),
        *(lambda one=one: people.speak(one, "hello", np.random.default_rng(0)) for one in wrong),
        *(lambda one=one: people.speak(person, one, np.random.default_rng(0)) for one in (None, 7, [])),
        *(lambda one=one: people.speak(person, "hello", one) for one in wrong),
        *(lambda one=one: people.ready(one) for one in (7, [], "nobody")),
    ]
    for call in calls:
        with pytest.raises(LimnerError) as caught:
            call()
        assert "\n" not in str(caught.value)
