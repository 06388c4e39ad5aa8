"""Batch norm over two processes is batch norm over the whole batch, forwards and backwards."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import torch
from torch import nn

from tests.training.runs import ROOT, environment

SCRIPT = """
import sys
import torch
from limner.nn.spade import SyncBatchNorm

torch.distributed.init_process_group("gloo")
rank = torch.distributed.get_rank()
data = torch.load(sys.argv[1], weights_only=True)
x = data["x"].chunk(2)[rank].clone().requires_grad_(True)
norm = SyncBatchNorm(3)
y = norm(x)
(y * data["weight"].chunk(2)[rank]).sum().backward()
result = {"y": y.detach(), "gradient": x.grad, "mean": norm.mean, "var": norm.var}
torch.save(result, f"{sys.argv[1]}-{rank}")
# Without this the threads of gloo may outlive the interpreter, which then aborts.
torch.distributed.barrier()
torch.distributed.destroy_process_group()
"""


def test_two_processes_equal_one(tmp_path: Path) -> None:
    torch.manual_seed(0)
    x, weight = torch.randn(6, 3, 4, 4) * 2 + 1, torch.randn(6, 3, 4, 4)
    torch.save({"x": x, "weight": weight}, tmp_path / "data")
    (tmp_path / "run.py").write_text(SCRIPT)
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    words = [sys.executable, *launcher, str(tmp_path / "run.py"), str(tmp_path / "data")]
    done = subprocess.run(words, env=environment(), cwd=ROOT, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stderr

    norm = nn.BatchNorm2d(3, affine=False)
    whole = x.clone().requires_grad_(True)
    y = norm(whole)
    (y * weight).sum().backward()
    parts = [torch.load(tmp_path / f"data-{rank}", weights_only=True) for rank in (0, 1)]
    torch.testing.assert_close(torch.cat([part["y"] for part in parts]), y)
    torch.testing.assert_close(torch.cat([part["gradient"] for part in parts]), whole.grad, atol=1e-5, rtol=1e-4)
    for part in parts:
        torch.testing.assert_close(part["mean"], norm.running_mean)
        torch.testing.assert_close(part["var"], norm.running_var)
