"""Scores and sample grids depend neither on the number of processes nor on the size of training's batches."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.training.runs import ROOT, environment

SCRIPT = """
import dataclasses, json, sys
from pathlib import Path
import torch
from limner import registry
from limner.engine.data import TrainingData
from limner.engine.fabric import make_fabric
from limner.engine.loop import _Run

data, out, name, batch_size = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
config = registry.preset(name, "smoke")
config = dataclasses.replace(config, train=dataclasses.replace(config.train, batch_size=batch_size, accelerator="cpu"))
fabric = make_fabric(config.train)
cls = registry.system_class(name)
opened = cls.open_data(config, data)
fabric.launch()
torch.manual_seed(fabric.global_rank)  # running means differ between processes, as in training
system = cls(config, opened.spec)
for network in system.networks.values():
    for buffer in network.buffers():
        if buffer.is_floating_point():
            buffer.mul_(1 + 0.1 * fabric.global_rank)
torch.manual_seed(0)
for network in system.networks.values():
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
run = _Run(system, opened, fabric=fabric, run=out)
grid = run.grid(system.fixed_inputs(opened.validation_set))
scores = run.validate()
if fabric.global_rank in (0, 1):
    (out / f"{name}-{sys.argv[5]}-{fabric.global_rank}.json").write_text(json.dumps(scores))
    torch.save(grid, out / f"{name}-{sys.argv[5]}-{fabric.global_rank}.pt")
"""


def scores(data: Path, out: Path, system: str, *, processes: int, batch_size: int) -> list[dict[str, float]]:
    (out / "run.py").write_text(SCRIPT)
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    label = f"{processes}-{batch_size}"
    words = [*(launcher if processes > 1 else []), str(out / "run.py"), str(data), str(out), system, str(batch_size)]
    done = subprocess.run(
        [sys.executable, *words, label], env=environment(), cwd=ROOT, capture_output=True, text=True, timeout=1800
    )
    assert done.returncode == 0, done.stderr
    return [json.loads((out / f"{system}-{label}-{rank}.json").read_text()) for rank in range(processes)]


@pytest.mark.parametrize("system", ["scgan"])
def test_scores_are_the_same(system, drawn_faces, tmp_path):
    (one,) = scores(drawn_faces, tmp_path, system, processes=1, batch_size=8)
    (other,) = scores(drawn_faces, tmp_path, system, processes=1, batch_size=4)
    two = scores(drawn_faces, tmp_path, system, processes=2, batch_size=8)
    assert other == one and two == [one, one]
    grids = [torch.load(tmp_path / f"{system}-{label}.pt") for label in ("1-8-0", "2-8-0", "2-8-1")]
    # Two processes have smaller batches of rows, which sum in another order.
    assert all(torch.allclose(grid, grids[0], atol=1e-4) for grid in grids) and grids[0].std() > 0.01


@pytest.mark.slow
@pytest.mark.parametrize("system", ["portrait", "spade", "pix2pix", "cyclegan", "maskface", "parser", "painter"])
def test_scores_of_other_systems_are_the_same(system, drawn_faces, tmp_path):
    test_scores_are_the_same(system, drawn_faces, tmp_path)
