"""Several machines: two torchrun agents on the loopback, one of them killed, and the job file for SLURM."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from tests.distributed.test_lost_peer import children_of
from tests.training.runs import ROOT, command, environment, newest_state, train

# Two processes sum gradients in another order than one; over 16 small Adam steps of 3e-4 the weights stay this close.
CLOSE = 2e-3
JOB = ROOT / "docs" / "slurm" / "train.sbatch"

pytestmark = pytest.mark.slow


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def start_nodes(data: Path, run: Path, logs: Path, *options: str) -> list[subprocess.Popen[bytes]]:
    """Two agents, each as if on a machine of its own."""
    words, port = command(data, run, *options), free_port()
    agents = []
    for rank in (0, 1):
        launcher = ["-m", "torch.distributed.run", "--nnodes=2", "--nproc-per-node=1", f"--node-rank={rank}"]
        launcher += ["--master-addr=127.0.0.1", f"--master-port={port}"]
        with open(logs / f"agent-{rank}.txt", "wb") as file:
            agents.append(
                subprocess.Popen(
                    [sys.executable, *launcher, *words[1:]], env=environment(), cwd=ROOT, stdout=file, stderr=file
                )
            )
    return agents


def finished(agents: list[subprocess.Popen[bytes]]) -> list[int]:
    """Their exit codes."""
    return [agent.wait(timeout=1800) for agent in agents]


def test_two_nodes_follow_one_process_and_resume_to_the_same_bits(drawn_faces: Path, tmp_path: Path) -> None:
    common = ["--train.log_every", "32", "--train.checkpoint_every", "32"]
    done = train(drawn_faces, tmp_path / "one", "--train.images", "64", *common)
    assert done.returncode == 0, done.stderr
    assert finished(start_nodes(drawn_faces, tmp_path / "two", tmp_path, "--train.images", "64", *common)) == [0, 0]
    one, two = newest_state(tmp_path / "one"), newest_state(tmp_path / "two")
    assert two["images_seen"] == 64
    for network, tensors in one["networks"].items():
        for name, tensor in tensors.items():
            torch.testing.assert_close(two["networks"][network][name], tensor, atol=CLOSE, rtol=0)
    half = ["--train.images", "32", *common]
    assert finished(start_nodes(drawn_faces, tmp_path / "resumed", tmp_path, *half)) == [0, 0]
    rest = ["--train.images", "64", *common, "--resume", "auto"]
    assert finished(start_nodes(drawn_faces, tmp_path / "resumed", tmp_path, *rest)) == [0, 0]
    again = newest_state(tmp_path / "resumed")
    for network, tensors in two["networks"].items():
        for name, tensor in tensors.items():
            assert torch.equal(again["networks"][network][name], tensor), (network, name)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs Linux's list of processes")
def test_a_killed_node(drawn_faces: Path, tmp_path: Path) -> None:
    options = ["--train.images", "800000", "--train.log_every", "8", "--train.checkpoint_every", "800000"]
    agents = start_nodes(drawn_faces, tmp_path / "run", tmp_path, *options)
    while all(agent.poll() is None for agent in agents) and not (tmp_path / "run/metrics.jsonl").exists():
        time.sleep(0.1)
    children = children_of(agents[1].pid)
    for process in (agents[1].pid, *children):  # the machine is gone, with all that ran on it
        os.kill(process, signal.SIGKILL)
    assert agents[0].wait(timeout=1800) != 0
    agents[1].wait()
    said = (tmp_path / "agent-0.txt").read_text()
    assert re.findall(r"^error: .*", said, re.M) == [
        "error: Another process of this training is gone, killed or ended by an error of its own, so this one ends "
        "too; go on from the newest checkpoint with --resume auto."
    ], said[-3000:]


SRUN = """#!/bin/bash
while [[ "$1" == --* ]]; do shift; done
exec "$@"
"""
SCONTROL = """#!/bin/bash
case "$1" in
    show) echo 127.0.0.1 ;;
    requeue) echo "$2" > "$REQUEUED" ;;
esac
"""


def test_the_job_file_goes_on_after_its_time(drawn_faces: Path, tmp_path: Path) -> None:
    """SLURM's two commands are stood in for: one machine, and a note of what was asked of the queue."""
    tools = tmp_path / "bin"
    tools.mkdir()
    own_python = f'#!/bin/bash\nexec "{sys.executable}" "$@"\n'
    for name, text in {"srun": SRUN, "scontrol": SCONTROL, "python": own_python}.items():
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    job = {"SLURM_JOB_NODELIST": "node[1]", "SLURM_JOB_NUM_NODES": "1", "SLURM_JOB_ID": str(free_port())}
    env = {**environment(), **job, "PATH": f"{tools}:{os.environ['PATH']}", "REQUEUED": str(tmp_path / "requeued")}
    env["PYTHONPATH"] = str(ROOT)
    run = tmp_path / "run"
    options = ["--train.log_every", "8", "--train.checkpoint_every", "100000", "--train.sample_every", "100000"]
    words = ["bash", str(JOB), *command(drawn_faces, run, *options)[4:]]
    with open(tmp_path / "log.txt", "wb") as log:
        first = subprocess.Popen([*words, "--train.images", "100000"], env=env, cwd=ROOT, stdout=log, stderr=log)
        while first.poll() is None and not (run / "metrics.jsonl").exists():
            time.sleep(0.1)
        first.send_signal(signal.SIGUSR1)
        code = first.wait(timeout=1800)
    assert code == 0, (tmp_path / "log.txt").read_text()[-3000:]
    assert (tmp_path / "requeued").read_text().strip() == job["SLURM_JOB_ID"]
    seen = newest_state(run)["images_seen"]
    assert 8 <= seen < 100000
    # SLURM starts the same file again.
    (tmp_path / "requeued").unlink()
    done = subprocess.run(
        [*words, "--train.images", str(seen + 16)], env=env, cwd=ROOT, capture_output=True, text=True, timeout=1800
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert newest_state(run)["images_seen"] == seen + 16 and not (tmp_path / "requeued").exists()
    lines = [json.loads(line)["images_seen"] for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert lines == sorted(lines)
