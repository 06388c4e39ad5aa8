"""One writer for one run folder: a lock that ends with the process, however it ends."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO

from limner.errors import ConfigError

try:
    import fcntl
except ImportError:  # Windows, where two runs into one folder are not noticed
    fcntl = None  # type: ignore[assignment]


class FolderInUse(ConfigError):
    """Another process trains into a run folder."""


class RunLock:
    """Holds `.lock` in a run folder, with this process's number in it; reader processes do not inherit the lock."""

    def __init__(self, run: Path) -> None:
        self.path = run / ".lock"
        self._file: IO[str] | None = None

    def take(self) -> None:
        """Lock the folder, which is there; again does nothing.

        Raises:
            FolderInUse: if another process trains into this folder.
        """
        if self._file is not None or fcntl is None:
            return
        file = open(self.path, "a+")  # noqa: SIM115 (held until the run ends)
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError) as error:
            file.seek(0)
            owner = file.read().strip()
            file.close()
            raise FolderInUse(
                f"--out {self.path.parent}: {f'process {owner}' if owner else 'another process'} is training into this "
                "folder; stop it or wait for its end, or name another --out."
            ) from error
        except OSError:  # a file system without locks
            file.close()
            return
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        self._file = file

    def release(self) -> None:
        """Let others in."""
        if self._file is not None:
            self._file.close()
            self._file = None
