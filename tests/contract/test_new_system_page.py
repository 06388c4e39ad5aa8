"""docs/new-system.md shows the code that the contract tests run, letter by letter."""

from __future__ import annotations

import re
from pathlib import Path

TOY = Path(__file__).parent / "toy"


def test_the_page_shows_the_code_that_is_run(root: Path) -> None:
    text = (root / "docs/new-system.md").read_text(encoding="utf-8")
    shown = dict(re.findall(r"^`(limner_toy[\w./-]+)`:\n\n```\w+\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
    files = [TOY / "limner_toy-0.1.dist-info/entry_points.txt", *sorted((TOY / "limner_toy").glob("*.py"))]
    there = {path.relative_to(TOY).as_posix(): path.read_text(encoding="utf-8") for path in files}
    del there["limner_toy/__init__.py"]
    assert shown == there
