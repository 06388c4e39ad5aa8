"""Many clients at once; some leave, a worker is killed: nobody gets another's picture, no kept job is lost."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import threading
import time
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image

import limner
from tests.studio.server import API, ENDED, Server, ended, label_map_png, upload

pytest.importorskip("fastapi")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc"),
]
CLIENTS = int(os.environ.get("LIMNER_LOAD_CLIENTS", "32"))
SECONDS = float(os.environ.get("LIMNER_LOAD_SECONDS", "120"))
PATIENT = ("--queued", "1000", "--requests-per-second", "100000")


class Visitor(threading.Thread):
    """A client that paints, keeps every fourth picture, and, every third of them, goes away while it waits."""

    def __init__(self, server: Server, number: int, is_over: threading.Event) -> None:
        super().__init__(daemon=True)
        self.server, self.number, self.is_over = server, number, is_over
        self.statuses: list[int] = []
        self.kept: list[str] = []
        self.pictures: list[tuple[int, bytes]] = []
        self.states: list[str] = []
        self.fault: BaseException | None = None

    def run(self) -> None:
        try:
            with self.server.client() as client:
                self.session = str(client.headers["limner-session"])
                label_map = upload(client, label_map_png(32, mark=self.number))
                turn = 0
                while not self.is_over.is_set():
                    turn += 1
                    self.paint(client, label_map, turn)
        except BaseException as fault:
            self.fault = fault

    def paint(self, client: httpx.Client, label_map: str, turn: int) -> None:
        mode = "keep" if turn % 4 == 0 else "preview"
        leaves = self.number % 3 == 0 and turn % 2 == 1
        # What it leaves behind may come to the server late, and must not push out what it asks for next.
        view = "left behind" if leaves else "canvas"
        body = {"label_map": label_map, "seed": turn % 5, "mode": mode, "view": view}
        if leaves:
            with (
                contextlib.suppress(httpx.TimeoutException),
                httpx.Client(headers=client.headers, timeout=0.05) as hasty,
            ):
                hasty.post(f"{self.server.address}{API}/systems/scgan/generate?wait=30", json=body)
            return
        made = client.post(f"{API}/systems/scgan/generate", params={"wait": 30}, json=body)
        self.statuses.append(made.status_code)
        if made.status_code not in (200, 202):
            return
        job = made.json()
        if mode == "keep":
            self.kept.append(job["id"])
        if job["state"] not in ENDED:
            job = ended(client, job)
        self.states.append(job["state"])
        if job["state"] == "done":
            shown = client.get(job["result"]["images"][0])
            self.statuses.append(shown.status_code)
            self.pictures.append((turn % 5, shown.content))


def memory(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1])


def test_many_clients_at_once(tmp_path: Path, tiny_weights: Path, capsys: pytest.CaptureFixture[str]) -> None:
    weights = {"LIMNER_WEIGHTS": str(tiny_weights.parent)}
    with Server(tmp_path / "workspace", *PATIENT, environment=weights) as server:
        worker = server.children()[0]  # the other reads uploads
        is_over = threading.Event()
        visitors = [Visitor(server, number, is_over) for number in range(CLIENTS)]
        for visitor in visitors:
            visitor.start()
        time.sleep(SECONDS / 2)
        half = memory(server.process.pid)
        os.kill(worker, signal.SIGKILL)
        time.sleep(SECONDS / 2)
        is_over.set()
        for visitor in visitors:
            visitor.join(timeout=300)
            assert not visitor.is_alive() and visitor.fault is None, visitor.fault
        end = memory(server.process.pid)
        lost = [state for visitor in visitors for state in visitor.states if state != "done"]
        assert lost in ([], ["failed"]), "a killed worker costs the one job that it was at"
        statuses = [status for visitor in visitors for status in visitor.statuses]
        assert max(statuses) < 500 and min(statuses) == 200, sorted(set(statuses))
        missing = 0
        for visitor in visitors:
            with server.client(visitor.session) as client:
                for name in visitor.kept:
                    missing += client.get(f"{API}/results/{name}").status_code != 200
        assert missing <= len(lost), "every kept job has its result"
        check_pictures(visitors, tiny_weights)
        assert end <= half * 1.05 + 4_000, f"the server grew from {half} to {end} kB"
        count = sum(len(visitor.pictures) for visitor in visitors)
        with capsys.disabled():
            print(
                f"\n{CLIENTS} clients, {SECONDS:g} s: {count} pictures, server {half} kB at half time, {end} at the end"
            )


def check_pictures(visitors: list[Visitor], weights: Path) -> None:
    """Every picture is that of the client's own map and seed, up to the rounding of a batch (one grey level)."""
    pipe = limner.load(str(weights))
    compared = 0
    for visitor in visitors:
        ids = np.asarray(Image.open(io.BytesIO(label_map_png(32, mark=visitor.number))))
        wanted = [np.asarray(pipe(ids, schema="celebamask-19", seed=seed).images[0], np.int16) for seed in range(5)]
        for seed, content in visitor.pictures:
            found = np.asarray(Image.open(io.BytesIO(content)), np.int16)
            assert np.abs(found - wanted[seed]).max() <= 1, (visitor.number, seed)
            compared += 1
        others = [np.abs(one - wanted[0]).max() for one in wanted[1:]]
        assert min(others) > 1  # so that a picture of another seed would be seen
    assert compared > len(visitors)
