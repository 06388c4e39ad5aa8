"""Reports as blocks for the page."""

from __future__ import annotations

import pytest

from limner.studio.markdown import blocks, plain

REPORT = """---
license: x
---
# A **title**

Some **bold**
text.

| a | b |
|---|:-:|
| 1 | <b>2</b> |
- one
- `two`

```bash
# no heading
```
last | one
"""


def test_the_blocks_of_a_report() -> None:
    assert blocks(REPORT) == [
        {"kind": "heading", "level": 1, "text": "A title"},
        {"kind": "text", "text": "Some bold text."},
        {"kind": "table", "rows": [["a", "b"], ["1", "<b>2</b>"]]},
        {"kind": "list", "items": ["one", "two"]},
        {"kind": "code", "text": "# no heading"},
        {"kind": "text", "text": "last | one"},
    ]
    assert blocks(REPORT.replace("\n", "\r\n")) == blocks(REPORT)


@pytest.mark.parametrize("text", ["", "\n\n", "```", "|", "|-|", "#", "- ", "---\n", "a\n|-|", "#" * 1000, "-" * 3000])
def test_every_text_has_blocks(text: str) -> None:
    assert all(block["kind"] for block in blocks(text))


def test_marks_are_left_out() -> None:
    assert plain("[x](y) and ![a](b) `c`") == "x and a c"
