"""Running the real command in a process of its own, and comparing what it leaves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from limner.engine.checkpoint import STATE_FILE
from limner.engine.state import load_state

ROOT = Path(__file__).resolve().parents[2]


def command(data: Path, run: Path, *options: str, system: str = "scgan") -> list[str]:
    """`limner train` with the smoke preset, as a list for `subprocess`."""
    words = [sys.executable, "-m", "limner", "train", system, "--preset", "smoke"]
    return [*words, "--data", str(data), "--out", str(run), *options]


STRUCK = """
import os, sys
from limner.cli.main import main
place, number, blow = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
def strike(event, arguments):
    global number
    if event == "open" and place in str(arguments[0]) and str(arguments[1] or "r")[0] in "wax":
        number -= 1
        if number == 0:
            os.kill(os.getpid(), blow)
sys.addaudithook(strike)
sys.exit(main(sys.argv[4:]))
"""
"""`limner`, which sends itself a signal where it opens a file for writing: no test must be quick enough to do so."""


def struck(words: list[str], place: str, *, blow: signal.Signals, number: int = 1) -> list[str]:
    """A command that is struck when it opens, for the `number`th time, a file for writing with `place` in its path."""
    assert words[1:3] == ["-m", "limner"]
    return [words[0], "-c", STRUCK, place, str(number), str(int(blow)), *words[3:]]


def environment() -> dict[str, str]:
    """One thread: with two, sums may be split at other places while the machine is busy. A crash says where it was."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PYTHONFAULTHANDLER": "1"}


def train(data: Path, run: Path, *options: str, system: str = "scgan") -> subprocess.CompletedProcess[str]:
    """Run `limner train` to its end."""
    words = command(data, run, *options, system=system)
    return subprocess.run(words, env=environment(), capture_output=True, text=True, timeout=1800)


def newest_state(run: Path) -> dict[str, object]:
    """The training state of the newest checkpoint."""
    return load_state(max((run / "checkpoints").glob("[0-9]*")) / STATE_FILE)


def differences(a: object, b: object, where: str = "") -> list[str]:
    """Places where two states are not the same bits."""
    if isinstance(a, dict) and isinstance(b, dict):
        if list(a) != list(b):
            return [f"{where}: keys differ"]
        return [place for key in a for place in differences(a[key], b[key], f"{where}/{key}")]
    if isinstance(a, list) and isinstance(b, list):
        if len(a) != len(b):
            return [f"{where}: lengths differ"]
        return [p for i, (x, y) in enumerate(zip(a, b, strict=True)) for p in differences(x, y, f"{where}/{i}")]
    if isinstance(a, torch.Tensor) and isinstance(b, torch.Tensor):
        same = a.dtype == b.dtype and torch.equal(a.nan_to_num(), b.nan_to_num())
    else:
        same = a == b
    return [] if same else [where]


HOLDER = """
import sys
from pathlib import Path
from limner.engine.lock import RunLock
lock = RunLock(Path(sys.argv[1]))
lock.take()
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def held(run: Path) -> Iterator[int]:
    """While another process, whose number this gives, has the lock of a run folder."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(run)], env=environment(), text=True, **pipes) as holder:
        assert holder.stdout.readline() == "held\n"
        try:
            yield holder.pid
        finally:
            holder.stdin.close()
