"""Files that appear whole or not at all: written beside their place, then renamed; and what a file holds in short."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from limner.errors import DataError


def sha256_of(path: str | Path) -> str:
    """SHA-256 of a file's content, in hex.

    Raises:
        OSError: if it cannot be read.
    """
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_atomically(writers: Mapping[Path, Callable[[Path], object]], *, flush: bool = False) -> None:
    """Let every writer fill a temporary sibling of its path, then rename them all in order; folders are made.

    Args:
        writers: path -> function that writes the file at the path it is given.
        flush: also wait until the disk has the content, so that a loss of power leaves the old file or the new one.

    Raises:
        DataError: if a file cannot be written; nothing of it is left behind.
    """
    temporaries = {path: path.with_name(f".{path.name}.{os.getpid()}.tmp") for path in writers}
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
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.split()).rstrip(".") or type(error).__name__


def cache_folder() -> Path:
    """Where downloads and computed statistics are kept: `LIMNER_CACHE`, else `limner` in the user's cache folder.

    All of it can be deleted at any time.
    """
    chosen = os.environ.get("LIMNER_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "limner"
