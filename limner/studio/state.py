"""The studio's state: sessions, jobs, what happened, and the process that decodes uploads. No torch."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from limner.errors import DataError, LimnerError
from limner.operations import Operation
from limner.studio.catalogue import Catalogue
from limner.studio.jobs import Job, Jobs
from limner.studio.security import Refused
from limner.studio.settings import Settings
from limner.studio.worker import Work, decode, prepare_reading
from limner.studio.workspace import DiskError, Session, Workspace
from limner.workers import Workers

if TYPE_CHECKING:
    from limner.data.schema import LabelSchema

T = TypeVar("T")
log = logging.getLogger("limner.studio")
DECODE_SECONDS = 30.0


class Studio:
    """Everything that requests share.

    Args:
        settings: options of the command.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.catalogue = Catalogue(settings.weights)
        self.workspace = Workspace(settings.workspace)
        self.jobs = Jobs(
            workers=settings.workers,
            device=settings.device,
            runtime=settings.runtime,
            preview_seconds=settings.preview_seconds,
            kept_seconds=settings.kept_seconds,
            changed=self.changed,
        )
        self.events: dict[str, deque[tuple[int, dict[str, Any]]]] = {}
        self.listeners: dict[str, set[asyncio.Event]] = {}
        self.number = 0
        self.pool: Workers | None = None
        self.tidying: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; in the event loop. Kept jobs that a killed server left are drawn again, once."""
        self.jobs.start()
        for session in self.workspace:
            for record in session.jobs():
                self._again(session, record)
        self.tidying = asyncio.get_running_loop().create_task(self._tidy())

    def _again(self, session: Session, record: dict[str, Any]) -> None:
        try:
            if session.result(record["id"]) is not None:
                session.end_job(str(record["id"]))
                return
            job = self.job(session, mode="keep", name=record["id"], **{key: record[key] for key in RECORDED})
            job.created = float(record.get("created", job.created))
            job.begun = job.noted = int(record.get("begun", 0))
        except (KeyError, TypeError, ValueError, LimnerError, Refused):
            session.end_job(str(record.get("id", "")))
            return
        if job.begun > 1:
            self.jobs.known[job.id] = job
            self.jobs.end(job, "failed", {"status": 503, "detail": "The studio ended twice while it drew this."})
            return
        self.jobs.submit(job)

    async def _tidy(self) -> None:
        while True:
            busy = {job.session for job in self.jobs.known.values() if not job.has_ended}
            try:
                for session in self.workspace.idle(self.settings.session_days, busy):
                    self.remove(session)
                for session in self.workspace:
                    session.trim_assets()
            except (OSError, LimnerError):
                log.exception("the workspace cannot be tidied")
            self.jobs.forget()
            await asyncio.sleep(300)

    def remove(self, session: Session) -> None:
        """Forget a session with all it has."""
        self.jobs.leave(session.id)
        self.workspace.remove(session)
        self.events.pop(session.id, None)
        for waiting in self.listeners.get(session.id, ()):
            waiting.set()

    async def close(self) -> None:
        """End."""
        if self.tidying is not None:
            self.tidying.cancel()
        await self.jobs.close()
        if self.pool is not None:
            self.pool.kill()
            await asyncio.to_thread(self.pool.shutdown, wait=True, cancel_futures=True)  # which gives its locks back
        if self.settings.forget:
            for session in self.workspace:
                self.remove(session)

    def new_session(self) -> Session:
        """A session; the oldest one that has nothing leaves if there are too many.

        Raises:
            Refused: if all have something.
        """
        if len(self.workspace.open) >= self.settings.sessions:
            busy = {job.session for job in self.jobs.known.values() if not job.has_ended}
            idle = [one for one in self.workspace if not one.results() and one.id not in busy]
            if not idle:
                raise Refused(429, f"There are {self.settings.sessions} sessions already; try again later.")
            self.remove(min(idle, key=lambda one: one.last_used))
        return self.workspace.new()

    def job(
        self,
        session: Session,
        *,
        system: str,
        operation: str,
        weights: str | None,
        values: Mapping[str, Any],
        mode: str,
        view: str = "",
        title: str = "",
        name: str | None = None,
    ) -> Job:
        """A checked job that is not queued yet.

        Raises:
            FieldError: naming the field that is wrong.
            Refused: if an asset is not there.
            WeightsError: if there are no such weights.
        """
        declared = self.catalogue.operation(system, operation)
        if declared is None:
            raise Refused(404, "There is no such operation; /api/v1/systems lists all.")
        weights = self.catalogue.weights(system, weights)
        found = declared.read(values, self.catalogue.facts(weights))
        files = self._files(session, declared, found)
        identity = name or session.new_id()
        folder = str(session.result_folder(identity)) if mode == "keep" else None
        work = Work(identity, system, operation, self._place(weights), found, files, folder)
        request = {"system": system, "operation": operation, "weights": weights, "values": found, "title": title}
        return Job(work, session.id, mode, view=view, name=title, request=request)

    def _place(self, weights: str) -> str:
        """What `limner.load` takes: the name of shipped weights, else their folder as the user named it."""
        return str(self.settings.weights.get(weights, weights))

    def _files(self, session: Session, operation: Operation, values: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
        files = {}
        for stem, name in operation.files(values):
            field = operation.fields[stem.partition("-")[0] if stem not in operation.fields else stem]
            asset = session.asset(name)
            if asset is None:
                raise Refused(422, f"There is no asset {name[:12]}…; upload the file first.", field=stem)
            if asset.kind not in getattr(field, "kinds", (asset.kind,)):
                wanted = " or ".join(getattr(field, "kinds", ())).replace("_", " ")
                text = f"{stem} is a {asset.kind.replace('_', ' ')}; it must be a {wanted}."
                raise Refused(422, text, field=stem)
            files[name] = (str(session.asset_path(asset)), asset.name)
        return files

    def submit(self, session: Session, job: Job) -> None:
        """Queue a job; a kept one is on the disk before.

        Raises:
            Refused: if too many wait.
        """
        settings = self.settings
        replaces = job.mode == "preview" and any(
            (one.session, one.view) == (job.session, job.view) and one.view for one in self.jobs.queued["preview"]
        )
        if not replaces:
            if self.jobs.waiting(session.id) >= settings.queued_per_session:
                raise Refused(429, f"{settings.queued_per_session} jobs of this session wait already.")
            if self.jobs.waiting() >= settings.queued:
                raise Refused(429, f"{settings.queued} jobs wait already.")
        if job.mode == "keep":
            self._note(session, job)
        self.jobs.submit(job)

    def _note(self, session: Session, job: Job) -> None:
        session.write_job({"id": job.id, "begun": job.begun, "created": job.created, **job.request})
        job.noted = job.begun

    def changed(self, job: Job) -> None:
        """Called by the queue: keep what has ended, and tell who listens."""
        session = self.workspace.get(job.session)
        if session is None:
            return
        if job.mode == "keep":
            self._keep_record(session, job)
        self.tell(session.id, {"event": "job", **self.describe(job)})

    def _keep_record(self, session: Session, job: Job) -> None:
        """Bring the disk to what a kept job is now."""
        try:
            if job.state == "done":
                self._complete(session, job)
            elif job.begun > job.noted and not job.has_ended:
                self._note(session, job)
        except DiskError as error:
            if job.state == "done":  # nobody has heard of it yet
                job.state, job.result, job.problem = "failed", None, {"status": 503, "detail": str(error)}
        if job.has_ended:
            if job.state != "done":
                session.delete_result(job.id)
            session.end_job(job.id)

    def _complete(self, session: Session, job: Job) -> None:
        inputs = {stem: name for stem, name in self._inputs(job)}
        about = {"id": job.id, "name": job.name, "created": job.created, "request": job.request, "inputs": inputs}
        session.complete_result({**about, **(job.result or {})})
        gone = session.trim_results(self.settings.results_per_session, self.settings.bytes_per_session)
        if gone:
            self.tell(session.id, {"event": "notice", "detail": f"{len(gone)} old results left to make room."})

    def _inputs(self, job: Job) -> list[tuple[str, str]]:
        operation = self.catalogue.operation(job.work.system, job.work.operation)
        assert operation is not None  # the job was made from it
        return operation.files(job.work.values)

    def describe(self, job: Job) -> dict[str, Any]:
        """A job as JSON."""
        found: dict[str, Any] = {
            "id": job.id,
            "state": job.state,
            "mode": job.mode,
            "position": self.jobs.position(job),
            "progress": round(job.progress, 4),
            "created": job.created,
            "started": job.started,
            "ended": job.ended,
            "system": job.work.system,
            "operation": job.work.operation,
            "name": job.name,
        }
        if job.problem is not None:
            status = int(job.problem["status"])
            facts = {key: value for key, value in job.problem.items() if key not in ("status", "detail")}
            found["error"] = Refused(status, str(job.problem["detail"]), **facts).problem()
        if job.state == "done" and job.result is not None:
            base = f"/api/v1/results/{job.id}"
            suffixes = job.result["suffixes"] if job.mode == "preview" else suffixes_of(job.result["pictures"])
            found["result"] = {"id": job.id, **links(base, suffixes)}
            if job.mode == "preview":
                found["result"]["names"] = job.result["names"]
            if job.result.get("beside") is not None:
                found["result"]["strokes"] = job.result["beside"]
            if job.result.get("label_map") is not None:
                found["result"]["label_map"] = f"{base}/label-map.png"
        return found

    def described(self, session: Session, name: str) -> dict[str, Any] | None:
        """A job as JSON; of one that only its result remembers, what that says."""
        job = self.jobs.known.get(name)
        if job is not None:
            return self.describe(job) if job.session == session.id else None
        about = session.result(name)
        if about is None:
            return None
        base = f"/api/v1/results/{name}"
        shown = links(base, suffixes_of(about["pictures"]))
        facts = {key: about["request"][key] for key in ("system", "operation")}
        times = {"created": about["created"], "started": None, "ended": None}
        state = {"id": name, "state": "done", "mode": "keep", "position": 0, "progress": 1.0}
        return {**state, **times, **facts, "name": about["name"], "result": {"id": name, **shown}}

    def tell(self, session: str, event: dict[str, Any]) -> None:
        """An event of a session."""
        self.number += 1
        self.events.setdefault(session, deque(maxlen=256)).append((self.number, event))
        for waiting in self.listeners.get(session, ()):
            waiting.set()

    async def decode(
        self, content: bytes, kind: str, schema: LabelSchema | None, target: LabelSchema | None, name: str
    ) -> dict[str, Any]:
        """Decode an upload in a process of its own; see `limner.studio.worker.decode`.

        Raises:
            DataError, ConfigError: if it cannot be.
        """
        settings = self.settings
        limits = {"pixels": settings.max_pixels, "side": settings.max_side, "seconds": settings.max_audio_seconds}
        return await self.apart(name, decode, content, kind, schema, target, limits, name)

    async def prepare(self) -> None:
        """Start the process that reads uploads, before the first one comes."""
        with contextlib.suppress(LimnerError):  # the first upload will say what is wrong
            await self.apart("The file", prepare_reading)

    async def apart(self, name: str, function: Callable[..., T], *arguments: Any) -> T:
        """Do something with a file that the user calls by this name in a process that may fail or hang.

        Raises:
            DataError: if it did.
        """
        if self.pool is None:
            self.pool = Workers(1)
        pool, loop = self.pool, asyncio.get_running_loop()
        work = loop.run_in_executor(pool, function, *arguments)
        try:
            return await asyncio.wait_for(work, DECODE_SECONDS)
        except (BrokenProcessPool, TimeoutError) as error:
            if self.pool is pool:
                self.pool = None
                pool.kill()
                pool.shutdown(wait=False, cancel_futures=True)
            raise DataError(f"{name} cannot be read: save it again with another program.") from error

    def picture(self, session: Session, name: str, number: int, suffix: str = ".png") -> bytes | Path | None:
        """A picture or a clip of a result or of a preview."""
        job = self.jobs.known.get(name)
        if job is not None and job.session == session.id and job.mode == "preview":
            suffixes = (job.result or {}).get("suffixes", ())
            return job.pictures[number] if number < len(suffixes) and suffixes[number] == suffix else None
        about = session.result(name)
        if about is None or number >= len(about["pictures"]) or not about["pictures"][number].endswith(suffix):
            return None
        return session.result_folder(name) / "pictures" / str(about["pictures"][number])

    def found_map(self, session: Session, name: str) -> bytes | None:
        """The label map that a preview found in its photo."""
        job = self.jobs.known.get(name)
        if job is None or job.session != session.id or not job.result:
            return None
        found: bytes | None = job.result.get("label_map")
        return found


def suffixes_of(names: list[str]) -> list[str]:
    """Of the files of a kept result."""
    return [Path(name).suffix for name in names]


def links(base: str, suffixes: list[str]) -> dict[str, list[str]]:
    """Addresses of pictures and clips; both are counted as one list."""
    folders = {".png": ("images", "png"), ".mp4": ("clips", "mp4")}
    found: dict[str, list[str]] = {"images": [], "clips": []}
    for number, suffix in enumerate(suffixes):
        folder, ending = folders[suffix]
        found[folder].append(f"{base}/{folder}/{number}.{ending}")
    return found


RECORDED = ("system", "operation", "weights", "values", "title")
