"""Names and paths of weights."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
import shutil
from pathlib import Path

import pytest

from limner import hub
from limner.errors import WeightsError
from limner.pipelines import load

NAME = "scgan-people-64"


@pytest.fixture
def shipped(tiny_weights: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of weights that counts as shipped."""
    monkeypatch.setenv("LIMNER_WEIGHTS", str(tiny_weights.parent))
    return tiny_weights


@pytest.fixture
def run(tiny_weights: Path, tmp_path: Path) -> Path:
    """A run folder with three checkpoints, the newest without a pipeline as if killed."""
    for images in (100, 2000):
        shutil.copytree(tiny_weights, tmp_path / "run" / "checkpoints" / f"{images:09d}" / "pipeline")
    (tmp_path / "run" / "checkpoints" / "000030000").mkdir()
    shutil.copytree(tiny_weights, tmp_path / "run" / "checkpoints" / ".writing-000040000" / "pipeline")
    return tmp_path / "run"


def test_local_folders(run: Path, tiny_weights: Path) -> None:
    assert hub.resolve(tiny_weights) == hub.Location(tiny_weights, NAME)
    newest = run / "checkpoints" / "000002000"
    for path in (run, newest, newest / "pipeline"):
        assert hub.resolve(path) == hub.Location(newest / "pipeline", "run@000002000")
    (run / "best.json").write_text(json.dumps({"checkpoint": "000000100", "metric": "x", "value": 1}))
    assert hub.resolve(run).name == "run@000000100"
    assert load(run).weights_name == "run@000000100"


@pytest.mark.parametrize("best", ["000007000", "../../elsewhere/000000100", 7, None])
def test_best_that_is_gone_falls_back_to_the_newest(run: Path, best: object) -> None:
    (run / "best.json").write_text(json.dumps({"checkpoint": best}))
    expected = "run@000000100" if best == "../../elsewhere/000000100" else "run@000002000"
    assert hub.resolve(run).name == expected  # and never a folder outside the run


def test_relative_paths(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(run)
    assert hub.resolve(".").name == "run@000002000"
    monkeypatch.chdir(run / "checkpoints" / "000002000")
    assert hub.resolve("pipeline").name == "run@000002000"


def test_shipped_names_and_systems(shipped: Path) -> None:
    assert hub.resolve("scgan") == hub.resolve(NAME) == hub.Location(shipped, NAME)
    assert load("scgan").weights_name == NAME


def edit_index(folder: Path, **changes: object) -> None:
    """Change the `pipeline.json` of a weights folder; `...` takes an entry away."""
    index = json.loads((folder / hub.INDEX).read_text()) | changes
    (folder / hub.INDEX).write_text(json.dumps({key: value for key, value in index.items() if value is not ...}))


@pytest.fixture
def three(tiny_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three copies of SCGAN's weights, a, b and c, as all that is shipped; none says that it is the default."""
    for name in "abc":
        shutil.copytree(tiny_weights, tmp_path / "three" / name)
        edit_index(tmp_path / "three" / name, default=False)
    folders = {name: tmp_path / "three" / name for name in "abc"}
    monkeypatch.setattr(hub, "_shipped", lambda: folders)
    return tmp_path / "three"


def test_weights_say_themselves_that_they_are_the_default(three: Path) -> None:
    assert hub.default_weights("scgan") is None
    with pytest.raises(WeightsError, match='No weights of "scgan" came with this installation; give a folder'):
        hub.resolve("scgan")
    edit_index(three / "b", default=True)
    assert hub.default_weights("scgan") == "b" and hub.resolve("scgan") == hub.Location(three / "b", "b")
    assert [info.name for info in hub.list_weights("scgan") if info.default] == ["b"]
    assert hub.short_name("scgan", "b") == "scgan" and hub.short_name("scgan", "c") == "c"
    edit_index(three / "b", default="yes")
    with pytest.raises(WeightsError, match='has a "default" that is neither true nor false'):
        hub.read_index(three / "b")


def test_a_folder_of_an_older_limner_is_the_default_where_it_is_alone(three: Path) -> None:
    edit_index(three / "c", default=...)
    assert hub.default_weights("scgan") == "c"
    edit_index(three / "a", default=...)
    assert hub.default_weights("scgan") is None


def test_a_broken_folder_is_left_out_with_a_warning(three: Path, caplog: pytest.LogCaptureFixture) -> None:
    edit_index(three / "b", default=True)
    (three / "a" / hub.INDEX).write_text("{")
    assert hub.default_weights("scgan") == "b"
    assert [info.name for info in hub.list_weights()] == ["b", "c"]
    assert "Weights are left out" in caplog.text and str(three / "a") in caplog.text


def test_a_folder_without_weights_does_not_hide_a_shipped_name(
    shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "scgan").mkdir()
    monkeypatch.chdir(tmp_path)
    assert hub.resolve("scgan").path == shipped


def test_list_weights(shipped: Path, python) -> None:
    info = next(info for info in hub.list_weights("scgan") if info.name == NAME)
    assert info.path == shipped and info.default and info.image_size == (32, 32) and info.expected == {"mIoU": 0.5}
    assert info.license == "unspecified"
    assert info.size_bytes == sum(file.stat().st_size for file in shipped.rglob("*") if file.is_file())
    assert NAME not in {info.name for info in hub.list_weights("parser")}
    code = "import sys; from limner import hub; hub.list_weights(); assert not {'torch', 'numpy'} & set(sys.modules)"
    done = python("-c", code, env={"LIMNER_WEIGHTS": str(shipped.parent)})
    assert done.returncode == 0, done.stderr


def test_license_comes_from_the_card(shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = Path(shutil.copytree(shipped, tmp_path / "mine" / "faces"))
    monkeypatch.setenv("LIMNER_WEIGHTS", str(tmp_path / "mine"))
    for card, license in (("---\nlicense: CC0-1.0\n---\n# x", "CC0-1.0"), ("# x\n", "unknown"), (None, "unknown")):
        (copy / "README.md").unlink(missing_ok=True)
        if card is not None:
            (copy / "README.md").write_text(card)
        assert next(info for info in hub.list_weights() if info.name == "faces").license == license


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (NAME[:-1], f'There are no weights "{NAME[:-1]}". Did you mean "{NAME}"?'),
        ("scgn", "There are no weights"),
        ("no/such/folder", "There is no weights folder no/such/folder"),
        ("./scgan", "There is no weights folder"),
        ("~/no-such-folder-here", "There is no weights folder"),
        ("model.pth", "There is no weights folder model.pth"),
    ],
)
def test_unknown_names(shipped: Path, name: str, text: str) -> None:
    with pytest.raises(WeightsError, match=text.replace(".", r"\.").replace("?", r"\?")):
        hub.resolve(name, system="scgan")


def test_the_name_of_a_system_is_suggested_too(shipped: Path) -> None:
    with pytest.raises(WeightsError, match=r'There are no weights "scgn"\. Did you mean "scgan"\?'):
        hub.resolve("scgn")


def test_folders_and_files_that_are_no_weights(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"has no pipeline.json"):
        hub.resolve(tmp_path)
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(WeightsError, match=r"notes.txt is a file; give the weights folder"):
        hub.resolve(tmp_path / "notes.txt")
    (tmp_path / "checkpoints").mkdir()
    with pytest.raises(WeightsError, match="no run folder with a checkpoint"):
        hub.resolve(tmp_path)


def test_no_network_is_ever_touched(shipped: Path, python) -> None:
    code = (
        "import os, sys\n"
        "sys.addaudithook(lambda event, args: os._exit(9) if event.startswith('socket.') else None)\n"
        "import limner\n"
        f"limner.load({str(shipped)!r}); limner.load('scgan')\n"
        "try: limner.load('nowhere')\n"
        "except limner.errors.WeightsError: print('refused', flush=True)\n"
        "import socket; socket.getaddrinfo('localhost', 80)  # the proof that the hook works\n"
    )
    done = python("-c", code, env={"LIMNER_WEIGHTS": str(shipped.parent)})
    assert (done.returncode, done.stdout) == (9, "refused\n"), done.stderr


def test_published_files_are_known_by_their_whole_hash() -> None:
    for published in hub.PUBLISHED.values():
        assert re.fullmatch("[0-9a-f]{64}", published.sha256), published.title
        digits = re.search("-([0-9a-f]{8})[.]pth", published.file_name)
        assert digits and published.sha256.startswith(digits[1])


def test_a_file_that_shares_the_first_digits_is_another_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "vgg.pth"
    file.write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    wrong = digest[:32] + "0" * 32
    for sha256, expected in ((digest, True), (wrong, False), (digest[:8], False)):
        published = dataclasses.replace(hub.PUBLISHED["vgg19"], sha256=sha256)
        monkeypatch.setitem(hub.PUBLISHED, "vgg19", published)
        assert hub.published_file("vgg19", file).is_published is expected
