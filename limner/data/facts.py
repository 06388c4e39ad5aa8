"""What is known of pictures made by code, and what their captions say: whether a caption is true of another picture."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from limner.data.attributes import read_lines
from limner.errors import DataError

FILE = "facts.jsonl"


@dataclass(frozen=True)
class Facts:
    """Of one picture."""

    known: Mapping[str, Any]
    """Name of a fact -> its value."""
    stated: tuple[Mapping[str, tuple[Any, ...]], ...]
    """For each caption: name of a fact that it states -> all values of which its words are true."""

    def states_truth_of(self, caption: int, other: Facts) -> bool:
        """Whether the caption of that number, of this picture, is true of the other one too.

        Raises:
            DataError: if there is no such caption.
        """
        if not 0 <= caption < len(self.stated):
            raise DataError(f"There is no caption {caption}: facts are known of {len(self.stated)} captions.")
        return all(other.known.get(name) in values for name, values in self.stated[caption].items())


def read_facts(path: Path) -> dict[str, Facts]:
    """Name of a picture without suffix -> what is known of it, from a file of one JSON object a line.

    `{"name": ..., "facts": {name: value}, "stated": [{name: [values]}, ...]}`, see docs/people.md.

    Raises:
        DataError: if a line is not of this form.
    """
    found = {}
    for number, line in enumerate(read_lines(path), start=1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            stated = tuple({key: tuple(values) for key, values in one.items()} for one in entry["stated"])
            found[Path(str(entry["name"])).stem] = Facts(dict(entry["facts"]), stated)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise DataError(f"{path} needs a name, facts and what captions state in line {number}.") from error
    return found
