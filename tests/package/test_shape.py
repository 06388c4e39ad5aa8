"""The shape of the code: no function that cannot be read on one screen."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MAX_LINES = 60
EXEMPT = {}
"""`module:function` -> why it may be longer. Kernels and tables only."""


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Name and length of the body of every function of a file, without its docstring, blank and comment lines."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        body = node.body[1:] if ast.get_docstring(node) is not None else node.body
        if body:
            used = lines[body[0].lineno - 1 : body[-1].end_lineno]
            yield node.name, sum(bool(line.strip()) and not line.strip().startswith("#") for line in used)


def test_no_function_is_longer_than_a_screen() -> None:
    long = {}
    for path in sorted((ROOT / "limner").rglob("*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for name, length in functions(path):
            if length > MAX_LINES and f"{module}:{name}" not in EXEMPT:
                long[f"{module}:{name}"] = length
    assert not long, "\n".join(f"{name} has {length} lines" for name, length in sorted(long.items()))


def test_what_is_exempt_is_there_and_needs_it() -> None:
    for key in EXEMPT:
        module, _, name = key.partition(":")
        lengths = dict(functions(ROOT / (module.replace(".", "/") + ".py")))
        assert lengths.get(name, 0) > MAX_LINES, f"{key} needs no exemption"
