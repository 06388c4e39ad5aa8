"""What `make` installs, and from where: a stand-in for Python writes down what it is asked for."""

from __future__ import annotations

import platform
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYTHON = """#!/bin/bash
echo "$*" >> asked.txt
case "$*" in *--index-url*) exit ${INDEX_FAILS:-0};; esac
"""

pytestmark = pytest.mark.skipif(
    shutil.which("make") is None or platform.system() != "Linux", reason="needs make, and Linux's choice of builds"
)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    python = tmp_path / ".venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(PYTHON)
    python.chmod(0o755)
    return tmp_path


def make(place: Path, *words: str, fails: bool = False) -> tuple[list[str], str]:
    """What Python was asked for, line by line, and what make said."""
    env = {"PATH": "/usr/bin:/bin", "INDEX_FAILS": "1" if fails else "0"}
    done = subprocess.run(["make", *words], cwd=place, env=env, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stderr
    return (place / "asked.txt").read_text().splitlines(), done.stdout


def test_the_cpu_build_first_and_the_rest_from_the_usual_index(place: Path) -> None:
    (torch, rest), _ = make(place, ".venv/.demo")
    assert "--index-url https://download.pytorch.org/whl/cpu torch" in torch and "--no-deps" in torch
    assert rest.endswith("-c constraints.txt -e .[video]") and "--index-url" not in rest
    assert "--quiet" not in torch + rest, "pip shows its progress"


def test_cuda_takes_the_usual_build(place: Path) -> None:
    (rest,), _ = make(place, "CUDA=1", ".venv/.dev")
    assert rest.endswith("-e .[dev]") and "--index-url" not in rest


def test_the_suites_of_the_studio(place: Path) -> None:
    asked, _ = make(place, "test-studio")
    assert asked[1].endswith("-e .[dev,studio-test]")
    assert asked[2].endswith("-m slow tests/studio tests/browser")


def test_another_index(place: Path) -> None:
    asked, _ = make(place, "TORCH_INDEX=https://mirror.example/cpu", ".venv/.demo")
    assert "--index-url https://mirror.example/cpu torch" in asked[0]


def test_an_index_that_cannot_be_reached_is_no_reason_to_stop(place: Path) -> None:
    asked, said = make(place, ".venv/.demo", fails=True)
    assert len(asked) == 2 and asked[1].endswith("-e .[video]")
    assert "cannot be reached; PyTorch comes from the usual index" in said
