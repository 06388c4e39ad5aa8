"""A run takes the arithmetic of its machine, says so in its first line, and keeps it when it goes on."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import yaml
from torch import nn

from limner.cli.main import main
from limner.engine import precision

SMALL = "--model.width 8 --model.image_size 32 --train.batch_size 4 --train.images 8 --train.accelerator cpu"


@pytest.fixture
def seen() -> Iterator[set[torch.dtype]]:
    """Types of numbers that convolutions gave during the test."""
    found: set[torch.dtype] = set()

    def note(module: nn.Module, _inputs: object, output: object) -> None:
        if isinstance(module, nn.Conv2d) and isinstance(output, torch.Tensor) and module.training:
            found.add(output.dtype)

    handle = nn.modules.module.register_module_forward_hook(note)
    yield found
    handle.remove()


def train(monkeypatch, flags: str, data: Path, run: Path, *options: str) -> int:
    (data.parent / "cpuinfo").write_text(f"flags : fpu {flags}\n")
    monkeypatch.setattr(precision, "CPU_INFO", data.parent / "cpuinfo")
    words = ["train", "parser", "--preset", "cpu", *SMALL.split(), *options]
    return main([*words, "--data", str(data), "--out", str(run)])


@pytest.mark.parametrize(
    ("flags", "taken", "dtype"),
    [("avx2", "32-true", torch.float32), ("avx2 avx512_bf16", "bf16-mixed", torch.bfloat16)],
)
def test_the_preset_cpu_takes_what_the_processor_has(
    flags, taken, dtype, seen, drawn_faces, tmp_path, monkeypatch, caplog
):
    assert train(monkeypatch, flags, drawn_faces, tmp_path / "run") == 0
    assert seen == {dtype}
    lines = [record.getMessage() for record in caplog.records if record.name == "limner"]
    assert lines[0].startswith(f"precision {taken}: the processor has ")
    assert yaml.safe_load((tmp_path / "run/config.yaml").read_text())["train"]["precision"] == taken


def test_a_run_that_goes_on_keeps_its_arithmetic(seen, drawn_faces, tmp_path, monkeypatch, caplog):
    """As runs from before `auto`, whose configuration names bf16-mixed; here on a machine that has none."""
    run = tmp_path / "run"
    assert train(monkeypatch, "avx512_bf16", drawn_faces, run, "--train.precision", "bf16-mixed") == 0
    seen.clear()
    caplog.clear()
    assert train(monkeypatch, "avx2", drawn_faces, run, "--resume", "auto", "--train.images", "12") == 0
    assert seen == {torch.bfloat16}
    lines = [record for record in caplog.records if record.name == "limner"]
    assert lines[0].getMessage().startswith("precision bf16-mixed: as the run began; the processor has no bfloat16")
    assert lines[1].levelno == logging.WARNING and "slower than float32" in lines[1].getMessage()
    assert yaml.safe_load((run / "config.yaml").read_text())["train"]["precision"] == "bf16-mixed"


def test_another_arithmetic_by_name_is_refused(drawn_faces, tmp_path, monkeypatch, capsys):
    run = tmp_path / "run"
    assert train(monkeypatch, "avx2", drawn_faces, run) == 0
    assert train(monkeypatch, "avx2", drawn_faces, run, "--resume", "auto", "--train.precision", "bf16-mixed") == 2
    assert "--train.precision is bf16-mixed" in capsys.readouterr().err
