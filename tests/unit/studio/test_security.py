"""Every refusal at the door, in one sentence and with its status."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from limner.errors import ConfigError
from limner.studio.security import Guard
from limner.studio.settings import LIMITS, Settings

SESSION = "0" * 32


async def inside(scope: Any, receive: Any, send: Any) -> None:
    """An application that reads its body and says how long it was."""
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(size).encode()})


def ask(
    settings: Settings,
    headers: dict[str, str],
    *,
    method: str = "GET",
    path: str = "/api/v1/systems",
    body: list[bytes] | None = None,
    guard: Guard | None = None,
) -> tuple[int, dict[str, str], bytes]:
    chunks = list(body or [b""])
    sent: list[Any] = []

    async def receive() -> Any:
        if not chunks:
            await asyncio.sleep(3600)
        return {"type": "http.request", "body": chunks.pop(0), "more_body": bool(chunks) or body == [b"slow"]}

    async def send(message: Any) -> None:
        sent.append(message)

    head = [(name.lower().encode(), value.encode()) for name, value in {"host": "127.0.0.1:7860", **headers}.items()]
    scope = {"type": "http", "method": method, "path": path, "headers": head, "client": ("127.0.0.1", 1)}
    asyncio.run((guard or Guard(inside, settings))(scope, receive, send))
    found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], found, sent[1]["body"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(workspace=tmp_path)


@pytest.mark.parametrize(
    "status, method, headers",
    [
        (200, "GET", {}),
        (200, "GET", {"host": "localhost:7860"}),
        (200, "GET", {"host": "[::1]:7860"}),
        (403, "GET", {"host": "evil.test"}),
        (403, "GET", {"host": "evil.test:7860"}),
        (403, "GET", {"host": "127.0.0.1:1"}),
        (403, "GET", {"host": ""}),
        (200, "POST", {"content-type": "application/json"}),
        (200, "POST", {"origin": "http://127.0.0.1:7860", "content-type": "application/json"}),
        (403, "POST", {"origin": "null"}),
        (403, "POST", {"origin": "http://evil.test"}),
        (403, "POST", {"origin": "http://127.0.0.1:8000"}),
        (403, "DELETE", {"sec-fetch-site": "cross-site"}),
        (403, "DELETE", {"sec-fetch-site": "same-site"}),
        (415, "POST", {"content-type": "text/plain;charset=UTF-8"}),
        (415, "POST", {"content-type": "multipart/form-data; boundary=x"}),
        (415, "POST", {"content-type": "application/x-www-form-urlencoded"}),
        (413, "POST", {"content-type": "application/json", "content-length": "99999999"}),
    ],
)
def test_who_may_come_in(settings: Settings, status: int, method: str, headers: dict[str, str]) -> None:
    found, answered, body = ask(settings, headers, method=method)
    assert found == status
    assert (
        "default-src 'none'" in answered["content-security-policy"] and answered["x-content-type-options"] == "nosniff"
    )
    if status != 200:
        problem = json.loads(body)
        assert problem["status"] == status and problem["detail"].endswith(".") and "\n" not in problem["detail"]
        assert answered["content-type"] == "application/problem+json"


def test_a_body_without_a_length_is_counted(settings: Settings) -> None:
    headers = {"content-type": "application/json"}
    chunk = bytes(2**18)
    assert ask(settings, headers, method="POST", body=[chunk] * 4)[0] == 200
    assert ask(settings, headers, method="POST", body=[chunk] * 5)[0] == 413


def test_pictures_may_be_larger_than_json_only_where_they_belong(settings: Settings) -> None:
    headers = {"content-type": "image/png", "content-length": str(2**22)}
    chunks = [bytes(2**20)] * 4
    assert ask(settings, headers, method="POST", path="/api/v1/assets", body=chunks)[0] == 200
    assert ask(settings, headers, method="POST", path="/api/v1/people", body=chunks)[0] == 413


def test_a_slow_body_is_refused(tmp_path: Path) -> None:
    settings = Settings(workspace=tmp_path, head_seconds=0.05)
    assert ask(settings, {"content-type": "application/json"}, method="POST", body=[b"slow"])[0] == 408


def test_too_many_requests_of_one_session(tmp_path: Path) -> None:
    settings = Settings(workspace=tmp_path, requests_per_second=0.001)
    guard = Guard(inside, Settings(workspace=tmp_path, requests_per_second=1))
    guard.settings = settings
    assert ask(settings, {"limner-session": SESSION}, guard=guard)[0] == 429  # less than one request is left
    status, headers, _ = ask(settings, {"limner-session": SESSION}, guard=guard)
    assert status == 429 and headers["retry-after"] == "1"
    assert ask(settings, {"limner-session": SESSION}, guard=guard, path="/healthz")[0] == 200


@pytest.mark.parametrize(
    "headers, status",
    [
        ({}, 403),
        ({"authorization": "Bearer wrong"}, 403),
        ({"authorization": "Bearer secret"}, 200),
        ({"cookie": "limner_token=secret"}, 200),
        ({"cookie": "limner_token=secre"}, 403),
    ],
)
def test_a_token_is_asked_for(tmp_path: Path, headers: dict[str, str], status: int) -> None:
    settings = Settings(workspace=tmp_path, host="0.0.0.0", token="secret")
    assert ask(settings, {"host": "192.168.1.2:7860", **headers})[0] == status
    assert ask(settings, {"host": "192.168.1.2:7860"}, path="/static/ui/app.js")[0] == 200


def test_another_host_needs_a_token(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--token"):
        Settings(workspace=tmp_path, host="0.0.0.0")


@pytest.mark.parametrize(
    "host, status",
    [
        ("192.168.1.2:7860", 200),
        ("[fe80::1]:7860", 200),
        ("10.0.0.1", 200),
        ("localhost:7860", 200),
        ("studio.example:7860", 200),
        ("behind.example", 200),
        ("evil.test", 403),
        ("evil.test:7860", 403),
        ("192.168.1.2.evil.test:7860", 403),
        ("192.168.1.2:80", 403),
        ("1.2.3:7860", 403),
        ("", 403),
        (":7860", 403),
    ],
)
def test_names_of_the_server_in_a_network(tmp_path: Path, host: str, status: int) -> None:
    """A website may point its own name at our address, so the token does not make any name good."""
    names = ("studio.example", "behind.example")
    settings = Settings(workspace=tmp_path, host="0.0.0.0", token="secret", allowed_hosts=names)
    assert ask(settings, {"host": host, "authorization": "Bearer secret"})[0] == status


def test_a_fault_is_one_sentence_with_a_number(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise ZeroDivisionError("secret")

    status, headers, body = ask(settings, {}, guard=Guard(broken, settings))
    assert status == 500 and b"secret" not in body and headers["content-type"] == "application/problem+json"
    assert json.loads(body)["incident"] in caplog.text and "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("name", LIMITS)
def test_limits_are_positive(tmp_path: Path, name: str) -> None:
    for value in (0, -1, float("nan"), float("inf")):
        with pytest.raises(ConfigError, match=name.replace("_", "-")):
            Settings(workspace=tmp_path, **{name: value})


def test_a_small_body_is_read_before_its_request_is_refused(tmp_path: Path) -> None:
    """Closed over unread bytes, a connection is reset, and a client may never see why."""
    parts = [{"type": "http.request", "body": b"a", "more_body": True}, {"type": "http.request", "body": b"b"}]
    order: list[str] = []

    async def receive() -> Any:
        order.append("read")
        return parts.pop(0)

    async def send(message: Any) -> None:
        order.append(str(message.get("status", "body")))

    head = [(b"host", b"127.0.0.1:7860"), (b"content-type", b"text/plain"), (b"content-length", b"2")]
    scope = {"type": "http", "method": "POST", "path": "/api/v1/people", "headers": head, "client": ("127.0.0.1", 1)}
    guard = Guard(inside, Settings(workspace=tmp_path))
    asyncio.run(guard(scope, receive, send))
    assert order == ["read", "read", "415", "body"]
    order.clear()
    scope["headers"] = [*head[:2], (b"content-length", b"999999")]
    asyncio.run(guard(scope, receive, send))  # a large one is not waited for
    assert order == ["415", "body"]
