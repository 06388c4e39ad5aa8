"""The queue: turns, superseding, ends that stay, what a lost worker costs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from limner.studio.jobs import Job, Jobs
from limner.studio.worker import Work


class Line:
    """Stands where a worker process stands, and writes down what it is told."""

    def __init__(self) -> None:
        self.previews: list[Job] = []
        self.kept: Job | None = None
        self.current: Job | None = None
        self.is_ready = True
        self.said: list[tuple[Any, ...]] = []
        self.process = self
        self.is_killed = False

    def send(self, *message: Any) -> None:
        self.said.append(message)

    def join(self, timeout: float) -> None:
        pass

    def kill(self) -> None:
        self.is_killed = True

    def is_alive(self) -> bool:
        return False

    @property
    def jobs(self) -> list[Job]:
        return [*self.previews, *([self.kept] if self.kept else [])]

    def order(self) -> list[str]:
        return [message[1].id for message in self.said if message[0] == "run"]


def job(name: str, session: str = "a", mode: str = "preview", view: str = "") -> Job:
    return Job(Work(name, "s", "o", "w", {}, folder="/x" if mode == "keep" else None), session, mode, view=view)


def queue(lines: list[Any]) -> Jobs:
    made = Jobs(workers=1, device="cpu", preview_seconds=5, kept_seconds=5, changed=lambda job: None)
    made.processes = lines
    return made


def in_a_loop(test: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(test())


def test_sessions_take_turns() -> None:
    async def test() -> None:
        line = Line()
        line.is_ready = False
        jobs = queue([line])
        for name, session in [("a1", "a"), ("a2", "a"), ("a3", "a"), ("b1", "b"), ("c1", "c")]:
            jobs.submit(job(name, session))
        line.is_ready = True
        jobs.pump()
        assert line.order() == ["a1", "b1", "c1", "a2", "a3"]

    in_a_loop(test)


def test_a_newer_preview_of_a_view_supersedes_those_that_wait() -> None:
    async def test() -> None:
        line = Line()
        jobs = queue([line])
        first, second, third = (job(name, view="canvas") for name in "123")
        other = job("other", session="b", view="canvas")
        for one in (first, other, second, third):
            jobs.submit(one)
        assert (first.state, other.state, second.state, third.state) == ("queued", "queued", "superseded", "queued")
        assert line.order() == ["1"]  # it was given away before the second came

    in_a_loop(test)


def test_an_end_is_final_and_only_that_job_ends() -> None:
    async def test() -> None:
        line = Line()
        jobs = queue([line])
        one, two = job("1"), job("2", mode="keep")
        jobs.submit(one)
        jobs.submit(two)
        jobs.hear(line, ("started", "1"))  # type: ignore[arg-type]
        jobs.cancel(one)
        jobs.cancel(one)
        jobs.hear(line, ("done", "1", {"pictures": [b""], "names": []}))  # type: ignore[arg-type]
        assert one.state == "cancelled" and one.pictures == [] and not two.has_ended
        assert [message for message in line.said if message[0] == "cancel"] == [("cancel", "1")]
        jobs.hear(line, ("done", "2", {"pictures": ["a.png"]}))  # type: ignore[arg-type]
        assert two.state == "done" and line.kept is None

    in_a_loop(test)


def test_results_belong_to_ids_not_to_order() -> None:
    async def test() -> None:
        line = Line()
        jobs = queue([line])
        line.is_ready = False
        one, two = job("1"), job("2")
        jobs.submit(one)
        jobs.submit(two)
        line.is_ready = True
        jobs.pump()
        jobs.hear(line, ("done", "2", {"pictures": [b"two"], "names": []}))  # type: ignore[arg-type]
        jobs.hear(line, ("done", "1", {"pictures": [b"one"], "names": []}))  # type: ignore[arg-type]
        assert (one.pictures, two.pictures) == ([b"one"], [b"two"])

    in_a_loop(test)


def test_a_lost_worker_costs_the_job_it_was_at(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        line, next_line = Line(), Line()
        jobs = queue([line])
        monkeypatch.setattr(jobs, "_process", lambda: next_line)
        kept, one, two = job("keep", mode="keep"), job("1"), job("2")
        line.is_ready = False
        for each in (kept, one, two):
            jobs.submit(each)
        line.is_ready = True
        jobs.pump()
        jobs.hear(line, ("started", "1"))  # type: ignore[arg-type]
        jobs.hear(line, ("gone",))  # type: ignore[arg-type]
        assert one.state == "failed" and one.problem is not None and one.problem["status"] == 500
        assert kept.state == two.state == "queued"
        assert sorted(next_line.order()) == ["2", "keep"]

    in_a_loop(test)


def test_a_job_that_takes_too_long_is_timed_out_and_its_worker_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        monkeypatch.setattr("limner.studio.jobs.GRACE_SECONDS", 0.0)
        line = Line()
        jobs = queue([line])
        jobs.seconds["preview"] = 0.0
        one = job("1")
        jobs.submit(one)
        jobs.hear(line, ("started", "1"))  # type: ignore[arg-type]
        await one.over.wait()
        assert one.state == "timed_out" and one.problem is not None and "more than" in one.problem["detail"]
        while not line.is_killed:
            await asyncio.sleep(0)

    in_a_loop(test)
