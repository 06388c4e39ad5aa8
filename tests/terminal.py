"""The command as it runs in a terminal, which sends Ctrl-C to all of its processes at once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def in_a_terminal(words: Sequence[str], root: Path) -> subprocess.Popen[str]:
    """`limner` with its words, in a group of processes of its own; see `ctrl_c`."""
    return subprocess.Popen(
        [sys.executable, "-u", "-m", "limner", *words],
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # tests may run without it
    )


def ctrl_c(process: subprocess.Popen[str]) -> None:
    """Press it."""
    os.killpg(process.pid, signal.SIGINT)
