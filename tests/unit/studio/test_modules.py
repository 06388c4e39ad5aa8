"""The page's modules that need no browser, tested by node where it is installed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

NODE = shutil.which("node")


@pytest.mark.skipif(NODE is None, reason="no node")
def test_modules_of_the_page():
    file = Path(__file__).with_name("modules.test.mjs")
    done = subprocess.run([str(NODE), "--test", str(file)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
