"""A process of a training that dies ends the others with one sentence."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.training.runs import ROOT, command, environment

SCRIPT = """
import os, sys
import torch
from limner.engine.ranks import lost_peers_named
from limner.errors import TrainingError

rank = int(sys.argv[1])
torch.distributed.init_process_group("gloo", init_method=f"file://{sys.argv[2]}", rank=rank, world_size=2)
torch.distributed.barrier()
if rank == 1:
    os._exit(3)
try:
    with lost_peers_named():
        for _ in range(100):
            torch.distributed.all_reduce(torch.ones(3))
except TrainingError as error:
    print(error, flush=True)
    os._exit(0)
"""


def test_the_others_are_told(tmp_path: Path) -> None:
    (tmp_path / "run.py").write_text(SCRIPT)
    words = [sys.executable, str(tmp_path / "run.py")]
    started = [
        subprocess.Popen(
            [*words, str(rank), str(tmp_path / "store")], env=environment(), cwd=ROOT, stdout=-1, text=True
        )
        for rank in (0, 1)
    ]
    said, _ = started[0].communicate(timeout=1800)
    started[1].communicate(timeout=1800)
    assert started[0].returncode == 0 and "Another process of this training is gone" in said


def children_of(parent: int) -> list[int]:
    """Processes whose parent is that one (Linux)."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == parent and fields[0] != "Z":
            found.append(int(entry.parent.name))
    return found


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux's list of processes")
@pytest.mark.parametrize("dies", ["the second", "the first"])
def test_a_killed_process_of_a_training(dies: str, drawn_faces: Path, tmp_path: Path) -> None:
    options = ["--train.devices", "2", "--train.images", "800000", "--train.log_every", "8", "--train.num_workers", "0"]
    words = command(drawn_faces, tmp_path / "run", *options, "--train.checkpoint_every", "800000")
    log = tmp_path / "log.txt"
    with open(log, "w") as file:
        run = subprocess.Popen(words, env=environment(), stdout=file, stderr=file)
        while run.poll() is None and not (tmp_path / "run/metrics.jsonl").exists():
            time.sleep(0.1)
        (second,) = children_of(run.pid)
        os.kill(second if dies == "the second" else run.pid, signal.SIGKILL)
        run.wait(timeout=1800)
        while Path(f"/proc/{second}").exists() and "State:\tZ" not in Path(f"/proc/{second}/status").read_text():
            time.sleep(0.1)
    text = log.read_text()
    assert re.findall(r"^error: .*", text, re.M) == [
        "error: Another process of this training is gone, killed or ended by an error of its own, so this one ends "
        "too; go on from the newest checkpoint with --resume auto."
    ], text[-2000:]
    assert "Traceback" not in text
