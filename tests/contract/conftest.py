"""What several contract tests share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from limner.task import Task
from tests.contract.drawn import writer_for


@pytest.fixture(scope="session")
def data_for(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Task], Path]:
    """A folder of drawn data that a task can learn from; do not change it."""
    folders: dict[Any, Path] = {}

    def write(task: Task) -> Path:
        if {"video", "audio"} & set(task.needs):
            pytest.importorskip("av")
        writer = writer_for(task.needs)
        if writer not in folders:
            folders[writer] = tmp_path_factory.mktemp("drawn") / "data"
            writer(folders[writer])
        return folders[writer]

    return write
