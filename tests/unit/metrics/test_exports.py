"""The names of `limner.metrics`: all there, loaded when used."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import limner.metrics


def test_every_name_is_there_and_listed():
    tree = ast.parse(Path(limner.metrics.__file__).read_text(encoding="utf-8"))
    checked = next(node for node in tree.body if isinstance(node, ast.If))
    imported = {alias.name for node in checked.body for alias in node.names}
    assert set(limner.metrics.__all__) == imported == set(limner.metrics._MODULES)
    for name in limner.metrics.__all__:
        assert getattr(limner.metrics, name).__name__ == name
    assert set(limner.metrics.__all__) <= set(dir(limner.metrics))
    with pytest.raises(AttributeError, match='has no attribute "fid"'):
        limner.metrics.fid  # noqa: B018


def test_protocols_and_tables_need_no_torch(python):
    code = "import sys, limner.metrics.protocol, limner.metrics.tables; sys.exit('torch' in sys.modules)"
    assert python("-c", code).returncode == 0
