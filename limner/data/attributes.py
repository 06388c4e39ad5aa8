"""Reading files of attributes and of splits.

Two forms are read: CelebA's text form (a count, a line of names, one line of 1 / -1 per picture) and CSV with a header
whose first column is the picture's name.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path, PureWindowsPath
from typing import TypeVar
from unicodedata import normalize

from limner.errors import DataError
from limner.files import MAX_TABLE_BYTES, read_text, short

AttributeTable = dict[str, tuple[float, ...]]
Value = TypeVar("Value")
SPLITS = ("train", "val", "test")

_VALUES = {"1": 1.0, "0": 0.0, "-1": 0.0, "1.0": 1.0, "0.0": 0.0, "-1.0": 0.0}


def is_number(text: str) -> bool:
    """Whether a cell of a table is a whole number that `int` takes; a superscript is a digit, too, but no number."""
    return text.isdecimal() and len(text) < 16


def read_celeba_attributes(path: Path) -> tuple[tuple[str, ...], AttributeTable]:
    """Names, and picture name -> values in {0, 1}, of a file in CelebA's form.

    Raises:
        DataError: if the count, a name, a row or a value is wrong.
    """
    texts = read_lines(path)
    while texts and not texts[-1].strip():
        texts.pop()
    lines = [line.split() for line in texts[:2]]
    lines += [line.rsplit(maxsplit=len(lines[1])) for line in texts[2:]]  # a picture's name may have blanks
    if len(lines) < 2 or len(lines[0]) != 1 or not is_number(lines[0][0]):
        raise DataError(f"{path} must begin with a line with the number of pictures and a line of attribute names.")
    names, rows = tuple(lines[1]), lines[2:]
    _check_names(path, names)
    if int(lines[0][0]) != len(rows):
        raise DataError(
            f"{path} says {short(lines[0][0])} pictures in line 1 but has {len(rows)} rows: correct the count."
        )
    return names, _table(path, names, rows, first_line=3)


def read_csv_attributes(path: Path) -> tuple[tuple[str, ...], AttributeTable]:
    """Names, and picture name -> values in {0, 1}, of a CSV file with a header.

    Raises:
        DataError: if the header, a row or a value is wrong.
    """
    rows = _csv_rows(path)
    if not rows or len(rows[0]) < 2:
        raise DataError(f"{path} must begin with a header: the word name, then the attribute names.")
    names = tuple(rows[0][1:])
    _check_names(path, names)
    return names, _table(path, names, rows[1:], first_line=2)


def read_splits(path: Path) -> dict[str, str]:
    """Name as it stands in the list -> split, of a CSV file with the header `name,split`; see `joined`.

    Raises:
        DataError: if a row is not a name and one of train, val, test.
    """
    rows = _csv_rows(path)
    if not rows or rows[0] != ["name", "split"]:
        raise DataError(f"{path} must begin with the header: name,split")
    splits: dict[str, str] = {}
    for row in rows[1:]:
        if len(row) != 2 or row[1] not in SPLITS:
            raise DataError(
                f'{path} has the row "{short(",".join(row))}", but needs a name and one of train, val, test.'
            )
        _add(path, splits, row[0], row[1])
    return splits


def read_eval_partition(path: Path) -> dict[str, str]:
    """File name -> split, of CelebA's `list_eval_partition.txt` (0 = train, 1 = val, 2 = test).

    Raises:
        DataError: if a row is not a name and a number from 0 to 2.
    """
    splits: dict[str, str] = {}
    for line in read_lines(path):
        cells = line.rsplit(maxsplit=1)  # a name may have blanks
        if not cells:
            continue
        if len(cells) != 2 or cells[1] not in ("0", "1", "2"):
            raise DataError(f'{path} has the row "{short(line)}", but needs a file name and 0, 1 or 2.')
        _add(path, splits, cells[0].strip(), SPLITS[int(cells[1])])
    return splits


def own_splits(root: Path, names: Iterable[str]) -> dict[str, str]:
    """Picture -> split, of the `splits.csv` of a data set; empty if there is none.

    Raises:
        DataError: as `read_splits` and `joined`.
    """
    path = root / "splits.csv"
    return joined(path, read_splits(path), names) if path.exists() else {}


def joined(
    path: Path, table: Mapping[str, Value], names: Iterable[str], *, may_exceed: bool = False
) -> dict[str, Value]:
    """A list of pictures by the pictures' own names.

    An entry means the picture that is called like it, like its last part (`images/0.jpg`, `images\\0.jpg`), or like
    that without the suffix. Accents may be written as one sign or as two.

    Args:
        path: of the list, for messages.
        table: name as it stands in the list -> value.
        names: of the pictures, without suffix.
        may_exceed: whether names without a picture are allowed, as long as others have one: a published list beside
            a part of its data set.

    Raises:
        DataError: if a name has no picture, or two mean the same one.
    """
    known = {normalize("NFC", name): name for name in names}
    found: dict[str, Value] = {}
    missing: list[str] = []
    for entry, value in table.items():
        last = PureWindowsPath(entry).name  # which knows both kinds of slashes
        forms = (entry, last, PureWindowsPath(last).stem)
        name = next((known[form] for form in (normalize("NFC", form) for form in forms) if form in known), None)
        if name is None:
            missing.append(entry)
        else:
            _add(path, found, name, value)
    if missing and not (may_exceed and found):
        have = "has" if len(missing) == 1 else "have"
        there = f', which are called like "{short(next(iter(known.values())))}"' if known else ""
        raise DataError(
            f"{path} names {len(table)} pictures, of which {len(missing)} {have} no picture here{there}; the first is "
            f'"{short(missing[0])}": correct the names, or remove these rows.'
        )
    return found


def _table(path: Path, names: tuple[str, ...], rows: Iterable[list[str]], *, first_line: int) -> AttributeTable:
    table: AttributeTable = {}
    for number, (name, *cells) in enumerate(rows, start=first_line):
        if len(cells) != len(names):
            raise DataError(f"{path} has {len(cells)} values in line {number} but {len(names)} attribute names.")
        wrong = [cell for cell in cells if cell not in _VALUES]
        if wrong:
            raise DataError(
                f'{path} has the value "{short(wrong[0])}" in line {number}, but only 1, 0 and -1 are allowed.'
            )
        _add(path, table, name, tuple(_VALUES[cell] for cell in cells))
    return table


def _add(path: Path, table: dict[str, Value], name: str, value: Value) -> None:
    if name in table:
        raise DataError(f'{path} has two rows for "{short(name)}": remove one.')
    table[name] = value


def _check_names(path: Path, names: tuple[str, ...]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or "" in names:
        raise DataError(
            f"{path} has {f'the attribute {short(twice[0])} twice' if twice else 'an attribute without a name'}."
        )


def _csv_rows(path: Path) -> list[list[str]]:
    """The rows of a CSV file that are not empty, cells without blanks around them."""
    try:
        return [[cell.strip() for cell in row] for row in csv.reader(read_lines(path)) if row]
    except csv.Error as error:
        raise DataError(f"{path} is not a CSV file: {error}.") from error


def read_lines(path: Path) -> list[str]:
    """Lines of a text file.

    Raises:
        DataError: if it cannot be read or is not text.
    """
    text = read_text(path, most=MAX_TABLE_BYTES)
    return text.removesuffix("\n").split("\n")  # other signs that end lines may be part of a name
