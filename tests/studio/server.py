"""`limner studio` as a process of its own, and what its suites ask of it."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image

from limner.data.image_io import save_label_map
from limner.data.schema import get_schema

API = "/api/v1"
ENDED = ("done", "failed", "cancelled", "timed_out", "superseded")


class Server:
    """A running server; for `with`.

    Args:
        workspace: its folder.
        options: further words of the command.
        environment: further variables; `LIMNER_WEIGHTS` chooses weights.
        file_bytes: where every file that it writes ends, as on a full disk.
        has_page: whether it serves the page as well.
    """

    def __init__(
        self,
        workspace: Path,
        *options: str,
        environment: Mapping[str, str] | None = None,
        file_bytes: int | None = None,
        has_page: bool = False,
    ) -> None:
        page = "--no-browser" if has_page else "--no-ui"
        command = [sys.executable, "-u", "-m", "limner", "studio", page, "--port", "0"]
        self.log = workspace.with_name(workspace.name + ".log")
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [*command, "--workspace", str(workspace), *options],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, **(environment or {})},
                preexec_fn=None if file_bytes is None else lambda: _end_files_at(file_bytes),
            )
        assert self.process.stdout is not None
        first = self.process.stdout.readline()
        found = re.search(r"http://[^\s#]+", first)
        assert found is not None, first + self.log.read_text(encoding="utf-8")
        self.address = found[0].rstrip("/")
        self.host, _, port = self.address.removeprefix("http://").rpartition(":")
        self.port = int(port)
        until(lambda: self.is_up())

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def is_up(self) -> bool:
        """Whether it draws."""
        try:
            return bool(httpx.get(f"{self.address}/healthz").json()["ready"])
        except httpx.HTTPError:
            return False

    def client(self, session: str | None = None) -> httpx.Client:
        """A client of the session, else of a new one."""
        name = session or httpx.post(f"{self.address}{API}/sessions").json()["id"]
        return httpx.Client(base_url=self.address, timeout=60, headers={"limner-session": name})

    def children(self) -> list[int]:
        """Its processes: workers, and the one that decodes uploads once there was one."""
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(one) for one in listed if b"spawn_main" in _words(int(one))]

    def stop(self) -> None:
        """End it as Ctrl-C does."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()

    def kill(self) -> None:
        """End it as a loss of power does."""
        self.process.kill()
        self.stop()


def _end_files_at(number: int) -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (number, number))


def _words(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def until(holds: Callable[[], bool], seconds: float = 1800) -> None:
    """Wait for something that happens by itself; the time only ends what hangs."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def label_map_png(size: int = 32, mark: int = 0) -> bytes:
    """A label map of CelebAMask-HQ; maps with other marks show other classes."""
    ids = np.zeros((size, size), np.uint8)
    ids[size // 4 : -size // 4, size // 4 : -size // 4] = 1 + mark % 18
    buffer = io.BytesIO()
    save_label_map(buffer, ids, get_schema("celebamask-19"))
    return buffer.getvalue()


def photo_png(size: int = 48) -> bytes:
    """A picture of two ramps."""
    ramp = np.linspace(0, 255, size, dtype=np.uint8)
    pixels = np.stack([np.tile(ramp, (size, 1)), np.tile(ramp[:, None], (1, size)), np.full((size, size), 90)], -1)
    return png(pixels.astype(np.uint8))


def png(pixels: np.ndarray) -> bytes:
    """A picture as a file."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def upload(client: httpx.Client, content: bytes, media: str = "image/png", **query: str) -> str:
    """The id of an uploaded file."""
    made = client.post(f"{API}/assets", params=query, content=content, headers={"content-type": media})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def ask(client: httpx.Client, path: str, wait: int = 0, **body: Any) -> dict[str, Any]:
    """A job that was taken."""
    made = client.post(f"{API}/systems/{path}", params={"wait": wait}, json=body)
    assert made.status_code in (200, 202), made.text
    return dict(made.json())


def ended(client: httpx.Client, job: Mapping[str, Any]) -> dict[str, Any]:
    """The job once it has ended."""
    for _ in range(20):
        found: dict[str, Any] = client.get(f"{API}/jobs/{job['id']}", params={"wait": 30}).json()
        if found["state"] in ENDED:
            return found
    raise AssertionError(found)
