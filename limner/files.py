"""Files in and out: text, JSON and YAML through one reader with limits; outputs that appear whole or not at all.

Every file that a user names, or that lies in a folder that a user names, is opened by `open_regular`: a pipe or a
device would hang or never end. Pictures have a reader of their own, `limner.data.image_io`.
"""

from __future__ import annotations

import contextlib
import errno
import glob
import hashlib
import io
import itertools
import json
import os
import platform
import re
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from limner.errors import ConfigError, DataError, LimnerError, quoted

MAX_JSON_BYTES = 16_000_000
"""Of settings, schemas and indexes, unless a caller says otherwise."""
MAX_YAML_BYTES = 256_000
"""YAML is read by Python alone, at some hundred kilobytes a second."""
MAX_YAML_DEPTH = 64
"""Levels of lists and mappings in a YAML file."""
MAX_TABLE_BYTES = 512_000_000
"""Of lists with a line a picture; CelebA's largest has 27 MB."""


@dataclass(frozen=True)
class _Kept:
    files: Mapping[object, Path]
    """By `_identity`."""
    folders: tuple[Path, ...]
    """Without links; every file that is in one of them is kept."""

    def input_at(self, path: Path) -> Path | None:
        """The input that an output at `path` would replace: a file, or the folder that has it; none: there is none."""
        found = self.files.get(_identity(path))
        if found is None and self.folders and path.exists():
            whole = resolved(path)
            found = next((folder for folder in self.folders if whole.is_relative_to(folder)), None)
        return found


_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][\w .,()+@=&'-]{0,150}", re.ASCII)

_CALLS = itertools.count()
"""Number in the names of temporary files."""
_KEPT: ContextVar[_Kept] = ContextVar("_KEPT")
"""What `keeping` keeps."""


def at_home(path: str | Path) -> Path:
    """A path as a user gives it, with a leading "~" or "~name" as the home folder; one of no known user stays.

    Every public function that takes a path goes through here: a shell expands "~" for commands, nobody does for Python.

    Raises:
        ConfigError: if it is no path at all, empty, longer than the system allows, or has a NUL character.
    """
    if not isinstance(path, str | Path):
        raise ConfigError(f"A path cannot be of the type {type(path).__name__}; give a text or a pathlib.Path.")
    if path == "":  # which pathlib takes for the folder that one is in
        raise ConfigError("A path is empty; name a file or a folder, such as . for this folder.")
    found = Path(os.path.expanduser(path))  # Path.expanduser raises for unknown users
    try:
        found.lstat()
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise ConfigError(f"The path {quoted(str(path))} is too long for a file; give a shorter one.") from error
    except ValueError as error:
        raise ConfigError(f"The path {quoted(str(path))} has a NUL character; no file can have that name.") from error
    return found


def open_regular(path: str | Path) -> io.BufferedReader:
    """Open a file for reading, if it is one: pipes, devices and folders are refused before anything is read.

    Raises:
        OSError: if it cannot be opened or is no regular file.
    """
    # A pipe that nobody writes to would hold up the opening itself; Windows knows neither flag nor such pipes.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    try:
        handle = os.open(os.path.expanduser(path), flags)
    except ValueError as error:  # Python's own refusal of a NUL character
        raise OSError(f"{os.fspath(path)!r} is no file name") from error
    mode = os.fstat(handle).st_mode
    if not stat.S_ISREG(mode):
        os.close(handle)
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(21, "it is a folder", os.fspath(path))
        raise OSError("it is not a file but a pipe or a device")
    return os.fdopen(handle, "rb")


def read_bytes(path: str | Path, *, most: int, error: type[LimnerError] = DataError) -> bytes:
    """The content of a regular file of at most `most` bytes.

    Raises:
        LimnerError: of the type `error`, in one sentence, if it cannot be read, is no regular file, or is larger.
    """
    try:
        content = bytearray()
        with open_regular(path) as file:
            while len(content) <= most and (block := file.read(1 << 20)):
                content += block
    except OSError as problem:
        raise error(f"{_shown(path)} cannot be read: {reason(problem)}.") from problem
    if len(content) > most:
        raise error(f"{_shown(path)} has more than {most / 1e6:g} MB, too much for a file of its kind.")
    return bytes(content)


def read_text(path: str | Path, *, most: int = MAX_JSON_BYTES, error: type[LimnerError] = DataError) -> str:
    """A text in UTF-8, with or without a byte order mark, lines ended in any way; they end in "\\n" here.

    Raises:
        LimnerError: as `read_bytes`; also if it is no text in UTF-8.
    """
    content = read_bytes(path, most=most, error=error)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise error(
            f"{_shown(path)} is not a text file in UTF-8 (byte {problem.start}): save it as UTF-8."
        ) from problem
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_json(path: str | Path, *, most: int = MAX_JSON_BYTES, error: type[LimnerError] = DataError) -> Any:
    """The value of a JSON file.

    Raises:
        LimnerError: as `read_text`; also if it is not valid JSON.
    """
    text = read_text(path, most=most, error=error)
    try:
        return json.loads(text)
    except RecursionError as problem:
        raise error(f"{_shown(path)} is not valid JSON: it is nested too deeply.") from problem
    except ValueError as problem:
        raise error(f"{_shown(path)} is not valid JSON, perhaps cut off: {reason(problem)}.") from problem


def read_yaml(path: str | Path, *, error: type[LimnerError] = DataError) -> Any:
    """The value of a YAML file of plain values; see `parse_yaml`.

    Raises:
        LimnerError: as `read_text`; also if it is not valid YAML or has an alias.
    """
    return parse_yaml(read_text(path, most=MAX_YAML_BYTES, error=error), where=_shown(path), error=error)


def parse_yaml(text: str, *, where: str, error: type[LimnerError] = DataError) -> Any:
    """The value of a YAML text; aliases are refused, as nine lines of them stand for gigabytes.

    Raises:
        LimnerError: of the type `error`, naming `where`.
    """
    import yaml  # slow to import, and few commands read it

    flow, block = yaml.FlowSequenceStartToken | yaml.FlowMappingStartToken, yaml.BlockSequenceStartToken
    opens = flow | block | yaml.BlockMappingStartToken
    closes = yaml.FlowSequenceEndToken | yaml.FlowMappingEndToken | yaml.BlockEndToken
    depth = 0
    try:
        for token in yaml.scan(text, Loader=yaml.SafeLoader):
            if isinstance(token, yaml.AliasToken):
                raise error(f"{where} has the alias *{token.value}: write the value out.")
            depth += isinstance(token, opens) - isinstance(token, closes)
            if depth > MAX_YAML_DEPTH:  # before the parser, which takes minutes for what is nested without end
                raise error(f"{where} is not valid YAML: it is nested too deeply.")
        return yaml.safe_load(text)
    except RecursionError as problem:
        raise error(f"{where} is not valid YAML: it is nested too deeply.") from problem
    except (ValueError, TypeError, yaml.YAMLError) as problem:  # TypeError: a key that is a list
        raise error(f"{where} is not valid YAML: {reason(problem)}.") from problem


@contextlib.contextmanager
def keeping(inputs: Iterable[Path]) -> Iterator[None]:
    """While this is open, `write_atomically` and `replacing_folder` refuse to replace one of these files.

    Args:
        inputs: files, and folders: all files that lie in them now are inputs.
    """
    kept, inputs = _kept(), list(inputs)
    folders = [resolved(path) for path in inputs if path.is_dir()]
    files = {_identity(path): path for path in inputs if not path.is_dir()}
    token = _KEPT.set(_Kept({**kept.files, **files}, (*kept.folders, *folders)))
    try:
        yield
    finally:
        _KEPT.reset(token)


def _kept() -> _Kept:
    return _KEPT.get(_Kept({}, ()))


def refuse_replaced_inputs(outputs: Iterable[Path], inputs: Iterable[Path] = ()) -> None:
    """Refuse outputs that would replace an input, or each other; links and other names of one file are seen through.

    Args:
        outputs: files to be written.
        inputs: files that are read, beside those of `keeping`.

    Raises:
        ConfigError: naming the first.
    """
    with keeping(inputs):
        written: set[object] = set()
        for path in outputs:
            _refuse_input(path)
            place = _identity(path)
            if place in written:
                raise ConfigError(f"Two outputs would be written to {path}; give each a name of its own.")
            written.add(place)


def _refuse_input(path: Path) -> None:
    found = _kept().input_at(path)
    if found is None:
        return
    what = f"is in the folder {found}, which is an input" if found.is_dir() else "is an input"
    raise ConfigError(f"{path} {what}, and an output would replace it; give that another place or --out.")


def checked_name(name: object, *, what: str = "name", error: type[LimnerError] = ConfigError) -> str:
    """`name`, if files can be named after it without leaving their folder.

    Raises:
        LimnerError: of the type `error`, if it is empty, too long, hidden, a path, or has a control character.
    """
    if not isinstance(name, str) or not name or len(name.encode(errors="replace")) > 200:
        raise error(f"{what} is {quoted(name)}; it must be a text of 1 to 200 bytes.")
    if name.startswith(".") or any(sign in "/\\:\0" or ord(sign) < 32 or 0xD800 <= ord(sign) < 0xE000 for sign in name):
        raise error(
            f"{what} is {quoted(name)}; it must be the name of a file, without folders (/, \\ or :) and not hidden."
        )
    return name


def checked_path(name: object, *, what: str = "name", error: type[LimnerError] = DataError) -> str:
    """`name`, if a path below a folder can be named after it without leaving that folder; parts are divided by "/".

    Raises:
        LimnerError: of the type `error`, if a part of it is no name of a file; see `checked_name`.
    """
    if isinstance(name, str) and _PLAIN_NAME.fullmatch(name):  # of nearly all of a million samples
        return name
    parts = name.split("/") if isinstance(name, str) else [name]
    for part in parts:
        if isinstance(part, str) and part and part != ".." and part.startswith(".") and part.strip("."):
            continue  # hidden, which harms nobody
        try:
            checked_name(part)
        except ConfigError:
            raise error(
                f"{what} is {quoted(name)}; it must be the name of a file, or a path below a folder, without .., "
                "control characters or bytes that are no UTF-8."
            ) from None
    return str(name)


def sha256_of(path: str | Path) -> str:
    """SHA-256 of a file's content, in hex.

    Raises:
        OSError: if it cannot be read or is no regular file.
    """
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def resolved(path: str | Path) -> Path:
    """The whole path without links; unlike `Path.resolve`, it gets through links to themselves."""
    return Path(os.path.realpath(path))


def _identity(path: Path) -> object:
    """The same for all names of one file: its place on the disk where it exists, else its whole path."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return resolved(path)
    return (found.st_dev, found.st_ino)


def _shown(path: str | Path) -> str:
    return os.fspath(path) or "A file without a name"


def short(text: str) -> str:
    """A part of a file for use inside a sentence: one line, at most 80 signs, nothing that a terminal obeys."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text[:200]).split())
    return line if len(line) <= 80 and len(text) <= 200 else f"{line[:77]}..."


def write_atomically(writers: Mapping[Path, Callable[[Path], object]], *, flush: bool = False) -> None:
    """Let every writer fill a temporary sibling of its path, then rename them all in order; folders are made.

    Args:
        writers: path -> function that writes the file at the path it is given.
        flush: also wait until the disk has the content, so that a loss of power leaves the old file or the new one.

    Raises:
        ConfigError: if one of them is an input of the command; see `keeping`.
        DataError: if a file cannot be written; nothing of it is left behind.
    """
    writers = {at_home(path): write for path, write in writers.items()}
    for path in writers:
        _refuse_input(path)
    ours = f"{_here()}.{os.getpid()}.tmp"  # and of this call: threads may write one file of the cache
    temporaries = {path: path.with_name(f".{path.name}.{next(_CALLS)}.{ours}") for path in writers}
    try:
        for path, write in writers.items():
            if path.exists() and not path.is_file():  # root could replace a device
                raise DataError(f"{path} cannot be written: it is not a file.")
            path.parent.mkdir(parents=True, exist_ok=True)
            write(temporaries[path])
            if flush:
                flush_to_disk(temporaries[path])
        for path, temporary in temporaries.items():
            os.replace(temporary, path)
    except OSError as error:
        raise DataError(f"{path} cannot be written: {reason(error)}.") from error
    finally:
        for temporary in temporaries.values():
            with contextlib.suppress(OSError):  # its folder may be what could not be made
                temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def replacing_folder(path: Path, *, ours: Callable[[str], bool]) -> Iterator[Path]:
    """A new folder beside `path` to be filled, which takes its name once all is written; what was there goes.

    Args:
        path: the folder; it may exist, as a link too, whose folder is then replaced.
        ours: whether a file of the former folder, as a path below it, is one of those that this program replaces.

    Raises:
        ConfigError: as `refuse_losses`.
        OSError: if it cannot be written; the former folder is as it was, and nothing new is left.
    """
    path = resolved(path)
    refuse_losses(path, ours=ours)
    missing = [folder for folder in path.parents if not folder.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.{_here()}.*.tmp"):  # by a killed process
        if _is_left(left):
            shutil.rmtree(left, ignore_errors=True)
    new = path.with_name(f".{path.name}.{next(_CALLS)}.{_here()}.{os.getpid()}.tmp")
    old = new.with_name(f"{new.name}.old")
    try:
        new.mkdir()
        yield new
        if path.exists():
            path.rename(old)
        new.rename(path)
    finally:
        if old.exists() and not path.exists():  # it ended between the two
            old.rename(path)
        shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
        for folder in missing:
            with contextlib.suppress(OSError):  # which has something in it, as it should
                folder.rmdir()


def refuse_losses(path: Path, *, ours: Callable[[str], bool]) -> None:
    """Refuse to replace a folder with files that are not the program's own; see `replacing_folder`.

    Raises:
        ConfigError: if it has another file, or an input of the command (see `keeping`), or is a file.
    """
    if path.exists() and not path.is_dir():
        raise ConfigError(f"{path} is a file, not a folder; give another place, or move it first.")
    for file in (file for file in path.rglob("*") if not file.is_dir() or file.is_symlink()):
        _refuse_input(file)
        name = file.relative_to(path).as_posix()
        if not ours(name):
            raise ConfigError(f"{path} has {name}, which would be lost; give another place, or move that file first.")


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files that killed processes of this machine left in a folder and those below it."""
    for path in folder.rglob(f".*.{_here()}.*.tmp") if folder.is_dir() else ():
        if _is_left(path):
            with contextlib.suppress(OSError):
                path.unlink()


def _is_left(temporary: Path) -> bool:
    """Whether the process that made a temporary file or folder is gone."""
    number = temporary.name.rsplit(".", 2)[-2]
    return number.isdecimal() and not _is_alive(int(number))


def _here() -> str:
    """This machine, in the names of temporary files: on a shared disk, others' processes have numbers of their own."""
    return re.sub(r"[^\w-]", "_", platform.node())[:40] or "here"


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # another user's
        return True
    return True


def write_text_atomically(path: Path, text: str, *, flush: bool = False) -> None:
    """`write_atomically` of one text, in UTF-8; names of files that are no Unicode appear with escapes."""
    content = text.encode(errors="backslashreplace")
    write_atomically({path: lambda temporary: temporary.write_bytes(content)}, flush=flush)


def flush_to_disk(path: Path) -> None:
    """Wait until the disk has a file's content, or a folder's entries."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def reason(error: BaseException) -> str:
    """The message of an error without its full stop, for use inside a sentence."""
    if isinstance(error, FileExistsError):  # of a folder that was to be made
        return f"{error.filename} is not a folder"
    text = getattr(error, "strerror", None) or str(error)  # FFmpeg's errors have it, too
    return " ".join(text.split()).rstrip(".") or type(error).__name__


def cache_folder() -> Path:
    """Where downloads and computed statistics are kept: `LIMNER_CACHE`, else `limner` in the user's cache folder.

    All of it can be deleted at any time.
    """
    chosen = os.environ.get("LIMNER_CACHE")
    if chosen:
        return at_home(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "limner"
