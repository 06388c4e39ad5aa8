"""The tool that finds tests which pass in company alone."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

TOOL = Path(__file__).resolve().parents[2] / "tools/test_order.py"


@pytest.fixture
def order(tmp_path: Path) -> Callable[..., tuple[int, str]]:
    """The tool, in a folder with a test that leans on another one."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_lean.py").write_text(
        "found = []\n"
        "def test_first():\n    found.append(1)\n"
        "def test_leans():\n    assert found\n"
        "def test_works():\n    pass\n"
    )

    def run(*words: str) -> tuple[int, str]:
        command = [sys.executable, str(TOOL), *words, "test_lean.py"]
        # Options of whoever runs these tests are no options of those that they write.
        env = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
        return done.returncode, done.stdout

    return run


def test_a_test_that_leans_on_another_fails_alone(order) -> None:
    code, text = order("alone")
    assert code == 1 and "3 tests alone, 1 failed\n  test_lean.py::test_leans" in text
    assert "passed  test_lean.py::test_first" in text


def test_it_fails_in_another_order(order) -> None:
    codes = {order("shuffle", "--seed", str(seed))[0] for seed in range(3)}
    assert codes == {0, 1}, "one order has the other test first, one has not"


def test_times_name_the_slowest(order) -> None:
    code, text = order("times", "--slowest", "2")
    assert code == 0 and text.count(" s  test_lean.py::") == 2 and text.splitlines()[-1].endswith("in all, 3 tests")
