"""The queue: which job is drawn next, by which process, and what becomes of it. No torch.

`queued → running → done | failed | cancelled | timed_out | superseded`; the last five never change. Sessions take
turns; previews go before kept jobs. All of this runs in the server's one event loop; a thread for each worker listens.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import multiprocessing
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from limner.studio.security import fault
from limner.studio.worker import Work, serve
from limner.workers import without_interrupts

log = logging.getLogger("limner.studio")

ENDED = ("done", "failed", "cancelled", "timed_out", "superseded")
OUTSTANDING = 8
"""Previews that a worker may have at once, so that it can draw them in one pass."""
GRACE_SECONDS = 5.0
REMEMBERED = 200
"""Jobs that have ended, whose pictures stay in memory."""
LOST = "The process that drew this has ended, perhaps for lack of memory; ask again, or for less at once."


@dataclass(eq=False)
class Job:
    """One request.

    Attributes:
        work: what is drawn.
        session: id of whom it belongs to.
        mode: "preview" or "keep".
        view: of several previews of one view only the newest counts.
        name: that the user gave it.
        request: the fields as they were asked for.
        begun: how often it was begun to be drawn, by earlier servers too.
        noted: the same as the disk has it.
    """

    work: Work
    session: str
    mode: str
    view: str = ""
    name: str = ""
    request: dict[str, Any] = field(default_factory=dict)
    state: str = "queued"
    progress: float = 0.0
    created: float = field(default_factory=time.time)
    started: float | None = None
    ended: float | None = None
    attempts: int = 0
    begun: int = 0
    noted: int = 0
    problem: dict[str, Any] | None = None
    result: dict[str, Any] | None = None
    pictures: list[bytes] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def id(self) -> str:
        """Of the job, and of its result."""
        return self.work.id

    @property
    def has_ended(self) -> bool:
        """Whether its state is final."""
        return self.state in ENDED


class Process:
    """A worker process and what it has to do."""

    def __init__(
        self, device: str, runtime: str, threads: int, tell: Callable[[Process, tuple[Any, ...]], None]
    ) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, device, runtime, threads), daemon=True)
        with without_interrupts():
            self.process.start()
        theirs.close()
        self.loop, self.tell = asyncio.get_running_loop(), tell
        self.previews: list[Job] = []
        self.kept: Job | None = None
        self.current: Job | None = None
        self.is_ready = False
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                message = self.connection.recv()
            except (EOFError, OSError):
                message = ("gone",)
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self.loop.call_soon_threadsafe(self.tell, self, message)
            if message == ("gone",):
                return

    def send(self, *message: Any) -> None:
        """Say something; a process that is gone is noticed by its listener."""
        with contextlib.suppress(OSError, ValueError):
            self.connection.send(message)

    @property
    def jobs(self) -> list[Job]:
        """All that it has."""
        return [*self.previews, *([self.kept] if self.kept else [])]


class Jobs:
    """All jobs of all sessions.

    Args:
        workers: number of processes.
        device: where they draw.
        runtime: what runs their networks.
        preview_seconds: that a preview may take.
        kept_seconds: that a kept job may take.
        changed: called with a job whenever it changed.
    """

    def __init__(
        self,
        *,
        workers: int,
        device: str,
        runtime: str = "auto",
        preview_seconds: float,
        kept_seconds: float,
        changed: Callable[[Job], None],
    ) -> None:
        self.number, self.device, self.runtime, self.changed = workers, device, runtime, changed
        self.seconds = {"preview": preview_seconds, "keep": kept_seconds}
        self.known: dict[str, Job] = {}
        self.queued: dict[str, deque[Job]] = {"preview": deque(), "keep": deque()}
        self.turn: deque[str] = deque()
        self.processes: list[Process] = []
        self.drawn: dict[str, int] = dict.fromkeys(ENDED, 0)
        self.is_closing = False
        self.failures = 0

    def start(self) -> None:
        """Start the processes; in a running event loop."""
        self.processes = [self._process() for _ in range(self.number)]

    def _process(self) -> Process:
        return Process(self.device, self.runtime, max(1, (os.cpu_count() or 1) // self.number), self.hear)

    async def close(self) -> None:
        """End the processes; kept jobs stay on the disk."""
        self.is_closing = True
        for process in self.processes:
            process.send("stop")
        await asyncio.sleep(0)
        for process in self.processes:
            process.process.join(timeout=1)
            if process.process.is_alive():
                process.process.kill()

    @property
    def is_ready(self) -> bool:
        """Whether a worker can draw."""
        return any(one.is_ready for one in self.processes)

    def waiting(self, session: str | None = None) -> int:
        """Jobs that are queued (of a session)."""
        return sum(session in (None, job.session) for queue in self.queued.values() for job in queue)

    def position(self, job: Job) -> int:
        """How many are before it, in the order of their arrival."""
        queue = self.queued[job.mode]
        return list(queue).index(job) if job in queue else 0

    def of(self, session: str) -> list[Job]:
        """The jobs of a session that are remembered, the newest first."""
        return sorted((job for job in self.known.values() if job.session == session), key=_age, reverse=True)

    def submit(self, job: Job) -> None:
        """Queue a job; an older preview of the same view that still waits is superseded."""
        if job.mode == "preview" and job.view:
            for older in [one for one in self.queued["preview"] if (one.session, one.view) == (job.session, job.view)]:
                self.queued["preview"].remove(older)
                self.end(older, "superseded")
        self.known[job.id] = job
        self.queued[job.mode].append(job)
        if job.session not in self.turn:
            self.turn.append(job.session)
        self.changed(job)
        self.pump()

    def pump(self) -> None:
        """Give idle processes something to do."""
        for process in self.processes:
            if not process.is_ready:
                continue
            if not process.previews:
                while len(process.previews) < OUTSTANDING and (job := self._next("preview")) is not None:
                    process.previews.append(job)
                    self._give(process, job)
            if process.kept is None and (job := self._next("keep")) is not None:
                process.kept = job
                self._give(process, job)

    def _give(self, process: Process, job: Job) -> None:
        job.attempts += 1
        process.send("run", job.work)

    def _next(self, mode: str) -> Job | None:
        """The first job of the session whose turn it is."""
        queue = self.queued[mode]
        for _ in range(len(self.turn)):
            session = self.turn[0]
            self.turn.rotate(-1)
            for job in queue:
                if job.session == session:
                    queue.remove(job)
                    return job
        return None

    def cancel(self, job: Job) -> None:
        """End a job, and only that; again does nothing."""
        if job.has_ended:
            return
        if job in self.queued[job.mode]:
            self.queued[job.mode].remove(job)
            self.end(job, "cancelled")
            return
        self._stop(job, "cancelled")

    def _stop(self, job: Job, state: str) -> None:
        process = next((one for one in self.processes if job in one.jobs), None)
        self.end(job, state)
        if process is None:
            return
        process.send("cancel", job.id)
        if process.current is job:
            loop = asyncio.get_running_loop()
            loop.call_later(GRACE_SECONDS, self._kill_if_at, process, job)

    def _kill_if_at(self, process: Process, job: Job) -> None:
        if process.current is job and process in self.processes:
            process.process.kill()

    def _late(self, process: Process, job: Job, attempt: int) -> None:
        if not job.has_ended and job.attempts == attempt and job in process.jobs:
            self._stop(job, "timed_out")

    def end(self, job: Job, state: str, problem: dict[str, Any] | None = None) -> None:
        """Give a job its last state."""
        if job.has_ended:
            return
        if state == "timed_out":
            seconds = self.seconds[job.mode]
            problem = {"status": 422, "detail": f"The job took more than {seconds:.0f} s; ask for less at once."}
        job.state, job.problem, job.ended = state, problem, time.time()
        self.drawn[state] += 1
        if len(self.known) > REMEMBERED + 64:
            self.forget()
        job.over.set()
        self.changed(job)

    def hear(self, process: Process, message: tuple[Any, ...]) -> None:
        """What a worker said."""
        kind, *rest = message
        if process not in self.processes or self.is_closing:
            return
        if kind == "ready":
            process.is_ready, self.failures = True, 0
        elif kind == "gone":
            self._replace(process)
        else:
            job = next((one for one in process.jobs if one.id == rest[0]), None)
            if job is not None:
                self._hear_of(process, job, kind, rest[1:])
        self.pump()

    def _hear_of(self, process: Process, job: Job, kind: str, rest: list[Any]) -> None:
        if kind == "started":
            process.current = job
            if not job.has_ended:
                job.state, job.started, job.begun = "running", time.time(), job.begun + 1
                loop = asyncio.get_running_loop()
                loop.call_later(self.seconds[job.mode], self._late, process, job, job.attempts)
                self.changed(job)
            return
        if kind == "progress":
            process.current = job
            if not job.has_ended:
                job.progress = rest[0]
                self.changed(job)
            return
        if job is process.kept:
            process.kept = None
        else:
            process.previews.remove(job)
        process.current = process.kept
        if kind == "done":
            job.progress = 1.0
            if not job.has_ended:
                job.pictures = rest[0].pop("pictures") if job.mode == "preview" else []
                job.result = rest[0]
            self.end(job, "done")
        elif kind == "cancelled":
            self.end(job, "cancelled")
        else:
            self.end(job, "failed", problem_of(*rest))

    def _replace(self, process: Process) -> None:
        """A worker is gone: the job that it was at has failed, its others are drawn by another."""
        process.process.join(timeout=1)
        guilty = process.current
        for job in reversed(process.jobs):
            if job.has_ended:
                continue
            if job is guilty or job.attempts > 2:
                log.error("the worker ended (%s) while it drew the job %s", process.process.exitcode, job.id)
                self.end(job, "failed", {"status": 503, "detail": LOST})
            else:
                job.state = "queued"
                self.queued[job.mode].appendleft(job)
        self.failures += 1
        place = self.processes.index(process)
        if self.failures > 5:  # it never gets ready
            self.processes.pop(place)
            for queue in self.queued.values():
                while queue:
                    self.end(queue.popleft(), "failed", {"status": 503, "detail": "No worker can be started."})
            return
        self.processes[place] = self._process()

    def leave(self, session: str) -> None:
        """A session is gone."""
        for job in self.of(session):
            self.cancel(job)
            del self.known[job.id]
        if session in self.turn:
            self.turn.remove(session)

    def forget(self, most: int = REMEMBERED) -> None:
        """Drop the oldest ended jobs and their pictures from memory."""
        ended = sorted((job for job in self.known.values() if job.has_ended), key=_age)
        for job in ended[: max(0, len(ended) - most)]:
            del self.known[job.id]


def problem_of(status: int, text: str) -> dict[str, Any]:
    """What a user reads of a failure; of our own bugs a number, and the log has the rest."""
    if status != 500:
        return {"status": status, "detail": text}
    refused = fault(text)
    return {"status": 500, "detail": refused.detail, **refused.facts}


def _age(job: Job) -> float:
    return job.created
