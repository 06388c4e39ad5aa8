"""What hostile clients send: each is refused in one sentence, nothing is written elsewhere, the studio lives on."""

from __future__ import annotations

import contextlib
import io
import json
import socket
import struct
import sys
import threading
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from tests.studio.server import API, Server, ask, ended, label_map_png, photo_png, png, until, upload

pytest.importorskip("fastapi")
pytestmark = pytest.mark.slow
OTHER = "0" * 32
FAST = ("--requests-per-second", "100000")  # a fast computer asks more often than a session may


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, tiny_weights: Path) -> Iterator[Server]:
    limits = ("--head-seconds", "5", "--body-seconds", "10", "--connections", "40", "--preview-seconds", "300", *FAST)
    place = tmp_path_factory.mktemp("studio") / "workspace"
    with Server(place, *limits, environment={"LIMNER_WEIGHTS": str(tiny_weights.parent)}) as found:
        yield found
        assert {path.name for path in place.parent.iterdir()} == {"workspace", "workspace.log"}
        assert {path.name for path in place.iterdir()} == {"sessions"}
        assert "Traceback" not in found.log.read_text(encoding="utf-8")


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    with server.client() as found:
        yield found
        job = ask(found, "scgan/generate", label_map=upload(found, label_map_png()))  # it lives and draws
        assert ended(found, job)["state"] == "done"
        assert found.delete(f"{API}/sessions").status_code == 204


def refused(answer: httpx.Response, *statuses: int) -> dict[str, Any]:
    """The problem, in one sentence and without a path of the server."""
    assert answer.status_code in statuses, (answer.status_code, answer.text[:500])
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == answer.status_code and problem["title"] and problem["type"]
    detail = problem["detail"]
    assert "\n" not in detail and len(detail) < 600, detail
    assert detail.endswith((".", "?")) or "limner data convert" in detail, detail  # the command that mends it
    assert not any(word in detail for word in ("Traceback", "/tmp", "site-packages", "workspace/")), detail
    return problem


# Uploads


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def bomb(width: int, height: int) -> bytes:
    """A PNG whose head says one size, and whose few bytes unpack to it."""
    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes((width // 8 + 2) * min(height, 4000)), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def text_bomb() -> bytes:
    """A small picture with 200 MB of packed text beside it."""
    made = png(np.zeros((4, 4, 3), np.uint8))
    text = chunk(b"zTXt", b"limner:schema\0\0" + zlib.compress(b" " * 200_000_000, 9))
    return made[:33] + text + made[33:]


def polyglot() -> bytes:
    """A picture that is a web page and an archive, too."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("../../evil.txt", "evil")
    return png(np.full((4, 4, 3), 9, np.uint8)) + b"<script>alert(1)</script>" + packed.getvalue()


def deep_json() -> bytes:
    return b"[" * 100_000 + b"]" * 100_000


def wave(seconds: int) -> bytes:
    """Silence whose head says how long it is; few bytes follow."""
    size = seconds * 32_000
    head = (
        b"RIFF" + struct.pack("<I", 36 + size) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 16_000, 32_000, 2, 16)
    )
    return head + b"data" + struct.pack("<I", size) + bytes(32)


UPLOADS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "bomb of a billion pixels": ("image/png", lambda: bomb(32_768, 32_768)),
    "bomb within the sides": ("image/png", lambda: bomb(8_000, 8_000)),
    "a head of no size": ("image/png", lambda: bomb(0, 5)),
    "packed text": ("image/png", text_bomb),
    "nothing": ("image/png", lambda: b""),
    "half a picture": ("image/png", lambda: photo_png()[: len(photo_png()) // 2]),
    "SVG called PNG": ("image/png", lambda: b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>"),
    "PostScript called PNG": ("image/png", lambda: b"%!PS\n(/etc/passwd) (r) file"),
    "HTML called JPEG": ("image/jpeg", lambda: b"<html><script>alert(1)</script></html>"),
    "an archive called WebP": ("image/webp", lambda: polyglot()[-120:]),
    "a broken JPEG": ("image/jpeg", lambda: b"\xff\xd8\xff\xe0" + bytes(4_000)),
    "a picture called sound": ("audio/wav", photo_png),
    "sound of 30 hours": ("audio/wav", lambda: wave(100_000)),
    "noise called MP3": ("audio/mpeg", lambda: bytes(range(256)) * 40),
    "deep JSON": ("application/json", deep_json),
    "no JSON": ("application/json", lambda: b"\xff\xfe{"),
}


@pytest.mark.parametrize("case", UPLOADS)
def test_uploads_that_are_no_good(case: str, client: httpx.Client) -> None:
    media, content = UPLOADS[case]
    answer = client.post(f"{API}/assets", content=content(), headers={"content-type": media})
    if case == "sound of 30 hours" and answer.status_code == 201:
        assert (
            len(client.get(f"{API}/assets/{answer.json()['id']}").content) < 100_000
        )  # what was there, not what it said
        return
    refused(answer, 422, 501)


@pytest.mark.parametrize(
    "media", ["image/svg+xml", "text/html", "application/zip", "application/x-python", "", "image"]
)
def test_types_that_are_not_read(media: str, client: httpx.Client) -> None:
    headers = {"content-type": media} if media else {}
    refused(client.post(f"{API}/assets", content=photo_png(), headers=headers), 415)


@pytest.mark.parametrize("media", ["image/png", "audio/wav", "application/json"])
def test_huge_uploads_are_refused_before_they_are_read(media: str, client: httpx.Client, server: Server) -> None:
    head = (
        f"POST {API}/assets HTTP/1.1\r\nhost: {server.host}:{server.port}\r\ncontent-type: {media}\r\n"
        f"limner-session: {client.headers['limner-session']}\r\ncontent-length: 99000000000\r\n\r\n"
    )
    with socket.create_connection((server.host, server.port), timeout=30) as connection:
        connection.sendall(head.encode())
        assert connection.recv(65_536).startswith(b"HTTP/1.1 413 ")


def test_an_endless_body_is_cut_off(client: httpx.Client) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(100):
            yield bytes(2**20)

    with contextlib.suppress(httpx.TransportError):  # the connection may be closed while it is sent
        refused(client.post(f"{API}/assets", content=endless(), headers={"content-type": "image/png"}), 413)


def test_what_comes_back_is_a_picture_and_nothing_else(client: httpx.Client) -> None:
    name = upload(client, polyglot(), name="<script>.html")
    shown = client.get(f"{API}/assets/{name}")
    assert shown.headers["content-type"] == "image/png" and shown.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in shown.headers["content-security-policy"]
    assert b"script" not in shown.content and b"PK" not in shown.content
    assert np.asarray(Image.open(io.BytesIO(shown.content))).shape == (4, 4, 3)


def test_a_map_with_ids_that_the_schema_lacks(client: httpx.Client) -> None:
    buffer = io.BytesIO()
    Image.fromarray(np.full((16, 16), 200, np.uint8)).save(buffer, "PNG")
    asked = {"kind": "label_map", "schema": "celebamask-19", "name": "map.png"}
    answer = client.post(
        f"{API}/assets", params=asked, content=buffer.getvalue(), headers={"content-type": "image/png"}
    )
    assert "map.png" in refused(answer, 422)["detail"]


# Names


@pytest.mark.parametrize(
    "path",
    [
        "/../../../../etc/passwd",
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2f..%2fworker.py",
        "/static//etc/passwd",
        f"{API}/assets/..%2f..%2fsession.json",
        f"{API}/assets/%2fetc%2fpasswd",
        f"{API}/assets/" + "a" * 64,
        f"{API}/results/..",
        f"{API}/results/../../sessions",
        f"{API}/results/00000001-aaaaaaaa%2f..%2f..",
        f"{API}/results/00000001-aaaaaaaa/images/-1.png",
        f"{API}/results/00000001-aaaaaaaa/images/..%2fabout.json.png",
        f"{API}/jobs/%00",
        f"{API}/reports/..~..~pyproject.toml",
        f"{API}/reports/%2fetc%2fpasswd",
        f"{API}/systems/..%2f..",
    ],
)
def test_paths_lead_nowhere(path: str, client: httpx.Client, server: Server) -> None:
    """Sent as they stand: a client library would tidy them up."""
    head = (
        f"GET {path} HTTP/1.1\r\nhost: {server.host}:{server.port}\r\nconnection: close\r\n"
        f"limner-session: {client.headers['limner-session']}\r\n\r\n"
    )
    answer = exchange(server, head.encode())
    assert answer.split(b" ", 2)[1] in (b"400", b"404", b"405", b"422"), answer[:300]
    assert b"root:" not in answer and b"import" not in answer and b"application/problem+json" in answer


def exchange(server: Server, sent: bytes) -> bytes:
    found = b""
    with socket.create_connection((server.host, server.port), timeout=30) as connection:
        connection.sendall(sent)
        while block := connection.recv(65_536):
            found += block
    return found


@pytest.mark.parametrize(
    "weights", ["../../etc", "/etc/passwd", "https://evil.test/w", "scgan-people-64/../..", "~root"]
)
def test_weights_are_those_of_the_list(weights: str, client: httpx.Client) -> None:
    label_map = upload(client, label_map_png())
    answer = client.post(f"{API}/systems/scgan/generate", json={"label_map": label_map, "weights": weights})
    assert refused(answer, 422)["field"] == "weights"


def test_names_of_files_are_never_names_on_the_disk(client: httpx.Client, server: Server) -> None:
    name = "../../../../tmp/evil; rm -rf ~ `id` $(id)\r\nx: y.png"
    label_map = upload(client, label_map_png(), name=name)
    job = ended(client, ask(client, "scgan/generate", mode="keep", label_map=label_map, name=name))
    archive = client.get(f"{API}/results/{job['id']}/archive.zip")
    assert "\r" not in archive.headers["content-disposition"] and "evil" not in archive.headers["content-disposition"]
    names = zipfile.ZipFile(io.BytesIO(archive.content)).namelist()
    assert all(not one.startswith(("/", "..")) and ".." not in one for one in names)
    command = client.get(f"{API}/results/{job['id']}/command").json()["command"]
    assert "evil" not in command and "`" not in command


# Who asks


@pytest.mark.parametrize(
    "status, headers",
    [
        (403, {"host": "evil.test"}),
        (403, {"host": "evil.test:7860"}),
        (403, {"host": "localhost.evil.test"}),
        (403, {"origin": "null"}),
        (403, {"origin": "https://evil.test"}),
        (403, {"sec-fetch-site": "cross-site"}),
        (403, {"sec-fetch-site": "same-site"}),
        (415, {"content-type": "text/plain"}),
        (415, {"content-type": "multipart/form-data; boundary=x"}),
        (415, {"content-type": "application/x-www-form-urlencoded"}),
        (403, {"limner-session": OTHER}),
        (403, {"limner-session": "../" * 10}),
    ],
)
def test_who_may_not_ask(status: int, headers: dict[str, str], client: httpx.Client) -> None:
    sent = {"content-type": "application/json", **headers}
    refused(client.post(f"{API}/people", content=b"{}", headers=sent), status)


@pytest.mark.parametrize("method", ["OPTIONS", "PUT", "PATCH", "TRACE", "DELETE"])
def test_no_answer_lets_other_websites_in(method: str, client: httpx.Client) -> None:
    headers = {"access-control-request-method": "POST"}
    answer = client.request(method, f"{API}/systems", headers=headers)
    refused(answer, 405)
    assert not [name for name in answer.headers if name.startswith("access-control")]
    refused(client.request(method, f"{API}/systems", headers={"origin": "https://evil.test"}), 403)


def test_other_sessions_are_as_if_they_were_not(client: httpx.Client, server: Server) -> None:
    label_map = upload(client, label_map_png())
    job = ended(client, ask(client, "scgan/generate", mode="keep", label_map=label_map))
    with server.client() as other:
        for path in (
            f"/assets/{label_map}",
            f"/jobs/{job['id']}",
            f"/results/{job['id']}",
            f"/results/{job['id']}/images/0.png",
            f"/results/{job['id']}/archive.zip",
            f"/results/{job['id']}/command",
        ):
            refused(other.get(API + path), 404)
        refused(other.delete(f"{API}/results/{job['id']}"), 404)
        refused(other.delete(f"{API}/jobs/{job['id']}"), 404)
        refused(other.post(f"{API}/systems/scgan/generate", json={"label_map": label_map}), 422)
        assert other.get(f"{API}/jobs").json() == other.get(f"{API}/results").json() == []
    assert client.get(f"{API}/results/{job['id']}").status_code == 200


def test_tokens(tmp_path: Path, tiny_weights: Path) -> None:
    weights = {"LIMNER_WEIGHTS": str(tiny_weights.parent)}
    with Server(tmp_path / "w", "--host", "0.0.0.0", "--token", "secret", environment=weights) as server:
        address = f"http://127.0.0.1:{server.port}"
        for given in ("x", "secre", "secrets", "Bearer secret", "sécret"):
            sent = {"authorization": f"Bearer {given}".encode()}
            refused(httpx.get(f"{address}{API}/systems", headers=sent), 403)
            refused(httpx.post(f"{address}{API}/login", json={"token": given}), 403)
        refused(httpx.get(f"{address}{API}/systems?token=secret"), 403)  # never in a query
        half = b'{"token": "\\ud800"}'
        refused(httpx.post(f"{address}{API}/login", content=half, headers={"content-type": "application/json"}), 403)
        refused(httpx.get(f"{address}{API}/systems", headers={"host": "evil.test"}), 403)
        made = httpx.post(f"{address}{API}/login", json={"token": "secret"})
        assert made.status_code == 200 and "httponly" in made.headers["set-cookie"].lower()
        assert httpx.get(f"{address}{API}/systems", cookies=dict(made.cookies)).status_code == 200
        assert httpx.get(f"{address}/healthz").status_code == 200
        assert "secret" not in server.log.read_text(encoding="utf-8")


# Bodies, connections, races


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        b'{"seed": NaN}',
        b'{"seed": 1e999}',
        b'{"seed": ' + b"9" * 5_000 + b"}",
        b'{"label_map": {"$ref": "/etc/passwd"}}',
        b'{"__class__": 1}',
        b'{"mode": "keep", "mode": ["preview"]}',
        b'{"view": "' + b"v" * 10_000 + b'"}',
        b'{"attributes": ' + b'{"a":' * 2_000 + b"1" + b"}" * 2_000 + b"}",
        b"\x00\x01\x02",
        b'\xef\xbb\xbf{"seed": -1}',
    ],
)
def test_bodies_that_are_no_request(body: bytes, client: httpx.Client) -> None:
    headers = {"content-type": "application/json"}
    refused(client.post(f"{API}/systems/scgan/generate", content=body, headers=headers), 400, 422)


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01",
        b"GET " + b"a" * 70_000 + b" HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: localhost\r\n" + b"x: y\r\n" * 20_000 + b"\r\n",
        b"POST /api/v1/sessions HTTP/1.1\r\nhost: localhost\r\ncontent-length: -5\r\n\r\n",
        b"POST /api/v1/sessions HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n12345",
        b"POST /api/v1/sessions HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"GET http://evil.test/ HTTP/1.1\r\nhost: evil.test\r\nconnection: close\r\n\r\n",
    ],
    ids=["no host", "TLS", "long line", "many headers", "negative length", "two lengths", "no chunk", "proxy"],
)
def test_what_is_no_http(sent: bytes, client: httpx.Client, server: Server) -> None:
    try:
        answer = exchange(server, sent)
    except ConnectionError:  # closed while it was sent
        return
    assert answer.split(b" ", 2)[1][:1] == b"4" and b"application/problem+json" in answer


def test_slow_clients_are_closed(client: httpx.Client, server: Server) -> None:
    """Heads that do not end, bodies that trickle, connections that say nothing."""
    head = f"POST {API}/people HTTP/1.1\r\nhost: {server.host}:{server.port}\r\ncontent-type: application/json\r\n"
    session = f"limner-session: {client.headers['limner-session']}\r\n"
    sent = [b"", b"GET / HT", head.encode(), f"{head}{session}content-length: 500000\r\n\r\n{{".encode()]
    open_ones = [socket.create_connection((server.host, server.port), timeout=60) for _ in sent]
    for connection, content in zip(open_ones, sent, strict=True):
        connection.sendall(content)
    assert client.get("/healthz").status_code == 200  # meanwhile others are served
    answers = [connection.recv(65_536) for connection in open_ones]
    assert answers[:3] == [b"", b"", b""] and answers[3].startswith(b"HTTP/1.1 408 ")
    for connection in open_ones:
        connection.close()


def test_a_second_head_must_come_in_time_too(client: httpx.Client, server: Server) -> None:
    with socket.create_connection((server.host, server.port), timeout=60) as connection:
        connection.sendall(f"GET /healthz HTTP/1.1\r\nhost: localhost:{server.port}\r\n\r\n".encode())
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")
        connection.sendall(b"GET /healthz HT")
        while connection.recv(65_536):
            pass


def test_too_many_connections_are_told_so_in_json(client: httpx.Client, server: Server) -> None:
    idle = [socket.create_connection((server.host, server.port)) for _ in range(60)]
    try:
        refused(httpx.get(f"{server.address}/healthz", timeout=60), 503)
    finally:
        for connection in idle:
            connection.close()
    until(lambda: httpx.get(f"{server.address}/healthz").status_code == 200)


def test_quotas(client: httpx.Client) -> None:
    label_map = upload(client, label_map_png())
    made = [
        client.post(f"{API}/systems/scgan/generate", json={"label_map": label_map, "mode": "keep", "num_images": 16})
        for _ in range(30)
    ]
    statuses = {answer.status_code for answer in made}
    assert statuses <= {202, 200, 429}
    for answer in made:
        if answer.status_code == 429:
            refused(answer, 429)
            assert answer.headers["retry-after"]
        else:
            client.delete(f"{API}/jobs/{answer.json()['id']}")
    until(lambda: all(job["state"] not in ("queued", "running") for job in client.get(f"{API}/jobs").json()))


def test_cancelling_at_any_moment(client: httpx.Client) -> None:
    """Eight threads ask and cancel at once; every job has one end, and a cancelled one has no result."""
    label_map = upload(client, label_map_png())
    ends: list[str] = []

    def race(number: int) -> None:
        mode = "keep" if number % 2 else "preview"
        body = {"label_map": label_map, "mode": mode, "seed": number, "num_images": 4}
        with httpx.Client(base_url=client.base_url, headers=client.headers, timeout=60) as own:
            made = own.post(f"{API}/systems/scgan/generate", json=body)
            if made.status_code == 429:
                return
            job = made.json()["id"]
            for _ in range(number % 4):
                own.get(f"{API}/jobs/{job}")
            states = {own.delete(f"{API}/jobs/{job}").json()["state"] for _ in range(3)}
            assert len(states) == 1 and states <= {"cancelled", "done"}
            if states == {"cancelled"}:
                assert own.get(f"{API}/results/{job}").status_code == 404
            ends.append(states.pop())

    threads = [threading.Thread(target=race, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ends
    after = ended(client, ask(client, "scgan/generate", mode="keep", label_map=label_map))
    assert after["state"] == "done"
    kept = {one["id"] for one in client.get(f"{API}/results").json()}
    states = {one["id"]: one["state"] for one in client.get(f"{API}/jobs").json()}
    assert all(states[name] == "done" for name in kept)


def test_json_of_key_points_may_hold_anything_but_draws_nothing(client: httpx.Client) -> None:
    for content in (b"1", b'{"people": "x"}', json.dumps({"people": [{"pose_keypoints_2d": [1]}]}).encode()):
        name = upload(client, content, "application/json", kind="keypoints")
        answer = client.post(f"{API}/systems/scgan/generate", json={"label_map": name})
        assert refused(answer, 422)["field"] == "label_map"


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read in /proc")
def test_bombs_do_not_fill_the_memory(client: httpx.Client, server: Server) -> None:
    before = peak(server.process.pid)
    for content in (bomb(32_768, 32_768), text_bomb()):
        client.post(f"{API}/assets", content=content, headers={"content-type": "image/png"})
    assert peak(server.process.pid) - before < 50_000


def peak(pid: int) -> int:
    """Most memory that a process had so far, in kB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1])
