"""The start: the page is served before anything large is imported. Counted are imports and reads, never time."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from limner import hub, registry
from limner.errors import MissingExtraError
from limner.optional import check_installed

from ...terminal import ctrl_c, in_a_terminal

pytest.importorskip("fastapi")
LARGE = ("fastapi", "starlette", "pydantic", "numpy", "PIL", "torch", "limner.data.spec", "limner.systems.scgan.studio")
PROGRAM = """
import asyncio, json, pathlib, sys
import limner.cli.studio, uvicorn
from limner.studio.front import Front
from limner.studio.settings import Settings

front, answers, large = Front(Settings(workspace=pathlib.Path(sys.argv[1]))), [], sys.argv[2:]

async def get(path):
    async def send(message):
        answers.append(message.get("status"))
    async def receive():
        return {"type": "http.request"}
    head = [(b"host", b"127.0.0.1:7860")]
    await front({"type": "http", "method": "GET", "path": path, "headers": head}, receive, send)
    return [name for name in large if name in sys.modules]

page = asyncio.run(get("/")) + asyncio.run(get("/static/ui/app.js"))
health = asyncio.run(get("/healthz"))
print(json.dumps({"page": page, "health": health, "answers": answers}))
"""


def test_the_page_is_there_before_anything_large(tmp_path: Path, python: Any) -> None:
    done = python("-c", PROGRAM, str(tmp_path), *LARGE)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["page"] == [] and found["answers"][:4] == [200, None, 200, None]
    # The API's, all of it; what draws is in the workers, and what describes the API waits until it is asked.
    assert set(found["health"]) == set(LARGE) - {"torch", "fastapi", "pydantic"}


def test_workers_start_before_the_api_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from limner.studio.front import Front
    from limner.studio.settings import Settings

    front, order = Front(Settings(workspace=tmp_path)), []
    monkeypatch.setattr(front.studio, "start", lambda: order.append("workers"))
    monkeypatch.setattr(front, "_load", lambda: order.append("api"))

    async def prepare() -> None:
        order.append("reader of uploads")

    monkeypatch.setattr(front.studio, "prepare", prepare)
    messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

    async def receive() -> Any:
        if front.loading is not None:
            await front.loading
            for _ in range(5):  # whoever waited for the same goes on
                await asyncio.sleep(0)
        return next(messages)

    async def send(message: Any) -> None:
        order.append(message["type"])

    asyncio.run(front({"type": "lifespan"}, receive, send))
    assert order == [
        *("workers", "lifespan.startup.complete"),
        *("api", "reader of uploads", "lifespan.shutdown.complete"),
    ]


def test_it_listens_before_it_says_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import uvicorn

    from limner.cli.studio import main

    reached = []

    def run(server: uvicorn.Server, sockets: list[socket.socket]) -> None:
        port = int(re.findall(r"http://127.0.0.1:(\d+)/", capsys.readouterr().out)[0])
        with socket.create_connection(("127.0.0.1", port)) as client:
            reached.append((client.getpeername()[1], server.config.port, sockets[0].proto))

    monkeypatch.setattr(uvicorn.Server, "run", run)
    assert main(["--no-browser", "--port", "0", "--workspace", str(tmp_path)]) == 0
    ((port, told, protocol),) = reached
    assert port == told > 0
    assert protocol == socket.IPPROTO_TCP  # asyncio sets TCP_NODELAY by it, without which every answer takes 40 ms


def test_installed_packages_are_searched_once_however_many_weights_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A look at the entry points reads the metadata of every installed package."""
    from limner.studio.catalogue import Catalogue

    searched, read = [], []
    search, index = registry.entry_points, hub.read_index

    def entry_points(**about: Any) -> Any:
        searched.append(about)
        return search(**about)

    def read_index(path: Path) -> Any:
        read.append(path)
        return index(path)

    monkeypatch.setattr(registry, "entry_points", entry_points)
    monkeypatch.setattr(hub, "read_index", read_index)
    found = Catalogue()
    assert len(found.places) > 8  # those that ship
    assert len(searched) == 1 and len(read) <= 2 * len(found.places)


def test_a_package_that_is_missing_is_named_without_an_import() -> None:
    check_installed("fastapi", extra="studio")
    with pytest.raises(MissingExtraError, match=r'"nothing_of_this_name".*pip install "limner\[studio\]"'):
        check_installed("nothing_of_this_name", extra="studio")


def test_the_runtime_is_an_option(tmp_path: Path) -> None:
    from limner.cli.common import new_parser
    from limner.cli.studio import _settings, add_options

    parser = new_parser("studio", "")
    add_options(parser)
    for words, expected in ((["--runtime", "onnx"], "onnx"), ([], "auto")):
        options = parser.parse_args(["--workspace", str(tmp_path), *words])
        assert _settings(options, port=1).runtime == expected


@pytest.mark.slow
def test_ctrl_c_is_the_normal_end(tmp_path: Path, root: Path) -> None:
    """A terminal sends it to the workers and to the process that reads uploads, too."""
    words = ["studio", "--no-browser", "--port", "0", "--workspace", str(tmp_path / "workspace")]
    process = in_a_terminal(words, root)
    assert process.stdout is not None
    address = re.search(r"http://[^\s#]+", process.stdout.readline())
    assert address is not None
    with urllib.request.urlopen(f"{address[0]}healthz", timeout=300):  # answers when the processes are started
        ctrl_c(process)
    text, error = process.communicate(timeout=300)
    assert (process.returncode, error) == (0, "")
    assert text.splitlines()[-1] == "Limner studio: stopped."
