"""docs/new-system.md shows the code that the contract tests run, letter by letter."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from pathlib import Path

TOY = Path(__file__).parent / "toy"


def test_the_page_shows_the_code_that_is_run(root: Path) -> None:
    text = (root / "docs/new-system.md").read_text(encoding="utf-8")
    shown = dict(re.findall(r"^`(limner_toy[\w./-]+)`:\n\n```\w+\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
    files = [TOY / "limner_toy-0.1.dist-info/entry_points.txt", *sorted((TOY / "limner_toy").glob("*.py"))]
    there = {path.relative_to(TOY).as_posix(): path.read_text(encoding="utf-8") for path in files}
    del there["limner_toy/__init__.py"]
    assert shown == there


def code_lines(text: str) -> int:
    """Lines that hold code: no blank lines, comments or docstrings."""
    doc: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            doc |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    skipped = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    found = [token for token in tokenize.generate_tokens(io.StringIO(text).readline) if token.type not in skipped]
    return len({line for token in found for line in range(token.start[0], token.end[0] + 1)} - doc)


def test_a_system_takes_few_lines() -> None:
    """150 lines beside its imports: what every system says, the core knows. More are a default that is missing."""
    texts = [path.read_text(encoding="utf-8") for path in (TOY / "limner_toy").glob("*.py")]
    imports = [node for text in texts for node in ast.parse(text).body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert sum(map(code_lines, texts)) - len(imports) <= 150
    assert sum(map(code_lines, texts)) <= 206


def test_lines_of_code_are_counted() -> None:
    assert (
        code_lines(
            '"""Text."""\n\nimport a  # why\n\n\ndef b():\n    """Text."""\n    # why\n    return (\n        1\n    )\n'
        )
        == 5
    )
