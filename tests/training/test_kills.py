"""Every system: killed after a checkpoint, and while it writes the next one, it goes on to the same bits.

And every file of a checkpoint, damaged in every way: what is loaded from it is whole or refused in one sentence, and
the training goes on to the same bits.
"""

from __future__ import annotations

import functools
import os
import shutil
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

import limner
from limner import registry
from limner.cli.main import main
from limner.engine import checkpoint
from limner.engine.checkpoint import STATE_FILE
from limner.errors import LimnerError

from ..contract.drawn import writer_for
from .runs import differences, newest_state

TRAININGS = [
    (name, preset)
    for name in registry.system_names()
    for preset in dict.fromkeys(registry.stage_presets(name, "smoke").values() or ["smoke"])
]
"""Every system, and every stage of those that are trained in stages."""
IDS = [" ".join(one) for one in TRAININGS]
QUICK = (("scgan", "smoke"), ("caae", "smoke"), ("learning-to-paint", "smoke-renderer"))
"""Of different kinds: their damaged files belong to the fast tests."""


def words_of(system: str, preset: str, data: Path, run: Path, stages: list[str]) -> list[str]:
    """A run of three checkpoints."""
    config = registry.preset(system, preset)
    batch = config.train.batch_size
    first = getattr(getattr(config, "optimizer", None), "parser_images", 0)  # of a part that is trained before the rest
    length = {"images": first + 3 * batch, "checkpoint_every": batch, "log_every": batch, "sample_every": 10**6}
    options = [word for name, value in length.items() for word in (f"--train.{name}", str(value))]
    command = ["train", system, "--preset", preset, "--train.accelerator", "cpu", "--train.num_workers", "0"]
    return [*command, "--data", str(data), "--out", str(run), *options, *stages]


def in_a_child(words: list[str], log: Path, *, kill_at: int | None = None, run: Path | None = None) -> int:
    """`limner WORDS` in a fork of this process, which has everything imported; its exit code, or minus a signal.

    With `kill_at` it is killed at that call to flush a file to the disk after the first checkpoint is there: the first
    of them ends the first checkpoint, later ones lie inside the writing of the next.
    """
    child = os.fork()
    if child:
        _, status = os.waitpid(child, 0)
        return os.waitstatus_to_exitcode(status)
    code = 99
    try:
        sys.stdout = sys.stderr = open(log, "w", buffering=1)  # noqa: SIM115  # until the child ends
        os.dup2(sys.stderr.fileno(), 2)
        if kill_at is not None:
            assert run is not None
            _kill_when_flushing(run, kill_at)
        torch.set_num_threads(1)
        code = main(words)
    finally:
        os._exit(code)


def _kill_when_flushing(run: Path, number: int) -> None:
    flush, count = checkpoint.flush_to_disk, 0

    def flush_or_die(path: Path) -> None:
        nonlocal count
        if any(folder.name.isdigit() for folder in (run / "checkpoints").iterdir()):
            count += 1
            if count == number:
                os.kill(os.getpid(), signal.SIGKILL)
        flush(path)

    checkpoint.flush_to_disk = flush_or_die


@pytest.fixture(scope="module")
def data_for(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Drawn data that a system can learn from."""
    folders: dict[object, Path] = {}

    def write(system: str) -> Path:
        writer = writer_for(registry.task(system).needs)
        if writer not in folders:
            folders[writer] = tmp_path_factory.mktemp("drawn") / "data"
            writer(folders[writer])
        return folders[writer]

    return write


def earlier_stages(system: str, preset: str, data: Path, folder: Path, log: Path) -> list[str]:
    """Options with the runs that a stage builds upon, which are trained here."""
    stages: list[str] = []
    for stage, before in registry.stage_presets(system, "smoke").items():
        if before == preset:
            break
        words = words_of(system, before, data, folder / stage, stages)
        assert in_a_child(words, log) == 0, log.read_text()
        stages += [f"--stage.{stage}", str(folder / stage)]
    return stages


@dataclass(frozen=True)
class Finished:
    """A run of three checkpoints that nobody disturbed; do not change it."""

    system: str
    preset: str
    data: Path
    run: Path
    stages: list[str]

    @property
    def newest(self) -> Path:
        return max((self.run / "checkpoints").glob("[0-9]*"))

    def words(self, run: Path) -> list[str]:
        """The command of the same training in another folder."""
        return words_of(self.system, self.preset, self.data, run, self.stages)


@pytest.fixture(scope="module")
def finished(data_for, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Finished]:
    """Run a system, or a stage of it with those before, once."""

    @functools.cache
    def run(system: str, preset: str) -> Finished:
        if "video" in registry.task(system).needs:
            pytest.importorskip("av")
        folder = tmp_path_factory.mktemp("finished")
        data, log = data_for(system), folder / "log.txt"
        stages = earlier_stages(system, preset, data, folder, log)
        made = Finished(system, preset, data, folder / "whole", stages)
        assert in_a_child(made.words(made.run), log) == 0, log.read_text()
        return made

    return run


@pytest.mark.slow
@pytest.mark.parametrize(("system", "preset"), TRAININGS, ids=IDS)
def test_kills_around_and_inside_of_checkpoints(system: str, preset: str, finished, tmp_path: Path) -> None:
    undisturbed, log, run = finished(system, preset), tmp_path / "log.txt", tmp_path / "run"
    words = undisturbed.words(run)
    assert in_a_child(words, log, kill_at=1, run=run) == -signal.SIGKILL, log.read_text()
    for kill_at in (1, 4):  # at the first file of the second checkpoint, and further in it
        before = sorted(path.name for path in (run / "checkpoints").iterdir() if path.name.isdigit())
        assert before, "a checkpoint is there"
        assert in_a_child([*words, "--resume", "auto"], log, kill_at=kill_at, run=run) == -signal.SIGKILL, (
            log.read_text()
        )
        assert any(path.name.startswith(".writing") for path in (run / "checkpoints").iterdir())
        assert sorted(path.name for path in (run / "checkpoints").iterdir() if path.name.isdigit()) == before
    assert in_a_child([*words, "--resume", "auto"], log) == 0, log.read_text()
    assert differences(newest_state(undisturbed.run), newest_state(run)) == []
    assert not any(path.name.startswith(".") for path in (run / "checkpoints").iterdir())


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def replace_by_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


DAMAGES = {
    "a bit": flip,
    "cut off": cut,
    "empty": lambda path: path.write_bytes(b""),
    "missing": Path.unlink,
    "a folder": replace_by_folder,
    "a pipe": replace_by_pipe,
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
}


def copied(source: Path, target: Path) -> Path:
    """A copy in the place of what was there."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    return target


def others_than_the_state(checkpoint_folder: Path) -> list[Path]:
    return sorted(path for path in checkpoint_folder.rglob("*") if path.is_file() and path.name != STATE_FILE)


@pytest.mark.parametrize(
    ("system", "preset"),
    [pytest.param(*one, marks=() if one in QUICK else pytest.mark.slow, id=" ".join(one)) for one in TRAININGS],
)
def test_a_damaged_file_is_refused_or_changes_nothing(system: str, preset: str, finished, tmp_path: Path) -> None:
    pipeline = finished(system, preset).newest / "pipeline"
    whole = limner.load(pipeline, with_optional=True).weights_hash
    files = [path.relative_to(pipeline) for path in others_than_the_state(pipeline)]
    assert {"pipeline.json", "SHA256SUMS", "README.md"} < {file.as_posix() for file in files}
    for file in files:
        for name, damage in DAMAGES.items():
            changed = copied(pipeline, tmp_path / "pipeline")
            damage(changed / file)
            try:
                found = limner.load(changed, with_optional=True).weights_hash
            except LimnerError as error:
                assert "\n" not in str(error) and len(str(error)) < 600, f"{file}: {name}"
            else:
                # A bit of the list of sums may be of the card's line, which nothing reads.
                harmless = file.name == "README.md" or (file.name, name) == ("SHA256SUMS", "a bit")
                assert found == whole and harmless, f"{file}: {name}"


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize(("system", "preset"), TRAININGS, ids=IDS)
def test_damaged_files_do_not_change_the_training(
    system: str, preset: str, damage: str, finished, tmp_path: Path
) -> None:
    """It needs the state alone, and takes the one before where the newest is damaged."""
    undisturbed, log, run = finished(system, preset), tmp_path / "log.txt", tmp_path / "run"
    for is_state in (True, False):
        newest = copied(undisturbed.run, run) / "checkpoints" / undisturbed.newest.name
        if is_state:
            damaged = [newest / STATE_FILE]
        else:  # goes on from the checkpoint before
            shutil.rmtree(newest)
            damaged = others_than_the_state(max((run / "checkpoints").glob("[0-9]*")))
        for path in damaged:
            DAMAGES[damage](path)
        assert in_a_child([*undisturbed.words(run), "--resume", "auto"], log) == 0, log.read_text()
        assert differences(newest_state(undisturbed.run), newest_state(run)) == []


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("file", ["best.json", "metrics.jsonl"])
def test_a_run_whose_records_are_damaged_goes_on_or_says_why(file: str, damage: str, finished, tmp_path: Path) -> None:
    undisturbed, log = finished("scgan", "smoke"), tmp_path / "log.txt"
    run = copied(undisturbed.run, tmp_path / "run")
    (run / file).touch()  # without scores there is no best one yet
    DAMAGES[damage](run / file)
    code, text = in_a_child([*undisturbed.words(run), "--resume", "auto"], log), log.read_text()
    if code:
        assert text.count("error: ") == 1 and "Traceback" not in text, text
    else:
        assert differences(newest_state(undisturbed.run), newest_state(run)) == []
