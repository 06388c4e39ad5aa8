from __future__ import annotations

from pathlib import Path

import pytest

from .runs import train


@pytest.fixture(scope="session")
def finished_run(drawn_faces: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A smoke run of SCGAN that nobody disturbed; do not change it."""
    run = tmp_path_factory.mktemp("run") / "undisturbed"
    done = train(drawn_faces, run)
    assert done.returncode == 0, done.stderr
    return run
