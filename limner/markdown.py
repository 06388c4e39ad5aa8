"""Text that others chose, such as names of classes, weights and files, inside Markdown: shown, never obeyed."""

from __future__ import annotations

import re
from collections.abc import Sequence

_SIGNS = re.compile(r"[|<`*]|(?<=\])\(|!(?=\[)")
_STARTS = re.compile(r"[#>+-](?=\s|$|#)|\d+(?=[.)]\s)")


def escape(text: object) -> str:
    """One line that Markdown shows literally: no table cell, link, picture, heading, list or HTML begins in it."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in str(text)).split())
    line = _SIGNS.sub(lambda found: f"\\{found[0]}", line)
    if start := _STARTS.match(line):
        line = f"\\{line}" if not start[0].isdigit() else f"{start[0]}\\{line[start.end() :]}"
    return line


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of cells that are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
