"""What the studio allows: every limit in one place, shown by `/about`. No torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from limner.errors import ConfigError

LOOPBACK = ("127.0.0.1", "localhost", "::1")
LIMITS = {
    "workers": "processes that draw",
    "sessions": "sessions at most",
    "queued": "jobs that may wait in all",
    "queued_per_session": "jobs that may wait of one session",
    "preview_seconds": "that a preview may take",
    "kept_seconds": "that a kept job may take",
    "results_per_session": "results that are kept of one session; the oldest leave first",
    "bytes_per_session": "that its results may take",
    "session_days": "idle life of a session",
    "max_json_bytes": "of a request",
    "max_picture_bytes": "of an uploaded picture",
    "max_pixels": "of an uploaded picture, width times height",
    "max_side": "pixels of its width and of its height",
    "max_audio_bytes": "of an uploaded recording",
    "max_audio_seconds": "of an uploaded recording",
    "head_seconds": "within which the head of a request must come",
    "body_seconds": "within which its body must come",
    "body_bytes_per_second": "at least, of a body",
    "connections": "at once",
    "requests_per_second": "of one session",
}
"""Every number that the studio is bounded by and what it counts; each is an option, and `/about` shows all."""


@dataclass(frozen=True)
class Settings:
    """Options of `limner studio`.

    Attributes:
        workspace: folder of sessions.
        host: address to listen at.
        port: to listen at; 0: any that is free.
        token: that requests must show; none: not asked for.
        has_page: whether the page is served, beside the API.
        weights: name -> further weights folders.
        reports: folder of evaluation reports.
        device: where networks are.
        runtime: what runs them: "auto", "torch" or "onnx".
        workers: processes that draw.
        forget: whether everything is deleted at the end.
        allowed_hosts: further names that `Host` may have.
    """

    workspace: Path
    host: str = "127.0.0.1"
    port: int = 7860
    token: str | None = None
    has_page: bool = True
    weights: Mapping[str, Path] = field(default_factory=dict)
    reports: Path | None = None
    device: str = "auto"
    runtime: Literal["auto", "torch", "onnx"] = "auto"
    workers: int = 1
    forget: bool = False
    allowed_hosts: tuple[str, ...] = ()
    max_json_bytes: int = 2**20
    max_picture_bytes: int = 20 * 2**20
    max_audio_bytes: int = 20 * 2**20
    max_pixels: int = 24_000_000
    max_side: int = 8_192
    max_audio_seconds: int = 600
    head_seconds: float = 10.0
    body_seconds: float = 60.0
    body_bytes_per_second: float = 8_000.0
    preview_seconds: float = 30.0
    kept_seconds: float = 600.0
    queued_per_session: int = 8
    queued: int = 64
    sessions: int = 64
    results_per_session: int = 500
    bytes_per_session: int = 2**30
    session_days: float = 7.0
    connections: int = 256
    requests_per_second: float = 50.0

    def __post_init__(self) -> None:
        for name in LIMITS:
            value = getattr(self, name)
            least = 1 if isinstance(value, int) else 0
            if not (math.isfinite(value) and value >= least and value != 0):
                flag = name.replace("_", "-")
                raise ConfigError(f"--{flag} is {value}; it must be {'1 or more' if least else 'more than 0'}.")
        if not 0 <= self.port <= 65535:
            raise ConfigError(f"--port is {self.port}; it must be from 0 (any that is free) to 65535.")
        if self.host not in LOOPBACK and not self.token:
            raise ConfigError(
                f"--host {self.host} can be reached by others: give a --token, or --token '' to have one made."
            )

    def limits(self) -> dict[str, Any]:
        """The numbers, for `/about`."""
        return {name: getattr(self, name) for name in LIMITS}
