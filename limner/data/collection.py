"""Data sets made by code: in parallel, restartable, the same bytes whatever the order, the workers and the stops.

A `Maker` makes one picture of a collection with its labels. `write_collection` asks it for every picture that is not on
disk yet, notes each finished one as a line of `records.jsonl`, and at the end writes the tables of the data set's
layout from these lines.
"""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from limner.errors import ConfigError, DataError
from limner.files import (
    at_home,
    open_regular,
    read_json,
    reason,
    remove_leftovers,
    write_atomically,
    write_text_atomically,
)
from limner.workers import Workers

SETTINGS = ("people.json", "drawn.json")
"""Names of the files that keep the settings of a collection."""
RECORDS = "records.jsonl"
Record = dict[str, Any]
"""A finished picture as plain data: `index`, `files` (path below the folder -> bytes) and what its maker noted."""
Files = dict[str, bytes]
"""Path below the folder -> content."""
Progress = Callable[[Iterable[int]], Iterable[int]]
"""Wraps the indices as they are finished, as `tqdm` does; their number is the length of what it gets."""

_CHUNK = 4  # pictures that a worker makes before it reports; as many are made anew after a stop
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Maker(Protocol):
    """One kind of collection and its settings: a small value that is sent to the worker processes."""

    @property
    def noun(self) -> str:
        """What is made, in the plural, for messages."""

    @property
    def settings_file(self) -> str:
        """Name of the file that keeps the settings."""

    def settings(self) -> dict[str, Any]:
        """What makes the files what they are, as plain data."""

    def make(self, index: int) -> tuple[Files, Record]:
        """Files and labels of one picture: a pure function of the settings and the index.

        The picture is the last file, so that no reader meets a picture without its labels.
        """

    def tables(self, records: Sequence[Record]) -> dict[str, str]:
        """Path -> text of the files that list all pictures; `records` are in the order of their indices."""


def write_collection(
    out: Path, maker: Maker, indices: range, *, workers: int = 1, progress: Progress | None = None
) -> list[Record]:
    """Make the pictures that are not there yet, then write the tables.

    A run that was stopped goes on when it is repeated, and one with more indices extends the collection. A picture
    counts as made when all its files are there at their full length. One run at a time may write to a folder.

    Args:
        out: folder, made if missing.
        maker: makes the pictures.
        indices: of all pictures of the collection.
        workers: number of processes; more than one needs an importable main module.
        progress: wraps the indices as they are finished.

    Returns:
        The records of all pictures, in the order of their indices.

    Raises:
        ConfigError: if `workers` is less than 1 or the folder holds something else.
        DataError: if a file cannot be written or a worker is killed; pictures that are finished stay.
    """
    if workers < 1:
        raise ConfigError(f"workers is {workers}, but must be at least 1.")
    out = at_home(out)
    records: dict[int, Record] = {}
    try:
        records.update(_prepare(out, maker, indices))
        _write_records(out, records)
        missing = [index for index in indices if index not in records]
        with closing(_make_all(out, maker, missing, workers, records)) as making:
            made = _Counted(making, len(missing))
            for _ in made if progress is None else progress(made):
                pass
        _write_records(out, records)
        ordered = [records[index] for index in sorted(records)]
        for name, text in maker.tables(ordered).items():
            write_text_atomically(out / name, text)
    except BrokenProcessPool as error:
        raise DataError(
            f"A worker process was killed, perhaps for want of memory: {len(records)} of {len(indices)} {maker.noun} "
            f"are in {out}; repeat the command, with fewer workers, and it makes the others."
        ) from error
    except OSError as error:
        raise DataError(f"{error.filename or out} cannot be written: {reason(error)}.") from error
    return ordered


def read_collection(root: Path) -> tuple[dict[str, Any], dict[str, int]] | None:
    """What a folder says of the collection in it: its settings, and the bytes of each file that was made.

    Args:
        root: the folder.

    Returns:
        Settings, and path below the folder -> bytes; None if the folder holds no collection, or a damaged one.
    """
    found = [root / name for name in SETTINGS if (root / name).is_file()]
    if len(found) != 1:
        return None
    try:
        settings = read_json(found[0])
        with open_regular(root / RECORDS) as file:
            records = [json.loads(line) for line in file.read().splitlines()]
        return dict(settings), {name: int(size) for one in records for name, size in one["files"].items()}
    except (DataError, OSError, LookupError, TypeError, ValueError, AttributeError, RecursionError, OverflowError):
        return None


class _Counted:
    """An iterator whose length is known beforehand."""

    def __init__(self, indices: Iterator[int], length: int) -> None:
        self._indices, self._length = indices, length

    def __iter__(self) -> Iterator[int]:
        return self._indices

    def __len__(self) -> int:
        return self._length


def _prepare(out: Path, maker: Maker, indices: range) -> dict[int, Record]:
    """Note the settings; refuse to mix two collections. The records of what is finished."""
    settings, num = maker.settings(), len(indices)
    path, records = out / maker.settings_file, dict[int, Record]()
    if path.exists():
        try:
            there = read_json(path)
            begun = int(there["num"])
            differing = [name for name in settings if there[name] != settings[name]]
        except (DataError, KeyError, TypeError, ValueError, OverflowError) as error:
            raise DataError(f"{path} is damaged: choose another folder, or remove all of {out}.") from error
        kept = range(indices.start, indices.start + max(begun, num))
        records = {one["index"]: one for one in _read_records(out, maker, kept) if _is_whole(out, one)}
        is_bound = bool(records) or _has_others(out, path)  # else nothing was finished, and it may begin anew
        if differing and is_bound:
            name = differing[0]
            raise ConfigError(
                f"{out} holds {maker.noun} with {name} = {there[name]}, not {settings[name]}: choose another folder."
            )
        if num < len(records):
            raise ConfigError(f"{out} holds {len(records)} {maker.noun}, more than {num}: choose another folder.")
        if num < begun and is_bound:  # some that were begun would be in no table
            raise ConfigError(
                f"{out} was begun for {begun} {maker.noun}, of which {len(records)} are finished: ask for {begun} or "
                "more, or choose another folder."
            )
    elif out.is_dir() and any(out.iterdir()):
        raise ConfigError(f"{out} holds files that were not made here: choose another folder, or an empty one.")
    write_text_atomically(path, json.dumps(settings | {"num": num}, indent=1))
    remove_leftovers(out)
    return records


def _has_others(out: Path, settings: Path) -> bool:
    """Whether there are pictures that were begun, or other files; what killed processes left does not count."""
    remove_leftovers(out)
    return any(path.is_file() and path not in (settings, out / RECORDS) for path in out.rglob("*"))


def _make_all(
    out: Path, maker: Maker, missing: Sequence[int], workers: int, records: dict[int, Record]
) -> Generator[int, None, None]:
    """Make pictures and note them, one index after the other; what is finished is in `records` at once."""
    task = partial(_make_one, out, maker)
    try:
        with _mapper(min(workers, len(missing))) as run:
            for record in run(task, missing):
                _append_record(out, record)
                records[record["index"]] = record
                yield record["index"]
    except BaseException:
        remove_leftovers(out)  # of processes that were ended while they wrote
        raise


def _make_one(out: Path, maker: Maker, index: int) -> Record:
    files, labels = maker.make(index)
    write_atomically({out / name: partial(_write_bytes, content) for name, content in files.items()})
    return {"index": index, "files": {name: len(content) for name, content in files.items()}, **labels}


def _write_bytes(content: bytes, path: Path) -> None:
    path.write_bytes(content)


@contextmanager
def _mapper(workers: int) -> Iterator[Callable[[Callable[[int], Record], Sequence[int]], Iterable[Record]]]:
    """`map` in this process, or in `workers` others of one thread each."""
    if workers <= 1:
        yield map
        return
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))  # read by the new processes when they load numpy and torch
    try:
        with Workers(workers) as pool:
            try:
                yield partial(_map, pool)
            except BaseException:  # to wait for the pictures that are being made would hold up Ctrl-C
                pool.kill()
                raise
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _map(pool: Workers, task: Callable[[int], Record], indices: Sequence[int]) -> Iterator[Record]:
    """As the pool's own `map`, but a stop does not cancel what is left: a pool that is killed stumbles over that."""
    chunks = (indices[start : start + _CHUNK] for start in range(0, len(indices), _CHUNK))
    futures = deque(pool.submit(_each, task, chunk) for chunk in chunks)
    while futures:
        yield from futures.popleft().result()


def _each(task: Callable[[int], Record], indices: Sequence[int]) -> list[Record]:
    return [task(index) for index in indices]


def _is_whole(out: Path, record: Record) -> bool:
    try:
        return all((out / name).stat().st_size == size for name, size in record["files"].items())
    except (OSError, ValueError):  # the latter of a name that is none
        return False


def _read_records(out: Path, maker: Maker, indices: range) -> list[Record]:
    """The lines that can be used: a picture whose line was cut off by a stop, or damaged, counts as missing."""
    path = out / RECORDS
    if not path.exists():
        return []
    try:
        with open_regular(path) as file:
            lines = file.read().splitlines()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {reason(error)}.") from error
    records = list[Record]()
    for line in lines:
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if _is_record(record, indices):
            records.append(record)
    return records if _fills_tables(maker, records) else [one for one in records if _fills_tables(maker, [one])]


def _is_record(record: object, indices: range) -> bool:
    if not isinstance(record, dict) or type(record.get("index")) is not int or record["index"] not in indices:
        return False
    files = record.get("files")
    return isinstance(files, dict) and bool(files) and all(type(size) is int for size in files.values())


def _fills_tables(maker: Maker, records: Sequence[Record]) -> bool:
    try:
        maker.tables(records)
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError):  # each maker knows what it notes
        return False
    return True


def _write_records(out: Path, records: dict[int, Record]) -> None:
    write_text_atomically(out / RECORDS, "".join(_line(records[index]) for index in sorted(records)))


def _append_record(out: Path, record: Record) -> None:
    """Add a line; a disk that fills up leaves none of it."""
    line = _line(record).encode()
    with open(out / RECORDS, "ab", buffering=0) as file:
        length = file.tell()
        try:
            if file.write(line) < len(line):
                raise OSError("the disk is full")
        except OSError:
            file.truncate(length)
            raise


def _line(record: Record) -> str:
    return json.dumps(record, separators=(",", ":")) + "\n"
