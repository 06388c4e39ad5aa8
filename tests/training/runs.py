"""Running the real command in a process of its own, and comparing what it leaves."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import torch

from limner.engine.checkpoint import STATE_FILE
from limner.engine.state import load_state

ROOT = Path(__file__).resolve().parents[2]


def command(data: Path, run: Path, *options: str, system: str = "scgan") -> list[str]:
    """`limner train` with the smoke preset, as a list for `subprocess`."""
    words = [sys.executable, "-m", "limner", "train", system, "--preset", "smoke"]
    return [*words, "--data", str(data), "--out", str(run), *options]


def environment() -> dict[str, str]:
    """One thread: with two, sums may be split at other places while the machine is busy."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


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
