"""Two processes on the CPU: the same command, the same run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.training.runs import ROOT, command, environment, newest_state, train

# Two processes sum gradients in another order than one; over 16 small Adam steps of 3e-4 the weights stay this close.
CLOSE = 2e-3
OPTIONS = ["--train.images", "64", "--train.log_every", "32"]


def run_two(data: Path, run: Path, launcher: str) -> subprocess.CompletedProcess[str]:
    words = command(data, run, *OPTIONS)
    if launcher == "torchrun":
        words = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", *words[1:]]
    else:
        words += ["--train.devices", "2"]
    return subprocess.run(words, env=environment(), cwd=ROOT, capture_output=True, text=True, timeout=1800)


def logged(run: Path) -> list[dict[str, float]]:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return [line for line in lines if "score_real" in line or "validation/mean_iou" in line]


@pytest.fixture(scope="module")
def one_process(drawn_faces: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("one") / "run"
    done = train(drawn_faces, run, *OPTIONS)
    assert done.returncode == 0, done.stderr
    return run


@pytest.mark.parametrize("launcher", ["torchrun", "built-in"])
def test_two_processes_follow_one(launcher, drawn_faces, one_process, tmp_path):
    run = tmp_path / "run"
    done = run_two(drawn_faces, run, launcher)
    assert done.returncode == 0, done.stderr
    one, two = newest_state(one_process), newest_state(run)
    assert two["images_seen"] == 64
    for network, tensors in one["networks"].items():
        for name, tensor in tensors.items():
            torch.testing.assert_close(two["networks"][network][name], tensor, atol=CLOSE, rtol=0)
    for expected, line in zip(logged(one_process), logged(run), strict=True):
        for name, value in expected.items():
            if name not in ("images_per_second", "data_wait_share"):
                assert line[name] == pytest.approx(value, rel=0.05, abs=0.02), name


def test_ranks_hold_the_same_weights(drawn_faces, tmp_path):
    """A spy process group: each rank writes the hash of its weights after training."""
    script = tmp_path / "spy.py"
    script.write_text(SPY)
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    words = [*launcher, str(script), str(drawn_faces), str(tmp_path)]
    done = subprocess.run(
        [sys.executable, *words], env=environment(), cwd=ROOT, capture_output=True, text=True, timeout=1800
    )
    assert done.returncode == 0, done.stderr
    first, second = (json.loads((tmp_path / f"rank-{rank}.json").read_text()) for rank in (0, 1))
    assert first["hashes"] == second["hashes"]
    assert first["rows"] != second["rows"]  # they saw different data on the way
    # A process group that is left to gloo's threads aborts some processes after their work is done.
    assert [(tmp_path / f"open-{rank}").read_text() for rank in (0, 1)] == ["False", "False"]


SPY = """
import atexit, hashlib, json, sys
from pathlib import Path
from limner.data.dataset import MaskToImageDataset, collate
from limner.data.manifest import open_manifest
from limner.engine.fabric import make_fabric
from limner.engine.data import TrainingData
from limner.engine.loop import fit
from limner.systems.scgan.presets import smoke
from limner.systems.scgan.system import SCGAN

data, out = Path(sys.argv[1]), Path(sys.argv[2])
def at_the_end():  # after what make_fabric registers
    import torch
    (out / f"open-{fabric.global_rank}").write_text(str(torch.distributed.is_initialized()))
atexit.register(at_the_end)
config = smoke()
object.__setattr__(config.train, "images", 32)
fabric = make_fabric(config.train)
fabric.launch()
fabric.seed_everything(0)
manifest = open_manifest(data)
rows = []
class Spied(SCGAN):
    def training_step(self, batch, engine):
        rows.extend(batch.index.tolist())
        super().training_step(batch, engine)
system = Spied(config, manifest.spec)
train_set = MaskToImageDataset(manifest.split("train"), image_size=32, augment=config.augment, seed=0)
held_out = MaskToImageDataset(manifest.split("test"), image_size=32)
data = TrainingData(manifest.spec, train_set, held_out, collate)
fit(system, data, fabric=fabric, run=out / "run")
hashes = {
    name: hashlib.sha256(b"".join(p.detach().numpy().tobytes() for p in network.parameters())).hexdigest()
    for name, network in system.networks.items()
}
(out / f"rank-{fabric.global_rank}.json").write_text(json.dumps({"hashes": hashes, "rows": rows}))
"""
