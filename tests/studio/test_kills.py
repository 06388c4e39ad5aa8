"""What is lost when a process is killed, the disk is full, a client leaves, or two tabs are open: a real server."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.studio.server import API, Server, ask, ended, label_map_png, photo_png, png, until, upload

pytest.importorskip("fastapi")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.weights,
    pytest.mark.skipif(sys.platform != "linux", reason="processes are looked up in /proc"),
]
LONG = 2_000
"""Strokes of a painting that is certainly not done when it is seen to be drawn."""


def state(client: Any, job: Any) -> str:
    return str(client.get(f"{API}/jobs/{job['id']}").json()["state"])


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@contextlib.contextmanager
def stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("studio") / "workspace") as found:
        yield found


def test_a_killed_worker_costs_its_job_and_the_next_is_drawn(tmp_path: Path) -> None:
    with Server(tmp_path / "workspace") as server:
        worker = server.children()[0]  # the other reads uploads
        client = server.client()
        photo = upload(client, photo_png())
        long = ask(client, "painter/paint", mode="keep", image=photo, strokes=LONG)
        after = ask(client, "painter/paint", mode="keep", image=photo, strokes=5)
        until(lambda: state(client, long) == "running")
        os.kill(worker, signal.SIGKILL)
        lost = ended(client, long)
        assert lost["state"] == "failed" and lost["error"]["status"] == 503
        assert lost["error"]["detail"].endswith(".") and "\n" not in lost["error"]["detail"]
        assert ended(client, after)["state"] == "done"
        assert [one["id"] for one in client.get(f"{API}/results").json()] == [after["id"]]
        assert worker not in server.children()


def test_kept_jobs_survive_a_killed_server(tmp_path: Path) -> None:
    server = Server(tmp_path / "workspace")
    try:
        worker = server.children()[0]  # the other reads uploads
        client = server.client()
        photo, label_map = upload(client, photo_png()), upload(client, label_map_png(64))
        running = ask(client, "painter/paint", mode="keep", name="running", image=photo, strokes=300)
        queued = ask(client, "scgan/generate", mode="keep", name="queued", label_map=label_map, seed=5, num_images=2)
        until(lambda: state(client, running) == "running")
        with stopped(worker):  # so that neither is done when the server is killed
            seen = {job["id"]: state(client, job) for job in (running, queued)}
            preview = ask(client, "scgan/generate", label_map=label_map)
            processes = server.children()
            server.kill()
        assert seen == {running["id"]: "running", queued["id"]: "queued"}
        assert len(processes) == 2  # the worker, and the decoder of uploads
        until(lambda: not any(map(is_alive, processes)))  # they work for nobody
    finally:
        server.kill()
    with Server(tmp_path / "workspace") as again:
        client = again.client(str(client.headers["limner-session"]))
        for job, count in ((running, 1), (queued, 2)):
            assert ended(client, job)["state"] == "done"
            result = client.get(f"{API}/results/{job['id']}").json()
            assert result["name"] == job["name"] and len(result["images"]) == count
        assert client.get(f"{API}/jobs/{preview['id']}").status_code == 404
        assert len(client.get(f"{API}/results").json()) == 2
        # What was interrupted is what an uninterrupted job gives.
        other = ended(client, ask(client, "painter/paint", mode="keep", image=photo, strokes=300))
        pictures = [client.get(f"{API}/results/{job['id']}/images/0.png").content for job in (running, other)]
        assert pictures[0] == pictures[1]
        folder = next((tmp_path / "workspace" / "sessions").iterdir())
        assert list((folder / "jobs").iterdir()) == []


def test_a_full_disk_is_said_in_one_sentence(tmp_path: Path) -> None:
    """Files end at 3,000 bytes for this server and its worker: maps and jobs fit, pictures do not."""
    with Server(tmp_path / "workspace", file_bytes=3_000) as server:
        client = server.client()
        label_map = upload(client, label_map_png(32))
        noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
        refused = client.post(f"{API}/assets", content=png(noise), headers={"content-type": "image/png"})
        assert refused.status_code == 503 and "make room" in refused.json()["detail"], refused.text
        job = ended(client, ask(client, "scgan/generate", mode="keep", label_map=label_map))
        assert job["state"] == "failed" and job["error"]["status"] == 503
        for text in (refused.text, json.dumps(job)):
            assert str(tmp_path) not in text
        assert (
            ended(client, ask(client, "scgan/generate", label_map=label_map))["state"] == "done"
        )  # memory is not full
        assert client.get(f"{API}/results").json() == []
        folder = next((tmp_path / "workspace" / "sessions").iterdir())
        assert list((folder / "results").iterdir()) == list((folder / "jobs").iterdir()) == []
        assert len(list((folder / "assets").iterdir())) == 2  # the map and what is known of it: no half files


def test_the_preview_of_a_client_that_has_gone_is_dropped_and_its_kept_job_goes_on(server: Server) -> None:
    client = server.client()
    label_map = upload(client, label_map_png())
    with stopped(server.children()[0]):
        busy = ask(client, "scgan/generate", label_map=label_map)
        connections = []
        for mode in ("preview", "keep"):
            body = json.dumps({"label_map": label_map, "mode": mode}).encode()
            head = (
                f"POST {API}/systems/scgan/generate?wait=30 HTTP/1.1\r\nhost: 127.0.0.1:{server.port}\r\n"
                f"content-type: application/json\r\nlimner-session: {client.headers['limner-session']}\r\n"
                f"content-length: {len(body)}\r\n\r\n"
            )
            connections.append(socket.create_connection((server.host, server.port)))
            connections[-1].sendall(head.encode() + body)
        until(lambda: len(client.get(f"{API}/jobs").json()) == 3)
        for connection in connections:
            connection.close()
        jobs = {(one["mode"], one["id"] == busy["id"]): one for one in client.get(f"{API}/jobs").json()}
        until(lambda: state(client, jobs["preview", False]) == "cancelled")
        assert state(client, jobs["keep", False]) == "queued"
    assert ended(client, jobs["keep", False])["state"] == "done"
    assert ended(client, jobs["preview", True])["state"] == "done"


def test_two_tabs_of_one_session(server: Server) -> None:
    """Each tab names its own view: their previews do not push each other out; both hear of all, either may cancel."""
    first = server.client()
    second = server.client(str(first.headers["limner-session"]))
    label_map = upload(first, label_map_png())
    with stopped(server.children()[0]):
        previews = [
            ask(tab, "scgan/generate", label_map=label_map, view=view, seed=seed)
            for seed, (tab, view) in enumerate([(first, "one"), (second, "two"), (first, "one"), (second, "two")] * 2)
        ]
        kept = ask(first, "scgan/generate", mode="keep", label_map=label_map)
        other = ask(second, "scgan/generate", mode="keep", label_map=label_map)
        assert second.delete(f"{API}/jobs/{other['id']}").json()["state"] == "cancelled"
        states = [state(first, job) for job in previews]
    # The first was with the worker already; of the others the newest of each view is left.
    assert states == ["queued", *["superseded"] * 5, "queued", "queued"]
    assert [ended(first, job)["state"] for job in (previews[0], *previews[-2:], kept)] == ["done"] * 4
    for tab in (first, second):
        assert [one["id"] for one in tab.get(f"{API}/results").json()] == [kept["id"]]
        text = tab.get(f"{API}/events", params={"seconds": 0, "limit": 100}, headers={"last-event-id": "0"}).text
        heard = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data:")]
        assert {job["id"] for job in (*previews, kept, other)} == {one["id"] for one in heard}


def test_the_server_itself_does_not_load_torch(server: Server) -> None:
    client = server.client()
    label_map = upload(client, label_map_png())
    assert ended(client, ask(client, "scgan/generate", mode="keep", label_map=label_map))["state"] == "done"
    assert client.post(f"{API}/people", json={"kind": "face", "seed": 1}).status_code == 201
    assert "libtorch" not in Path(f"/proc/{server.process.pid}/maps").read_text()
    assert "libtorch" in Path(f"/proc/{server.children()[0]}/maps").read_text()
