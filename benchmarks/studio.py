"""The studio beside the pipeline that it serves: a stroke to its picture, the start, many clients, memory.

Protocol: `limner studio --no-browser` is started in an empty workspace; timed are its page and the first picture of a
first visitor (the start, the worker's torch and the loading of weights with it). Starts take turns with a new Python
that imports torch, so that their ratio holds on a busy machine, and of all ratios the median over the turns is taken,
each beside the call that was next to it. Then a stroke, a preview and `pipe()` take turns: a stroke is the upload of
the map as a PNG of 256 px, a preview of one picture, and the picture's download; a preview is its request alone, of a
map that was uploaded before; `pipe()` runs in a process of its own, which has loaded the same weights and draws from
the array; its threads wait as those of the worker do, and freed memory goes its usual way, where the worker keeps it. A
further `pipe()` takes turns, too, which keeps it as well. Then 32 clients, who paint at once, each waiting for its
picture before it sends the next map, and one client alone take turns. Resident memory is summed over the server, its
worker, and the processes beside them (the decoder of uploads, Python's own tracker), which share the libraries' pages:
PSS counts these once, RSS in every process. It is read after the first pictures, after the load, and after a kept
result of every operation named below, which leaves the three pipelines loaded that a worker holds. Targets are the
ratios of the specification.

    python benchmarks/studio.py
    python benchmarks/studio.py --quick
"""

from __future__ import annotations

import http.client
import io
import json
import multiprocessing
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from measure import alternate, milliseconds, new_parser, report, run_command, seconds_of, summary

from limner.cli.main import set_waiting

API = "/api/v1"
CLIENTS = 32
LOADS = 3
"""Turns of the many clients and the one."""
SIDE = 256
TARGETS = {"preview": 1.3, "many": 2.0, "page": 3.0, "picture": 15.0, "memory": 700e6, "map": 2048}


class Client:
    """One visitor with a connection that stays open."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        self.headers: dict[str, str] = {}
        self.headers["Limner-Session"] = self.json("POST", "/sessions")["id"]

    def raw(self, method: str, path: str, body: bytes | None = None, kind: str = "application/json") -> bytes:
        headers = {**self.headers, **({"Content-Type": kind} if body is not None else {})}
        try:
            self.connection.request(method, path, body, headers)
            answer = self.connection.getresponse()
        except (BrokenPipeError, ConnectionResetError, http.client.RemoteDisconnected):  # it was idle for too long
            self.connection.close()
            self.connection.request(method, path, body, headers)
            answer = self.connection.getresponse()
        content = answer.read()
        if answer.status >= 400:
            raise SystemExit(f"{method} {path} was answered {answer.status}: {content.decode(errors='replace')}")
        return content

    def json(self, method: str, path: str, body: Any = None) -> Any:
        return json.loads(self.raw(method, API + path, None if body is None else json.dumps(body).encode()))

    def upload(self, content: bytes) -> str:
        return str(json.loads(self.raw("POST", f"{API}/assets", content, "image/png"))["id"])

    def drawn(self, path: str, **body: Any) -> list[str]:
        """The addresses of the pictures of a job."""
        job = self.json("POST", f"/systems/{path}?wait=30", body)
        while job["state"] in ("queued", "running"):
            job = self.json("GET", f"/jobs/{job['id']}?wait=30")
        if job["state"] != "done":
            raise SystemExit(f"{path}: {job}")
        return list(job["result"]["images"])

    def stroke(self, content: bytes, seed: int, view: str = "") -> bytes:
        """A map to its picture."""
        pictures = self.drawn("scgan/generate", label_map=self.upload(content), seed=seed, view=view)
        return self.raw("GET", pictures[0])


def pipeline(connection: Connection, keeps: bool) -> None:
    """A process that draws what it is given, and says how long that took; `keeps`: its memory, as the worker does."""
    import limner
    from limner.studio.worker import keep_memory

    if keeps:
        keep_memory()
    pipe = limner.load("scgan")
    connection.send("ready")
    while (asked := connection.recv()) is not None:
        ids, seed = asked
        connection.send(seconds_of(lambda ids=ids, seed=seed: pipe(ids, schema="celebamask-19", seed=seed)))


def painted_maps(number: int) -> list[tuple[Any, bytes]]:
    """Maps of shipped people, each with one stroke of hair more; as ids and as the file that the page sends."""
    import numpy as np
    from PIL import Image

    from limner.data.image_io import save_label_map
    from limner.data.schema import get_schema
    from limner.people.gallery import ready

    schema, people, found = get_schema("celebamask-19"), ready("face"), []
    hair = list(schema.classes).index("hair")
    for place in range(number):
        ids = np.asarray(
            Image.fromarray(people[place % len(people)].label_map).resize((SIDE, SIDE), Image.NEAREST)
        ).copy()
        y, x = np.ogrid[:SIDE, :SIDE]
        ids[(y - 40 - place % 150) ** 2 + (x - 60) ** 2 < 400] = hair
        buffer = io.BytesIO()
        save_label_map(buffer, ids, schema)
        found.append((ids, buffer.getvalue()))
    return found


def memory(pid: int) -> dict[str, int]:
    """Bytes of a process and its children, by `/proc`."""
    found = {"Rss": 0, "Pss": 0}
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for one in (pid, *children):
        for line in Path(f"/proc/{one}/smaps_rollup").read_text().splitlines():
            name, _, rest = line.partition(":")
            if name in found:
                found[name] += 1024 * int(rest.split()[0])
    return found


def throughput(port: int, maps: list[tuple[Any, bytes]], *, clients: int, pictures: int) -> float:
    """Previews a second of so many clients."""
    visitors = [Client(port) for _ in range(clients)]

    def paint(number: int) -> None:
        for turn in range(pictures // clients):
            visitors[number].stroke(maps[(number + turn) % len(maps)][1], seed=turn, view=str(number))

    threads = [threading.Thread(target=paint, args=(number,)) for number in range(clients)]

    def together() -> None:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    passed = seconds_of(together)
    for visitor in visitors:
        visitor.raw("DELETE", f"{API}/sessions")
    return pictures / passed


def started(folder: str) -> tuple[subprocess.Popen[str], int, float]:
    """A server, its port, and the seconds until its page was there."""
    words = ["studio", "--no-browser", "--port", "0", "--workspace", folder, "--requests-per-second", "100000"]
    start = time.perf_counter()
    server = subprocess.Popen([sys.executable, "-u", "-m", "limner", *words], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    found = re.search(r":(\d+)/", server.stdout.readline())
    if found is None:
        server.wait()
        raise SystemExit("limner studio did not start.")
    page = http.client.HTTPConnection("127.0.0.1", int(found[1]), timeout=60)
    while True:  # the address is printed a moment before it is listened to
        try:
            page.request("GET", "/")
            break
        except ConnectionRefusedError:
            page.close()
            time.sleep(0.01)
    page.getresponse().read()
    page.close()
    return server, int(found[1]), time.perf_counter() - start


def starts(repeats: int) -> dict[str, list[float]]:
    """Seconds until the page is there, in turn with those of `import torch`."""

    def page() -> float:
        with tempfile.TemporaryDirectory() as folder:
            server, _, seconds = started(folder)
            server.terminate()
            server.wait()
        return seconds

    def torch() -> float:
        return run_command([sys.executable, "-c", "import torch"])[0]

    return alternate({"page": page, "torch": torch}, warmup=1, repeats=repeats)


def ratio(found: dict[str, list[float]], one: str, other: str) -> float:
    """Median over the turns."""
    return statistics.median(first / second for first, second in zip(found[one], found[other], strict=True))


def every_operation(client: Client) -> list[str]:
    """Keep a result of systems that are large; their names."""
    face = client.json("POST", "/people", {"kind": "face", "seed": 3})
    photo, label_map = face["photo"]["id"], face["label_map"]["id"]
    asked = {
        "maskface/stylize": {"label_map": label_map, "style": photo},
        "portrait/edit": {"photo": photo, "hair": photo},
        "lgcgan/age": {"photo": photo},
        "painter/paint": {"image": photo, "strokes": 50},
    }
    for path, body in asked.items():
        client.drawn(path, mode="keep", **body)
    return list(asked)


def measured(folder: str, options: Any) -> dict[str, Any]:
    """All numbers of a run."""
    maps = painted_maps(32)
    begun = starts(options.starts)
    numbers: dict[str, Any] = {
        "page": summary(begun["page"]),
        "page beside import torch": ratio(begun, "page", "torch"),
    }
    start = time.perf_counter()
    server, port, _ = started(folder)
    try:
        client = Client(port)
        client.stroke(maps[0][1], seed=0)
        numbers["picture"] = time.perf_counter() - start
        numbers["map_bytes"] = max(len(content) for _, content in maps)
        numbers.update(strokes(client, maps, options.repeats))
        numbers["memory"] = {"first pictures": memory(server.pid)}
        paint = {
            name: partial(throughput, port, maps, clients=clients, pictures=options.pictures)
            for name, clients in (("together", CLIENTS), ("alone", 1))
        }
        numbers.update(alternate(paint, warmup=0, repeats=LOADS))
        numbers["together beside alone"] = ratio(numbers, "together", "alone")
        numbers["memory"][f"{2 * LOADS * options.pictures} previews"] = memory(server.pid)
        names = ", ".join(every_operation(client))
        numbers["memory"][f"kept results of {names}"] = memory(server.pid)
    finally:
        server.terminate()
        server.wait()
    return numbers


def strokes(client: Client, maps: list[tuple[Any, bytes]], repeats: int) -> dict[str, Any]:
    """Times of a stroke and of `pipe()`, which took turns."""
    context = multiprocessing.get_context("spawn")
    drawers: dict[str, Connection] = {}
    for name in ("pipe", "keeping"):
        drawers[name], theirs = context.Pipe()
        context.Process(target=pipeline, args=(theirs, name == "keeping"), daemon=True).start()
        drawers[name].recv()
    turn = iter(range(10**6))

    def direct(name: str) -> float:
        number = next(turn)
        drawers[name].send((maps[number % len(maps)][0], number))
        return float(drawers[name].recv())

    def served() -> float:
        number = next(turn)
        return seconds_of(lambda: client.stroke(maps[number % len(maps)][1], seed=number))

    assets = [client.upload(content) for _, content in maps]

    def preview() -> float:
        number = next(turn)
        asked = {"label_map": assets[number % len(maps)], "seed": number}
        return seconds_of(lambda: client.drawn("scgan/generate", **asked))

    acts = {"stroke": served, "preview": preview, **{name: partial(direct, name) for name in drawers}}
    found = alternate(acts, warmup=3, repeats=repeats)
    for connection in drawers.values():
        connection.send(None)
    beside = {f"{name} beside pipe()": ratio(found, name, "pipe") for name in ("preview", "stroke")}
    beside["preview beside keeping"] = ratio(found, "preview", "keeping")
    return {name: summary(times) for name, times in found.items()} | beside


def main() -> None:
    parser = new_parser(__doc__)
    parser.add_argument("--repeats", type=int, default=40, metavar="N", help="strokes, each beside one pipe()")
    parser.add_argument("--starts", type=int, default=5, metavar="N", help="starts, each beside one import of torch")
    parser.add_argument("--pictures", type=int, default=320, metavar="N", help="previews of the clients in each turn")
    options = parser.parse_args()
    if options.quick:
        options.repeats, options.pictures, options.starts = 5, 64, 1
    if min(options.repeats, options.starts) < 1 or options.pictures < CLIENTS:
        parser.error(f"--repeats and --starts must be at least 1, --pictures at least {CLIENTS}")
    # As the command line has it for itself and its workers, so that `pipe()` waits for a busy machine as they do.
    set_waiting()
    with tempfile.TemporaryDirectory() as folder:
        numbers = measured(folder, options)
    report(
        "Studio",
        f"{options.repeats} strokes and as many calls of pipe() took turns; {options.pictures} previews of {CLIENTS} "
        f"clients and as many of one took turns, {LOADS} times.",
        tables(numbers),
        numbers,
        options,
        ratios={
            "a preview beside pipe()": numbers["preview beside pipe()"],
            f"previews of {CLIENTS} clients beside one": numbers["together beside alone"],
            "start to the page beside import torch": numbers["page beside import torch"],
        },
    )


def tables(numbers: dict[str, Any]) -> dict[str, list[dict[str, str]]]:
    """What is printed."""
    rows = []
    together, alone = (statistics.median(numbers[name]) for name in ("together", "alone"))
    for name, words, target in (
        ("pipe", "`pipe()`", ""),
        ("preview", "a preview of a map that is there, as a request", f"at most {TARGETS['preview']} times `pipe()`"),
        ("stroke", "a stroke to its picture: upload, preview, download", ""),
    ):
        least, median = numbers[name]["min"], numbers[name]["median"]
        rows.append((f"{words}, least / median", f"{milliseconds(least)} / {milliseconds(median)} ms", ""))
        if name != "pipe":
            rows.append(("beside `pipe()`, median of the turns", f"{numbers[f'{name} beside pipe()']:.2f}", target))
        if name == "preview":
            text = "beside `pipe()` in a process that keeps its memory as the worker does"
            rows.append((text, f"{numbers['preview beside keeping']:.2f}", ""))
    rows += [
        ("largest map of 256 px on the wire", f"{numbers['map_bytes']} bytes", f"at most {TARGETS['map']} bytes"),
        (f"previews a second, {CLIENTS} clients / one, medians", f"{together:.1f} / {alone:.1f}", ""),
        ("ratio, median of the turns", f"{numbers['together beside alone']:.2f}", f"at least {TARGETS['many']}"),
        ("start to page, median", f"{numbers['page']['median']:.1f} s", f"under {TARGETS['page']:.0f} s"),
        ("beside `import torch`, median of the turns", f"{numbers['page beside import torch']:.2f}", ""),
        ("start to first picture", f"{numbers['picture']:.1f} s", f"under {TARGETS['picture']:.0f} s"),
    ]
    used = [
        {"after": name, "RSS": f"{one['Rss'] / 1e6:.0f} MB", "PSS": f"{one['Pss'] / 1e6:.0f} MB"}
        for name, one in numbers["memory"].items()
    ]
    return {
        "Speed": [dict(zip(("what", "measured", "target"), row, strict=True)) for row in rows],
        f"Memory of server and one worker (target: under {TARGETS['memory'] / 1e6:.0f} MB)": used,
    }


if __name__ == "__main__":
    main()
