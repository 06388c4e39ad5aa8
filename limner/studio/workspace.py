"""What the studio keeps on the disk: sessions with their assets, jobs and results. No torch.

Names on disk are hashes and counters; what users call things is metadata. A file is written under another name and
renamed, so that a killed server leaves no half file; a result counts once its `about.json` is there.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import math
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from limner.errors import DataError, LimnerError
from limner.files import read_json, write_atomically, write_text_atomically

log = logging.getLogger("limner.studio")
ID = re.compile(r"[0-9a-f]{32}\Z")
JOB = re.compile(r"[0-9]{8}-[0-9a-f]{8}\Z")
SHA = re.compile(r"[0-9a-f]{64}\Z")
SUFFIXES = {"photo": ".png", "label_map": ".png", "audio": ".wav", "keypoints": ".json", "strokes": ".json"}


class DiskError(LimnerError):
    """What must be kept cannot be written."""


@contextlib.contextmanager
def on_disk() -> Iterator[None]:
    """What the system refuses becomes one sentence, without a path of the server.

    Raises:
        DiskError: saying why.
    """
    try:
        yield
    except (OSError, DataError) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        if not isinstance(cause, OSError):
            raise
        why = os.strerror(cause.errno) if cause.errno else "it cannot be reached"
        log.error("the workspace cannot be written: %s", error)
        raise DiskError(
            f"The studio cannot write into its folder ({why}); make room, or choose another --workspace."
        ) from error


def visible(folder: Path, pattern: str = "*") -> list[Path]:
    """What lies in a folder, by name, without hidden files: macOS and editors put `._NAME` and the like beside ours.

    With `**` in the pattern what lies in hidden folders is left out, too.
    """
    found = folder.glob(pattern)
    return sorted(path for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts))


@dataclass(frozen=True)
class Asset:
    """A file of a session.

    Attributes:
        id: SHA-256 of the file as we wrote it.
        kind: "photo", "label_map", "audio", "keypoints" or "strokes".
        name: that the user gave it.
        width: in pixels, of pictures.
        height: in pixels, of pictures.
        schema: name of the label schema, of label maps.
    """

    id: str
    kind: str
    name: str = ""
    width: int | None = None
    height: int | None = None
    schema: str | None = None

    @property
    def file(self) -> str:
        """Its name on the disk."""
        return self.id + SUFFIXES[self.kind]

    def to_json(self) -> dict[str, Any]:
        """Without what it does not have."""
        return {name: value for name, value in vars(self).items() if value is not None}


class Session:
    """The folder of one session."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.id, self.touched = folder, folder.name, -math.inf
        self.assets: dict[str, Asset] = {}  # those that were asked for
        self.counter = max((int(name[:8]) for name in self._names("jobs") + self._names("results")), default=0)

    def _names(self, part: str) -> list[str]:
        found = (path.name.removesuffix(".json") for path in visible(self.folder / part))
        return [name for name in found if JOB.match(name)]

    @property
    def last_used(self) -> float:
        """Time when it was last used, seconds since 1970."""
        return (self.folder / "session.json").stat().st_mtime

    def touch(self) -> None:
        """Note that it is used, to the second."""
        if time.monotonic() - self.touched < 1:
            return
        self.touched = time.monotonic()
        with contextlib.suppress(OSError):  # only its age would be wrong
            os.utime(self.folder / "session.json")

    def new_id(self) -> str:
        """For a job and its result; later ones sort later."""
        self.counter += 1
        return f"{self.counter:08d}-{secrets.token_hex(4)}"

    def add_asset(self, content: bytes, kind: str, **facts: Any) -> Asset:
        """Keep a file that we encoded."""
        asset = Asset(hashlib.sha256(content).hexdigest(), kind, **facts)
        place = self.folder / "assets" / asset.file
        note = place.with_suffix(".about")
        text = json.dumps(asset.to_json())
        with on_disk():
            write_atomically(
                {
                    place: lambda path: path.write_bytes(content),
                    note: lambda path: path.write_text(text, encoding="utf-8"),
                }
            )
        self.assets[asset.id] = asset
        return asset

    def asset(self, name: str) -> Asset | None:
        """An asset by its id, if the session has it."""
        if name in self.assets or not SHA.match(name):
            return self.assets.get(name)
        with contextlib.suppress(LimnerError, ValueError, TypeError):
            self.assets[name] = Asset(**read_json(self.folder / "assets" / f"{name}.about"))
        return self.assets.get(name)

    def asset_path(self, asset: Asset) -> Path:
        """Its file."""
        return self.folder / "assets" / asset.file

    def trim_assets(self, most: int = 400) -> None:
        """Forget the oldest assets beyond so many; results have copies of theirs."""
        notes = sorted(visible(self.folder / "assets", "*.about"), key=lambda path: path.stat().st_mtime)
        needed = json.dumps(self.jobs())
        for note in notes[: max(0, len(notes) - most)]:
            if note.stem not in needed:
                self.assets.pop(note.stem, None)
                for path in (self.folder / "assets").glob(f"{note.stem}.*"):
                    path.unlink(missing_ok=True)

    def write_job(self, record: dict[str, Any]) -> None:
        """Keep a job until it has ended."""
        with on_disk():
            write_text_atomically(self.folder / "jobs" / f"{record['id']}.json", json.dumps(record))

    def jobs(self) -> list[dict[str, Any]]:
        """The jobs that were not done when the server ended, the oldest first."""
        found = []
        for path in visible(self.folder / "jobs", "*.json"):
            try:
                found.append(dict(read_json(path)))
            except (LimnerError, ValueError, TypeError):
                path.unlink(missing_ok=True)
        return found

    def end_job(self, name: str) -> None:
        """Forget a job that has ended."""
        (self.folder / "jobs" / f"{name}.json").unlink(missing_ok=True)

    def result_folder(self, name: str) -> Path:
        """Where a result lies or will lie."""
        return self.folder / "results" / name

    def result(self, name: str) -> dict[str, Any] | None:
        """What is known of a complete result."""
        if not JOB.match(name):
            return None
        try:
            return dict(read_json(self.result_folder(name) / "about.json"))
        except (LimnerError, ValueError, TypeError):
            return None

    def results(self) -> list[str]:
        """Ids of the complete results, the newest first."""
        names = self._names("results")
        return sorted((name for name in names if (self.result_folder(name) / "about.json").is_file()), reverse=True)

    def complete_result(self, about: Mapping[str, Any]) -> None:
        """From now on it is one."""
        with on_disk():
            write_text_atomically(self.result_folder(about["id"]) / "about.json", json.dumps(about))

    def delete_result(self, name: str) -> None:
        """Remove a result."""
        shutil.rmtree(self.result_folder(name), ignore_errors=True)

    def trim_results(self, most: int, most_bytes: int) -> list[str]:
        """Remove the oldest results beyond a number or a size.

        Returns:
            The ids of those that left.
        """
        kept, used, gone = 0, 0, []
        for name in self.results():
            size = sum(path.stat().st_size for path in self.result_folder(name).rglob("*") if path.is_file())
            kept, used = kept + 1, used + size
            if kept > most or (used > most_bytes and kept > 1):
                self.delete_result(name)
                gone.append(name)
        return gone


class Workspace:
    """All sessions."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "sessions"
        with on_disk():
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.folder.chmod(0o700)
        self.open: dict[str, Session] = {}
        for path in self.folder.iterdir():
            if not ID.match(path.name):
                continue
            if (path / "session.json").is_file():
                self.open[path.name] = Session(path)
            else:  # what a worker wrote while its session was deleted
                shutil.rmtree(path, ignore_errors=True)

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self.open.values()))

    def new(self) -> Session:
        """A session with an id that nobody can guess."""
        path = self.folder / secrets.token_hex(16)
        try:
            with on_disk():
                path.mkdir(mode=0o700)
                for part in ("assets", "jobs", "results"):
                    (path / part).mkdir(mode=0o700)
                write_text_atomically(path / "session.json", json.dumps({"created": time.time()}))
        except DiskError:
            shutil.rmtree(path, ignore_errors=True)
            raise
        self.open[path.name] = Session(path)
        return self.open[path.name]

    def get(self, name: str | None) -> Session | None:
        """A session by its id."""
        return self.open.get(name or "")

    def remove(self, session: Session) -> None:
        """Delete a session with all it has."""
        self.open.pop(session.id, None)
        shutil.rmtree(session.folder, ignore_errors=True)

    def idle(self, days: float, busy: set[str]) -> list[Session]:
        """Sessions that nobody used for so many days, without those that are busy."""
        before = time.time() - days * 86_400
        return [session for session in self if session.id not in busy and session.last_used < before]
