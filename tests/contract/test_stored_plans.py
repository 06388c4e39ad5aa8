"""Stored results are input like any other: what they ask for is checked before anything is drawn or written."""

from __future__ import annotations

import json
import resource
from pathlib import Path

import pytest

from limner.cli.main import main
from limner.errors import ConfigError, DataError
from limner.results import read_result

from .stored import SYSTEMS, Stored, bomb, changes_of, conditions, make_result, smoke_pipeline, write_changed

CASES = [(system, change) for system in SYSTEMS for change in changes_of(system)]


@pytest.fixture(scope="session")
def stored(tmp_path_factory: pytest.TempPathFactory, drawn_faces: Path):
    """`stored(system)`: its weights and a result, made once."""
    made: dict[str, Stored] = {}

    def find(system: str) -> Stored:
        if system not in made:
            folder = tmp_path_factory.mktemp(system)
            pipeline = smoke_pipeline(system, drawn_faces)
            weights = pipeline.save_pretrained(folder / "weights")
            loaded = type(pipeline).from_pretrained(weights)
            made[system] = Stored(system, weights, loaded, make_result(system, loaded, folder))
        return made[system]

    return find


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_stored_result_is_drawn_again(system: str, stored, tmp_path: Path) -> None:
    one = stored(system)
    words = ["generate", "--from", one.result, "--weights", one.weights, "--device", "cpu", "--out", tmp_path / "out"]
    assert main(list(map(str, words))) == 0
    for file in json.loads(one.result.read_text())["files"]:
        assert (tmp_path / "out" / file).is_file()


@pytest.mark.parametrize(("system", "change"), CASES, ids=[f"{system}: {change}" for system, change in CASES])
def test_what_cannot_be_drawn_is_refused(system: str, change: str, stored, tmp_path: Path) -> None:
    one = stored(system)
    changed = write_changed(tmp_path / "changed.json", one.result, changes_of(system)[change])
    with pytest.raises(DataError, match=f"^{changed} ") as caught:
        one.pipeline.reproduce(changed)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("change", ["columns without end", "absolute name", "name that climbs"])
def test_the_command_refuses_it_and_writes_nothing(change: str, stored, tmp_path: Path, capsys, monkeypatch) -> None:
    one = stored("painter")
    (tmp_path / "place").mkdir()
    monkeypatch.chdir(tmp_path / "place")
    changed = write_changed(tmp_path / "changed.json", one.result, changes_of("painter")[change])
    words = ["generate", "--from", changed, "--weights", one.weights, "--device", "cpu", "--out", "out"]
    code = main(list(map(str, words)))
    line = capsys.readouterr().err.removesuffix("\n")
    assert code == 1 and line.startswith(f"error: {changed}") and "\n" not in line and "fault" not in line, line
    assert [path.name for path in (tmp_path / "place").iterdir()] == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["changed.json", "place"]


@pytest.mark.parametrize("with_digest", [False, True])
def test_an_array_is_not_unpacked_beyond_the_limit(stored, tmp_path: Path, with_digest: bool) -> None:
    one = stored("pix2pix")
    changed = tmp_path / "bomb.json"
    record = json.loads(one.result.read_text())
    changed.write_text(json.dumps(conditions(more=bomb(2 << 30))(record) | ({} if with_digest else {"digest": ""})))
    assert changed.stat().st_size < 20_000_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(DataError, match="not a result that limner generate wrote"):
        read_result(changed)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400_000  # KiB; it would be two million


@pytest.mark.parametrize("name", ["/abs", "../x", "", ".hidden", "a/b", "x" * 300])
@pytest.mark.parametrize("system", ["scgan", "painter"])
def test_a_result_is_saved_under_a_name_not_a_path(system: str, name: str, stored, tmp_path: Path) -> None:
    result = stored(system).pipeline.reproduce(stored(system).result)
    with pytest.raises(ConfigError, match="name is"):
        result.save(tmp_path / "out", name=name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["/abs", "../x", "", 7])
def test_a_painting_has_a_name_not_a_path(name: object, stored, drawn_faces: Path) -> None:
    with pytest.raises(ConfigError, match="name is"):
        stored("painter").pipeline.plan(drawn_faces / "CelebA-HQ-img/0.png", 3, name=name)
