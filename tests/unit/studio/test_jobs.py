"""The queue with a real worker process and tiny random weights: turns, superseding, ends that stay, a lost worker.

A worker that is stopped (SIGSTOP) has its jobs and does nothing; so the order of what comes meanwhile is certain.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import io
import json
import logging
import multiprocessing
import os
import shutil
import signal
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import limner
from limner.cli.main import main
from limner.data.image_io import save_label_map
from limner.data.schema import get_schema
from limner.studio.jobs import Job, Jobs
from limner.studio.worker import Terminal, Work, Worker, png

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="processes cannot be stopped here")
ASSET = "a" * 64
MANY = 4_000
"""Pictures of a job that is certainly not done when its first progress is heard."""


class Bench:
    """A queue with one worker, and a list of what changed."""

    def __init__(self, label_map: Path, weights: Path, runtime: str = "auto") -> None:
        self.label_map, self.weights = label_map, weights
        self.runner = asyncio.Runner()
        self.changes: list[tuple[str, str]] = []
        self.ends: list[str] = []
        self.number = 0
        seconds = {"preview_seconds": 600, "kept_seconds": 600}
        self.jobs = Jobs(workers=1, device="cpu", runtime=runtime, **seconds, changed=self.changed)

    def changed(self, job: Job) -> None:
        if job.has_ended:
            self.ends.append(job.id)
        if (job.id, job.state) not in self.changes:
            self.changes.append((job.id, job.state))

    def job(self, session: str = "a", mode: str = "preview", view: str = "", **values: Any) -> Job:
        self.number += 1
        folder = str(self.label_map.parent / f"result-{self.number}") if mode == "keep" else None
        values = {"label_map": ASSET, "seed": self.number, **values}
        files = {ASSET: (str(self.label_map), "map.png")}
        work = Work(f"job-{self.number}", "scgan", "generate", str(self.weights), values, files, folder)
        return Job(work, f"{session}-{self.number if session == 'a' else 0}", mode, view=view)

    def submit(self, *jobs: Job) -> None:
        for job in jobs:
            self.jobs.submit(job)

    def in_state(self, state: str, *jobs: Job) -> list[Job]:
        """Those that were in a state, in that order."""
        by_id = {job.id: job for job in jobs}
        return [by_id[name] for name, found in self.changes if found == state and name in by_id]

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        pid = self.jobs.processes[0].process.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def run(self, test: Callable[[], Awaitable[None]]) -> None:
        async def whole() -> None:
            if not self.jobs.processes:
                self.jobs.start()
            await until(lambda: self.jobs.is_ready)
            await test()

        self.runner.run(whole())


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(1800):
        while not holds():
            await asyncio.sleep(0.005)


async def over(*jobs: Job) -> None:
    await until(lambda: all(job.has_ended for job in jobs))


@pytest.fixture(scope="module")
def bench(tiny_weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    ids = np.zeros((32, 32), np.uint8)
    ids[8:24, 8:24] = 1
    path = tmp_path_factory.mktemp("queue") / "map.png"
    save_label_map(path, ids, get_schema("celebamask-19"))
    found = Bench(path, tiny_weights)
    yield found
    found.runner.run(found.jobs.close())
    found.runner.close()


def test_sessions_take_turns(bench: Bench) -> None:
    async def test() -> None:
        first = bench.job("first")
        waiting = [bench.job(session) for session in ("x", "x", "x", "y", "z")]
        with bench.stopped():
            bench.submit(first, *waiting)
            assert [bench.jobs.position(job) for job in waiting] == [0, 1, 2, 3, 4]
        await over(first, *waiting)
        x1, x2, x3, y, z = waiting
        assert bench.in_state("running", first, *waiting) == [first, x1, y, z, x2, x3]
        assert {job.state for job in (first, *waiting)} == {"done"}

    bench.run(test)


def test_previews_go_before_kept_jobs_that_wait(bench: Bench) -> None:
    async def test() -> None:
        busy, kept, later = bench.job(mode="keep"), bench.job(mode="keep"), bench.job()
        with bench.stopped():
            bench.submit(busy, kept, later)
        await over(busy, kept, later)
        assert bench.in_state("running", kept, later) == [later, kept]

    bench.run(test)


def test_a_newer_preview_of_a_view_supersedes_those_that_wait(bench: Bench) -> None:
    async def test() -> None:
        first, second, third = (bench.job("canvas", view="canvas") for _ in range(3))
        other = bench.job("neighbour", view="canvas")
        with bench.stopped():
            bench.submit(first, other, second, third)
            states = [job.state for job in (first, other, second, third)]
            assert states == ["queued", "queued", "superseded", "queued"]  # the worker had the first one already
        await over(first, other, third)
        assert second.state == "superseded" and bench.in_state("running", second) == []
        assert first.pictures and other.pictures and third.pictures and not second.pictures

    bench.run(test)


def test_an_end_is_final_and_only_that_job_ends(bench: Bench) -> None:
    async def test() -> None:
        one, two, waiting = bench.job(), bench.job(mode="keep"), bench.job()
        with bench.stopped():
            bench.submit(one, two, waiting)
            for _ in range(2):
                bench.jobs.cancel(one)
                bench.jobs.cancel(waiting)
        await over(two)
        await until(lambda: not bench.jobs.processes[0].jobs)
        assert (one.state, waiting.state, two.state) == ("cancelled", "cancelled", "done")
        assert one.pictures == [] and bench.in_state("running", waiting) == []
        assert bench.ends.count(one.id) == bench.ends.count(waiting.id) == bench.ends.count(two.id) == 1

    bench.run(test)


def test_results_belong_to_ids_not_to_order(bench: Bench) -> None:
    """Six previews of three sessions are drawn in one pass; each gets the pictures of its own seed."""

    async def test() -> None:
        first = bench.job()
        jobs = [bench.job(session, seed=100 + n, num_images=1 + n % 2) for n, session in enumerate("uvwuvw")]
        with bench.stopped():
            bench.submit(first, *jobs)
        await over(*jobs)
        pipe = limner.load(str(bench.weights))
        for job in jobs:
            values = job.work.values
            wanted = pipe(str(bench.label_map), seed=values["seed"], num_images=values["num_images"]).images
            assert len(job.pictures) == len(wanted) == values["num_images"]
            for found, picture in zip(job.pictures, wanted, strict=True):
                shown = np.asarray(Image.open(io.BytesIO(found)), np.int16)
                # Batches round differently (measured: one grey level); another seed's picture is far away.
                assert np.abs(shown - np.asarray(picture, np.int16)).max() <= 1

    bench.run(test)


def test_a_killed_worker_costs_the_job_that_it_was_at_and_no_other(bench: Bench) -> None:
    async def test() -> None:
        long, after, preview = bench.job(mode="keep", num_images=MANY), bench.job(mode="keep"), bench.job()
        bench.submit(long)
        await until(lambda: 0 < long.progress < 1)
        old = bench.jobs.processes[0]
        with bench.stopped():
            bench.submit(after, preview)
            old.process.kill()
            await over(long)
        assert long.state == "failed" and long.problem is not None and long.problem["status"] == 503
        assert "ended" in long.problem["detail"] and long.problem["detail"].count(".") == 1
        await over(after, preview)
        assert after.state == preview.state == "done"
        assert bench.jobs.processes[0] is not old and not old.process.is_alive()

    bench.run(test)


def test_a_job_that_takes_too_long_is_timed_out_at_its_next_picture(bench: Bench) -> None:
    async def test() -> None:
        worker = bench.jobs.processes[0]
        long, after = bench.job(mode="keep", num_images=MANY), bench.job(mode="keep")
        usual, bench.jobs.seconds["keep"] = bench.jobs.seconds["keep"], 0.05
        try:
            bench.submit(long)
            await over(long)
        finally:
            bench.jobs.seconds["keep"] = usual
        assert long.state == "timed_out" and long.problem is not None and "more than" in long.problem["detail"]
        bench.submit(after)
        await over(after)
        assert after.state == "done" and bench.jobs.processes[0] is worker  # it went on

    bench.run(test)


def test_a_worker_that_does_not_end_its_job_is_replaced(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        monkeypatch.setattr("limner.studio.jobs.GRACE_SECONDS", 0.05)
        worker = bench.jobs.processes[0]
        hung, after = bench.job(mode="keep", num_images=MANY), bench.job()
        bench.submit(hung)
        await until(lambda: 0 < hung.progress < 1)
        with bench.stopped():
            bench.jobs.cancel(hung)
            assert hung.state == "cancelled"
            bench.submit(after)
            await over(after)
        assert after.state == "done" and bench.jobs.processes[0] is not worker

    bench.run(test)


def test_a_file_that_two_sessions_have_is_found_although_one_is_gone(bench: Bench, tmp_path: Path) -> None:
    shared = "b" * 64

    def job(path: Path) -> Job:
        made = bench.job(label_map=shared)
        made.work = replace(made.work, files={shared: (str(path), "mine.png")})
        return made

    async def test() -> None:
        for name in ("first", "second"):
            path = tmp_path / name / "map.png"
            path.parent.mkdir()
            shutil.copyfile(bench.label_map, path)
            drawn, lost = job(path), job(path)
            bench.submit(drawn)
            await over(drawn)
            assert drawn.state == "done", drawn.problem
            shutil.rmtree(path.parent)
        bench.submit(lost)
        await over(lost)
        assert lost.problem is not None and "mine.png" in lost.problem["detail"], lost.problem
        assert shared not in lost.problem["detail"]

    bench.run(test)


def test_previews_leave_no_copy_of_a_file_where_there_are_no_links(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise NotImplementedError

    monkeypatch.setattr(Path, "symlink_to", refuse)  # as on systems without them
    ours, theirs = multiprocessing.Pipe()
    worker = Worker(theirs, "cpu", "auto", 8)
    _, plan, _ = worker.plan(bench.job().work)
    assert plan.condition("label_map", range(1)).any()
    assert [path for path in Path(worker.scratch.name).rglob("*") if path.is_file()] == []
    worker.scratch.cleanup()
    ours.close()
    theirs.close()


@pytest.mark.parametrize("when", ["before", "while it is planned"])
def test_a_job_of_a_deleted_session_is_cancelled(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    results = tmp_path / "session" / "results"
    work = replace(bench.job().work, folder=str(results / "kept"))
    ours, theirs = multiprocessing.Pipe()
    worker = Worker(theirs, "cpu", "auto", 8)
    if when == "while it is planned":
        results.mkdir(parents=True)
        load = Worker.pipeline

        def deleted_now(self: Worker, work: Work) -> Any:
            shutil.rmtree(results.parent)
            return load(self, work)

        monkeypatch.setattr(Worker, "pipeline", deleted_now)
    worker.keep(work)
    assert [ours.recv()[0] for _ in range(2)] == ["started", "cancelled"] and not ours.poll()
    assert not results.parent.exists()
    worker.scratch.cleanup()
    ours.close()
    theirs.close()


@pytest.mark.weights
def test_a_kept_result_that_needs_no_file_is_planned(tmp_path: Path) -> None:
    caption = {"caption": "A man with a beard."}
    work = Work("job", "hfgan", "generate", "hfgan-people-64", caption, {}, str(tmp_path / "kept"))
    ours, theirs = multiprocessing.Pipe()
    worker = Worker(theirs, "cpu", "auto", 8)
    (tmp_path / "kept").mkdir()
    _, plan, arguments = worker.plan(work, tmp_path / "kept" / "inputs")
    assert len(plan.seeds) == 1 and arguments == caption
    worker.scratch.cleanup()
    ours.close()
    theirs.close()


def test_warnings_in_the_terminal_name_the_users_file(bench: Bench, tmp_path: Path) -> None:
    save_label_map(tmp_path / "map.png", np.zeros((32, 32), np.uint8), get_schema("celebamask-19"))
    work = replace(bench.job().work, files={ASSET: (str(tmp_path / "map.png"), "My face.png")})
    ours, theirs = multiprocessing.Pipe()
    worker = Worker(theirs, "cpu", "auto", 8)
    terminal, log = Terminal(worker), logging.getLogger("limner")
    terminal.setStream(io.StringIO())
    log.addHandler(terminal)
    try:
        worker.plan(work)
    finally:
        log.removeHandler(terminal)
    assert terminal.stream.getvalue() == 'My face.png has the one class "background"; the picture can show little.\n'
    worker.scratch.cleanup()
    ours.close()
    theirs.close()


MEMORY = """
import ctypes
from limner.studio.worker import keep_memory

class Numbers(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in "arena ordblks smblks hblks hblkhd a b c d e".split()]

library = ctypes.CDLL(None)
library.mallinfo2.restype = Numbers
library.malloc.restype = ctypes.c_void_p
for act in (lambda: None, keep_memory):
    act()
    before = library.mallinfo2().hblks
    library.malloc(ctypes.c_size_t(20 * 2**20))
    print(library.mallinfo2().hblks - before)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="of glibc 2.33 and later")
def test_a_worker_keeps_the_memory_of_its_arrays(python: Any) -> None:
    """A mapping of their own, as glibc gives 20 MiB by itself, is gone once they are freed."""
    done = python("-c", MEMORY)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["1", "0"]
    kept = python("-c", MEMORY, env={"MALLOC_MMAP_THRESHOLD_": "1000000"})  # as the user says
    assert kept.stdout.split() == ["1", "1"], kept.stderr


@pytest.mark.parametrize("size", [(1, 1), (5, 3), (64, 64)])
def test_previews_files_hold_every_pixel(size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    with Image.open(io.BytesIO(png(Image.fromarray(pixels)))) as read:
        assert (read.format, read.mode) == ("PNG", "RGB")
        assert np.array_equal(np.asarray(read), pixels)


def test_onnx_runtime_draws_where_it_is_asked_for(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Previews and kept jobs; the command of a kept one draws the same bytes."""
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    onnx = Bench(bench.label_map, bench.weights, runtime="onnx")
    preview, kept = onnx.job(), onnx.job(mode="keep")

    async def test() -> None:
        onnx.submit(preview, kept)
        await over(preview, kept)

    onnx.run(test)
    onnx.runner.run(onnx.jobs.close())
    onnx.runner.close()
    assert preview.state == kept.state == "done" and len(preview.pictures) == 1, (preview.problem, kept.problem)
    assert kept.result is not None and kept.work.folder is not None
    result, folder = kept.result, Path(kept.work.folder)
    assert result["provenance"]["onnxruntime"] == onnxruntime.__version__
    assert "runtime='onnx'" in result["python"]
    monkeypatch.chdir(folder / "inputs")
    assert main([*result["command"][1:-1], str(folder / "again")]) == 0
    (name,) = result["pictures"]
    assert (folder / "again" / name).read_bytes() == (folder / "pictures" / name).read_bytes()
    assert json.loads((folder / "again" / "result.json").read_text())["runtime"] == "onnx"
