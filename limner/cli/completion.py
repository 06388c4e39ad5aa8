"""Tab completion by argcomplete (extra completion): commands, systems, verbs, options and their values."""

from __future__ import annotations

import argparse
import importlib
import os
from collections.abc import Iterable

from limner import registry
from limner.optional import optional

WHEN_ASKED = "_ARGCOMPLETE"
"""Set in the environment by the shell that asks: how many words of the line name the program."""


def complete(commands: dict[str, str]) -> int:
    """Write what may stand at the cursor to where the shell reads it; ends the process where there is something.

    Args:
        commands: name -> "module:function", as in `limner.cli.main`.

    Raises:
        MissingExtraError: if argcomplete is not installed.
    """
    argcomplete = optional("argcomplete", extra="completion")
    lexers = importlib.import_module("argcomplete.lexers")
    line, point = os.environ.get("COMP_LINE", ""), os.environ.get("COMP_POINT", "0")
    _, _, _, words, _ = lexers.split_line(line, int(point) if point.isdecimal() else 0)
    given = words[1:]  # without the word that is being written
    if not given:
        return _names(argcomplete, commands, skip=0)
    second = _second_words(given[0])
    if second and not given[1:]:
        return _names(argcomplete, second, skip=1)
    taken = given[: 2 if second else 1]
    if given[0] not in commands or (second and taken[1] not in second):
        return 0
    os.environ[WHEN_ASKED] = str(1 + len(taken))
    module, _, function = commands[given[0]].partition(":")
    # The command builds its parser, which answers before it reads these words.
    return int(getattr(importlib.import_module(module), function)([*taken[1:], "--help"]))


def _second_words(command: str) -> list[str]:
    """What stands behind a command and decides its options."""
    if command in ("train", "generate", "evaluate"):
        return registry.system_names()
    if command == "data":
        from limner.cli.data import VERBS

        return list(VERBS)
    if command == "reproduce":
        from limner.reproduce.study import study_names

        return study_names()
    return []


def _names(argcomplete: object, names: Iterable[str], *, skip: int) -> int:
    parser = argparse.ArgumentParser(add_help=not skip)
    parser.add_argument("name", choices=list(names))
    os.environ[WHEN_ASKED] = str(1 + skip)
    argcomplete.autocomplete(parser)  # type: ignore[attr-defined]
    return 0
