"""The Python lines of README.md, as a strict type checker and the registry see them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import get_overloads

import pytest

from limner import loading, registry
from limner.systems import SYSTEMS

ROOT = Path(__file__).resolve().parents[2]


def python_lines(page: Path) -> str:
    """All Python blocks of a page, one after another, as one program."""
    return "\n".join(re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL))


def check_types(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """`mypy --strict` of a program that imports this checkout; the cache is that of `make lint`."""
    file = folder / "page.py"
    file.write_text(code, encoding="utf-8")
    options = ["--strict", "--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", str(ROOT / ".mypy_cache")]
    command = [sys.executable, "-m", "mypy", *options, "--no-error-summary", str(file)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1800)


def test_python_of_the_readme_is_typed(tmp_path: Path) -> None:
    code = python_lines(ROOT / "README.md")
    assert "limner.load(" in code
    wrong = '\nlimner.load("scgan")("map.png", colour="red")\nreveal_type(limner.load("runs/first", "scgan"))\n'
    done = check_types(code + wrong, tmp_path)
    found = [line for line in done.stdout.splitlines() if ': note: "' not in line]
    # The last two lines are ours: that they are found shows that the types of the others were looked at.
    assert len(found) == 2, done.stdout + done.stderr
    assert 'Unexpected keyword argument "colour"' in found[0]
    assert 'Revealed type is "limner.systems.scgan.pipeline.SCGANPipeline"' in found[1]


@pytest.mark.parametrize("name", SYSTEMS)
def test_load_knows_the_class_of_every_system(name: str) -> None:
    overloads = [overload.__annotations__ for overload in get_overloads(loading.load)]
    found = {types["return"] for types in overloads if f"Literal['{name}']" in types.values()}
    assert found == {registry.pipeline_class(name).__name__}
