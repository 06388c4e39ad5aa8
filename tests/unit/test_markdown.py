"""Names in Markdown show as they are."""

from __future__ import annotations

import pytest

from limner.markdown import escape, table


@pytest.mark.parametrize(
    "name", ["Black_Hair", "scgan-people-64", "l_eye [0, 1]", "a > b", "mean IoU (judge)", "3.5 px", "日本"]
)
def test_usual_names_stay(name: str) -> None:
    assert escape(name) == name


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a|b", r"a\|b"),
        ("<script>x</script>", r"\<script>x\</script>"),
        ("[x](http://y)", r"[x]\(http://y)"),
        ("![x](y)", r"\![x]\(y)"),
        ("`a`", r"\`a\`"),
        ("**b**", r"\*\*b\*\*"),
        ("# head", r"\# head"),
        ("- item", r"\- item"),
        ("1. item", r"1\. item"),
        ("> quote", r"\> quote"),
        ("two\nlines\r\n# more", "two lines # more"),
        ("a\0b\x1b[31m", "a b [31m"),
    ],
)
def test_signs_of_markdown_lose_their_meaning(name: str, shown: str) -> None:
    assert escape(name) == shown


def test_table() -> None:
    assert table(["a", "b"], [["1", "2"]]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"
