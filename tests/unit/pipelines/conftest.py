"""Weights folders to be spoilt."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest


@pytest.fixture
def folder(tiny_weights: Path, tmp_path: Path) -> Path:
    """A copy of a weights folder."""
    return Path(shutil.copytree(tiny_weights, tmp_path / "copy"))
