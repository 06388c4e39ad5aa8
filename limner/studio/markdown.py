"""A report as blocks that the page makes elements of: headings, tables, lists, code, paragraphs. No torch.

Texts lose their marks of emphasis, links and code; no HTML of a report reaches the page as anything but text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
_HEADING = re.compile(r"(#{1,6})\s+(.*)")
_ITEM = re.compile(r"\s*([-*]|\d+\.)\s+")
_RULE = re.compile(r"\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*")
_NEW = re.compile(r"#{1,6}\s|```|\s*[-*]\s")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_MARKS = re.compile(r"\*\*|__|`")


def blocks(text: str) -> list[dict[str, Any]]:
    """The blocks of a Markdown text: `kind`, and `level`, `text`, `rows` or `items`."""
    lines = _Lines(_FRONT_MATTER.sub("", text.replace("\r\n", "\n").replace("\r", "\n"), count=1).split("\n"))
    return list(_blocks(lines))


def plain(text: str) -> str:
    """A text without the marks of emphasis, links and code."""
    return _MARKS.sub("", _LINK.sub(r"\1", text))


class _Lines:
    """Lines that are taken one after the other."""

    def __init__(self, lines: list[str]) -> None:
        self.lines, self.at = lines, 0

    @property
    def here(self) -> str:
        return self.lines[self.at]

    @property
    def next(self) -> str:
        return self.lines[self.at + 1] if self.at + 1 < len(self.lines) else ""

    @property
    def are_left(self) -> bool:
        return self.at < len(self.lines)

    def take(self, is_part: Callable[[str], object], least: int = 0) -> list[str]:
        """Lines as long as they are part of something; at least so many."""
        first = self.at
        while self.are_left and (self.at - first < least or is_part(self.here)):
            self.at += 1
        return self.lines[first : self.at]


def _blocks(lines: _Lines) -> Iterator[dict[str, Any]]:
    while lines.are_left:
        heading = _HEADING.match(lines.here)
        if not lines.here.strip():
            lines.at += 1
        elif heading:
            lines.at += 1
            yield {"kind": "heading", "level": len(heading[1]), "text": plain(heading[2])}
        elif lines.here.startswith("```"):
            lines.at += 1
            code = lines.take(lambda line: not line.startswith("```"))
            lines.at += 1
            yield {"kind": "code", "text": "\n".join(code)}
        elif "|" in lines.here and _is_rule(lines.next):
            rows = [line for line in lines.take(lambda line: "|" in line) if not _is_rule(line)]
            yield {"kind": "table", "rows": [_cells(line) for line in rows]}
        elif _ITEM.match(lines.here):
            yield {"kind": "list", "items": [plain(_ITEM.sub("", line, count=1)) for line in lines.take(_ITEM.match)]}
        else:
            part = lines.take(lambda line: line.strip() and "|" not in line and not _NEW.match(line), least=1)
            yield {"kind": "text", "text": plain(" ".join(part))}


def _is_rule(line: str) -> bool:
    return "-" in line and _RULE.fullmatch(line) is not None


def _cells(line: str) -> list[str]:
    return [plain(cell.strip()) for cell in re.sub(r"^\||\|$", "", line.strip()).split("|")]
