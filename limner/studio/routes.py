"""The HTTP API `/api/v1`: one function a route, and the table of all of them. No torch."""

from __future__ import annotations

import asyncio
import io
import json
import shlex
import traceback
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import limner
from limner.errors import LimnerError, MissingExtraError, WeightsError, nearest
from limner.files import read_text
from limner.operations import FieldError, Operation
from limner.optional import optional
from limner.studio.catalogue import reports
from limner.studio.jobs import Job
from limner.studio.markdown import blocks
from limner.studio.security import SESSION_COOKIE, TOKEN_COOKIE, Refused, cookie, fault, same
from limner.studio.state import Studio, links, suffixes_of
from limner.studio.worker import SchemaMissing, svg_of
from limner.studio.workspace import DiskError, Session, visible

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from limner.data.schema import LabelSchema

PICTURES = ("image/png", "image/jpeg", "image/webp", "image/bmp", "image/gif", "image/tiff")
"""What `limner.data.image_io` reads of files, by its types."""
SOUNDS = ("audio/wav", "audio/mpeg")
KINDS = ("auto", "photo", "label_map", "keypoints", "strokes")
PEOPLE = ("face", "body")
MAX_NAME = 255
_ID = {"type": "string", "maxLength": 80}
_NUMBER = {"type": "integer", "minimum": 0, "maximum": 100_000}


@dataclass
class Call:
    """A request with what it is about."""

    request: Request
    studio: Studio

    @property
    def session(self) -> Session:
        """Whose request it is.

        Raises:
            Refused: if it is nobody's.
        """
        scope = self.request.scope
        name = self.request.headers.get("limner-session") or cookie(scope, SESSION_COOKIE)
        found = self.studio.workspace.get(name)
        if found is None:
            raise Refused(403, "There is no such session; POST /api/v1/sessions makes one.")
        found.touch()
        return found

    def part(self, name: str) -> str:
        """Of the path."""
        return str(self.request.path_params[name])

    def number(self, name: str, usual: int, low: int, high: int) -> int:
        """A whole number of the query.

        Raises:
            Refused: if it is none, or out of range.
        """
        text = self.request.query_params.get(name)
        if text is None:
            return usual
        if not (text.isascii() and text.isdecimal() and len(text) < 10 and low <= int(text) <= high):
            raise Refused(422, f"{name} is {text[:40]!r}; it must be a whole number from {low} to {high}.", field=name)
        return int(text)

    def text(self, name: str, most: int) -> str | None:
        """A text of the query.

        Raises:
            Refused: if it is too long.
        """
        found = self.request.query_params.get(name)
        if found is not None and len(found) > most:
            raise Refused(422, f"{name} has more than {most} characters.", field=name)
        return found

    async def json(self) -> dict[str, Any]:
        """The body.

        Raises:
            Refused: if it is no JSON object.
        """
        kind = self.request.headers.get("content-type", "").partition(";")[0].strip().lower()
        body = await self.request.body()
        if kind != "application/json":
            raise Refused(415, "The body must be application/json.")
        try:
            found = json.loads(body, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            raise Refused(400, "The body is not JSON.") from None
        if not isinstance(found, dict):
            raise Refused(422, "The body must be a JSON object.")
        return found


def _no_constant(name: str) -> float:
    raise ValueError(name)


Handler = Callable[[Call], Awaitable[Any]]


@dataclass(frozen=True)
class Route:
    """A route and what its documentation says."""

    method: str
    path: str
    handler: Handler
    summary: str
    status: int = 200
    errors: tuple[int, ...] = ()
    query: dict[str, Any] = field(default_factory=dict)
    body: dict[str, Any] | None = None
    media: str = "application/json"
    tag: str = "api"


def _responses() -> Any:
    return optional("starlette.responses", extra="studio")


def answer(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """JSON that nobody stores."""
    text = json.dumps(
        value, allow_nan=False, separators=(",", ":")
    )  # in ASCII, for a text of a client may hold half a surrogate pair
    headers = {"cache-control": "no-store", **(headers or {})}
    made: Response = _responses().Response(text, status, headers, "application/json")
    return made


def file(content: bytes | Path, kind: str, name: str | None = None) -> Response:
    """A file; with a name it is to be saved."""
    headers = {"cache-control": "private, max-age=3600"}
    if name is not None:
        headers["content-disposition"] = f'attachment; filename="{name}"'
    data = content.read_bytes() if isinstance(content, Path) else content
    made: Response = _responses().Response(data, 200, headers, kind)
    return made


async def health(call: Call) -> Any:
    """Alive, and whether a worker can draw."""
    return {"status": "ok", "ready": call.studio.jobs.is_ready}


async def metrics(call: Call) -> Any:
    """Prometheus text."""
    client = optional("prometheus_client", extra="studio")
    store, jobs = client.CollectorRegistry(), call.studio.jobs
    ended = client.Gauge("limner_jobs_ended", "Jobs by their last state", ["state"], registry=store)
    for state, count in jobs.drawn.items():
        ended.labels(state).set(count)
    client.Gauge("limner_jobs_queued", "Jobs that wait", registry=store).set(jobs.waiting())
    client.Gauge("limner_sessions", "Sessions", registry=store).set(len(call.studio.workspace.open))
    client.Gauge("limner_workers_ready", "Workers", registry=store).set(sum(one.is_ready for one in jobs.processes))
    return file(client.generate_latest(store), "text/plain; version=0.0.4")


async def about(call: Call) -> Any:
    """Version, limits, and where photos lie."""
    settings = call.studio.settings
    return {
        "limner": limner.__version__,
        "device": settings.device,
        "runtime": settings.runtime,
        "limits": settings.limits(),
        "workspace": "Photos and results lie on this computer, in the folder that limner studio printed.",
        "forgets": settings.forget,
        "workers": settings.workers,
        "reports": len(reports(settings.reports)),
    }


async def login(call: Call) -> Any:
    """Exchange the token of the printed address for a cookie."""
    token, given = call.studio.settings.token, (await call.json()).get("token")
    if given is not None and not isinstance(given, str):
        raise Refused(422, "token must be a text.", field="token")
    if token and not same(given or "", token):
        raise Refused(403, "The token is wrong; open the address that limner studio printed.")
    made = answer({"status": "ok"})
    made.set_cookie(TOKEN_COOKIE, token or "", httponly=True, samesite="strict", path="/")
    return made


async def systems(call: Call) -> Any:
    """All systems."""
    return [call.studio.catalogue.system(name) for name in call.studio.catalogue.systems]


async def system(call: Call) -> Any:
    """One system with its forms."""
    name = call.part("system")
    if name not in call.studio.catalogue.systems:
        raise Refused(404, "There is no such system; /api/v1/systems lists all.")
    return call.studio.catalogue.system(name, is_whole=True)


async def new_session(call: Call) -> Any:
    """A session and its cookie."""
    session = call.studio.new_session()
    age = int(call.studio.settings.session_days * 86_400)
    made = answer(_session(call, session), 201)
    made.set_cookie(SESSION_COOKIE, session.id, httponly=True, samesite="strict", path="/", max_age=age)
    return made


async def this_session(call: Call) -> Any:
    """The session of this request."""
    return _session(call, call.session)


def _session(call: Call, session: Session) -> dict[str, Any]:
    return {"id": session.id, "expires": session.last_used + call.studio.settings.session_days * 86_400}


async def end_session(call: Call) -> Any:
    """Delete the session with all it has."""
    call.studio.remove(call.session)
    return _responses().Response(status_code=204)


async def add_asset(call: Call) -> Any:
    """Upload a file."""
    session = call.session
    media = call.request.headers.get("content-type", "").partition(";")[0].strip().lower()
    kind = call.request.query_params.get("kind", "auto")
    if kind not in KINDS:
        raise Refused(422, f"kind is {kind[:40]!r}; it must be one of {', '.join(KINDS)}.", field="kind")
    if media == "application/json":
        kind = kind if kind in ("keypoints", "strokes") else "keypoints"
    elif media in SOUNDS:
        kind = "audio"
    elif media not in PICTURES or kind in ("keypoints", "strokes"):
        raise Refused(415, f"The type must be one of {', '.join((*PICTURES, *SOUNDS, 'application/json'))}.")
    name = in_one_line(call.text("name", MAX_NAME) or "")
    schema, target = (_schema(call, part) for part in ("schema", "to"))
    content = await call.request.body()
    try:
        found = await call.studio.decode(content, kind, schema, target, name or "The file")
    except SchemaMissing as error:
        raise Refused(422, str(error), field="schema") from error
    data = found.pop("content")
    asset = session.add_asset(data, name=name, **found)
    return answer(asset.to_json(), 201)


def _schema(call: Call, part: str) -> LabelSchema | None:
    """A label schema that the query names; never one in a file of this machine."""
    name, known = call.text(part, 80), call.studio.catalogue.schemas
    if name and name not in known:
        text = f"There is no such label schema.{nearest(name, known)}"
        raise Refused(422, text, field=part)
    return known.get(name or "")


async def schemas(call: Call) -> Any:
    """Label schemas: their classes, and which other ones their maps can be converted to."""
    return call.studio.catalogue.conversions


async def asset(call: Call) -> Any:
    """A file as we encoded it."""
    session = call.session
    found = session.asset(call.part("asset"))
    if found is None:
        raise Refused(404, "There is no such asset.")
    path = session.asset_path(found)
    kinds = {".png": "image/png", ".wav": "audio/wav", ".json": "application/json"}
    return file(path, kinds[path.suffix])


async def operate(call: Call) -> Any:
    """Ask for something to be drawn."""
    session, studio = call.session, call.studio
    wait = call.number("wait", 0, 0, 30)
    body = await call.json()
    mode, texts = body.pop("mode", "preview"), {}
    if mode not in ("preview", "keep"):
        raise Refused(422, 'mode must be "preview" or "keep".', field="mode")
    for key in ("view", "name", "weights"):
        value = body.pop(key, None)
        if value is not None and not (isinstance(value, str) and len(value) <= MAX_NAME):
            raise Refused(422, f"{key} must be a text of at most {MAX_NAME} characters.", field=key)
        texts[key] = value
    job = studio.job(
        session,
        system=call.part("system"),
        operation=call.part("operation"),
        weights=texts["weights"],
        values=body,
        mode=mode,
        view=texts["view"] or "",
        title=in_one_line(texts["name"] or ""),
    )
    studio.submit(session, job)
    await wait_for(call.request, studio, job, wait)
    headers = {"location": f"/api/v1/jobs/{job.id}"}
    return answer(studio.describe(job), 200 if job.has_ended else 202, headers)


def in_one_line(text: str) -> str:
    """A user's name for something, without what cannot be printed."""
    return "".join(one if one.isprintable() else " " for one in text).strip()


async def wait_for(request: Request, studio: Studio, job: Job, seconds: int) -> None:
    """Until a job has ended, the time is over, or the client has gone: its preview is dropped then."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while not job.has_ended and loop.time() < end:
        try:
            async with asyncio.timeout(min(1.0, max(0.01, end - loop.time()))):
                await job.over.wait()
        except TimeoutError:
            if await request.is_disconnected() and job.mode == "preview":
                studio.jobs.cancel(job)
                return


async def jobs(call: Call) -> Any:
    """The jobs of the session, the newest first."""
    return [call.studio.describe(job) for job in call.studio.jobs.of(call.session.id)]


async def one_job(call: Call) -> Any:
    """A job; with `wait` once it has ended."""
    session, name, seconds = call.session, call.part("job"), call.number("wait", 0, 0, 30)
    job = call.studio.jobs.known.get(name)
    if job is not None and job.session == session.id:
        await wait_for(call.request, call.studio, job, seconds)
        return call.studio.describe(job)
    found = call.studio.described(session, name)
    if found is None:
        raise Refused(404, "There is no such job.")
    return found


async def cancel(call: Call) -> Any:
    """End a job."""
    session, name = call.session, call.part("job")
    job = call.studio.jobs.known.get(name)
    if job is not None and job.session == session.id:
        call.studio.jobs.cancel(job)
    found = call.studio.described(session, name)
    if found is None:
        raise Refused(404, "There is no such job.")
    return found


async def events(call: Call) -> Any:
    """Server-sent events."""
    session, studio = call.session.id, call.studio
    last = call.request.headers.get("last-event-id", "")
    seen = int(last) if last.isascii() and last.isdecimal() and len(last) < 16 else studio.number
    limit = call.number("limit", 1_000_000, 1, 1_000_000)
    seconds = call.number("seconds", 86_400, 0, 86_400)

    async def stream() -> AsyncIterator[str]:
        nonlocal seen
        woken, sent = asyncio.Event(), 0
        studio.listeners.setdefault(session, set()).add(woken)
        end = asyncio.get_running_loop().time() + seconds
        try:
            yield ": open\n\n"
            while True:
                for number, event in [one for one in studio.events.get(session, ()) if one[0] > seen][: limit - sent]:
                    seen, sent = number, sent + 1
                    yield f"id: {number}\nevent: {event['event']}\ndata: {json.dumps(event)}\n\n"
                left = end - asyncio.get_running_loop().time()
                if sent >= limit or left <= 0 or studio.workspace.get(session) is None:
                    return
                woken.clear()
                try:
                    await asyncio.wait_for(woken.wait(), min(15.0, left))
                except TimeoutError:
                    yield ": still here\n\n"
        finally:
            studio.listeners.get(session, set()).discard(woken)

    return _responses().StreamingResponse(
        stream(), media_type="text/event-stream", headers={"cache-control": "no-store"}
    )


def _about(call: Call) -> dict[str, Any]:
    found = call.session.result(call.part("result"))
    if found is None:
        raise Refused(404, "There is no such result.")
    return found


def _shown(call: Call, found: dict[str, Any]) -> dict[str, Any]:
    base = f"/api/v1/results/{found['id']}"
    operation = _operation(call, found)
    return {
        **{key: found[key] for key in ("id", "name", "created", "request", "inputs", "provenance", "seeds")},
        "titles": operation.titles if operation else {},
        **links(base, suffixes_of(found["pictures"])),
        "archive": f"{base}/archive.zip",
        **({"svg": f"{base}/painting.svg"} if operation and operation.svg else {}),
    }


def _operation(call: Call, found: dict[str, Any]) -> Operation | None:
    """What made a result; none if this server does not know it."""
    return call.studio.catalogue.operation(*(found["request"][key] for key in ("system", "operation")))


async def results(call: Call) -> Any:
    """Complete results, the newest first."""
    session, limit = call.session, call.number("limit", 50, 1, 100)
    before = call.text("before", 40)
    names = [name for name in session.results() if before is None or name < before][:limit]
    found = [session.result(name) for name in names]
    return [_shown(call, one) for one in found if one is not None]


async def result(call: Call) -> Any:
    """A result."""
    return _shown(call, _about(call))


async def delete_result(call: Call) -> Any:
    """Delete a result."""
    _about(call)
    call.session.delete_result(call.part("result"))
    return _responses().Response(status_code=204)


async def image(call: Call) -> Any:
    """A picture of a result or a preview."""
    return _medium(call, ".png", "image/png")


async def clip(call: Call) -> Any:
    """A clip of a result or a preview."""
    return _medium(call, ".mp4", "video/mp4")


def _medium(call: Call, suffix: str, kind: str) -> Response:
    text = call.part("number")
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 7 else 10**6
    found = call.studio.picture(call.session, call.part("result"), number, suffix)
    if found is None:
        raise Refused(404, "There is no such picture." if suffix == ".png" else "There is no such clip.")
    return file(found, kind)


async def found_map(call: Call) -> Any:
    """The label map that a preview found in its photo."""
    found = call.studio.found_map(call.session, call.part("result"))
    if found is None:
        raise Refused(404, "There is no such label map.")
    return file(found, "image/png")


async def record(call: Call) -> Any:
    """The stored result, for `limner generate --from`."""
    _about(call)
    path = call.session.result_folder(call.part("result")) / "pictures" / "result.json"
    return file(path, "application/json", "result.json")


async def command(call: Call) -> Any:
    """The command that makes the same."""
    return {"command": shlex.join(_about(call)["command"])}


async def python(call: Call) -> Any:
    """The program that makes the same."""
    return {"python": _about(call)["python"]}


async def archive(call: Call) -> Any:
    """Inputs, pictures, command and program."""
    found, folder = _about(call), call.session.result_folder(call.part("result"))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in visible(folder / "inputs"):
            packed.write(path, path.name)
        for path in visible(folder / "pictures"):
            packed.write(path, f"pictures/{path.name}")
        packed.writestr("draw-again.sh", shlex.join(found["command"]) + "\n")
        packed.writestr("draw_again.py", found["python"])
    return file(buffer.getvalue(), "application/zip", f"limner-{found['id']}.zip")


async def strokes(call: Call) -> Any:
    """The strokes of a painting."""
    return file(_strokes_of(call), "application/json", "strokes.json")


async def drawing_of(call: Call) -> Any:
    """A painting as SVG; only ever to be saved, for a page that showed it would run what is in it."""
    path, operation = _strokes_of(call), _operation(call, _about(call))
    if operation is None or not operation.svg:
        raise Refused(404, "This result has no drawing.")
    return file(await call.studio.apart("The painting", svg_of, operation.svg, path), "image/svg+xml", "painting.svg")


def _strokes_of(call: Call) -> Path:
    _about(call)
    found = visible(call.session.result_folder(call.part("result")) / "pictures", "*.strokes.json")
    if not found:
        raise Refused(404, "This result has no strokes.")
    return found[0]


async def people(call: Call) -> Any:
    """A person that code made, and the map of the picture."""
    session, body = call.session, await call.json()
    kind, seed = body.get("kind", "face"), body.get("seed", 0)
    if kind not in PEOPLE:
        raise Refused(422, "kind must be face or body.", field="kind")
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**53:
        raise Refused(422, f"seed must be a whole number from 0 to {2**53 - 1}.", field="seed")
    made = await asyncio.to_thread(_person, session, str(kind), seed)
    parts = {str(part): str(made[part]["id"]) for part in ("photo", "label_map", "keypoints") if part in made}
    return answer({**made, "begins": call.studio.catalogue.begins(str(kind), parts)}, 201)


def _person(session: Session, kind: Any, seed: int) -> dict[str, Any]:
    from PIL import Image

    from limner.data.image_io import save_label_map
    from limner.data.schema import get_schema
    from limner.people.gallery import ready

    known = ready(kind)
    found = known[seed % len(known)]
    picture, labels = io.BytesIO(), io.BytesIO()
    Image.fromarray(found.image).save(picture, "PNG")
    schema = get_schema(found.schema)
    save_label_map(labels, found.label_map, schema)
    height, width = found.label_map.shape
    name = f"{kind}-{seed % len(known)}.png"
    photo = session.add_asset(picture.getvalue(), "photo", name=name, width=width, height=height)
    size = {"width": width, "height": height, "schema": schema.name}
    label_map = session.add_asset(labels.getvalue(), "label_map", name=name, **size)
    made = {"name": name, "kind": kind, "photo": photo.to_json(), "label_map": label_map.to_json()}
    made |= {"attributes": list(found.attributes), "captions": list(found.captions), "age_years": found.age_years}
    if found.keypoints is not None:
        pose = {"points": _named_points(found.keypoints), "width": width, "height": height}
        made["keypoints"] = {
            **session.add_asset(json.dumps(pose).encode(), "keypoints", name=name).to_json(),
            "pose": pose,
        }
    return made


def _named_points(points: Any) -> dict[str, list[float] | None]:
    """Key points by name; null where they are not seen."""
    from limner.data.keypoints import NAMES

    return {
        name: [round(float(x), 2), round(float(y), 2)] if x == x and y == y else None
        for name, (x, y) in zip(NAMES, points, strict=True)
    }


async def all_reports(call: Call) -> Any:
    """Names of the reports, and of the cards of the weights."""
    found = reports(call.studio.settings.reports)
    cards = [{"name": f"card-{name}", "title": f"card of {name}"} for name in call.studio.catalogue.places]
    return [{"name": name, "title": name.replace("~", "/")} for name in found] + cards


async def report(call: Call) -> Any:
    """A report or a card: its text, and what the page shows of it."""
    name = call.part("name")
    path = reports(call.studio.settings.reports).get(name)
    if path is not None:
        text = read_text(path)
        shown = [{"kind": "code", "text": text}] if path.suffix == ".json" else blocks(text)
        return {"name": name, "text": text, "blocks": shown}
    weights = name.removeprefix("card-")
    if weights == name or weights not in call.studio.catalogue.places:
        raise Refused(404, "There is no such report.")
    text = call.studio.catalogue.card(weights) or "These weights have no card."
    return {"name": name, "text": text, "blocks": blocks(text)}


_WAIT = {"wait": {"type": "integer", "minimum": 0, "maximum": 30}}
_ASSET = {
    "kind": {"type": "string", "enum": list(KINDS)},
    "schema": {"type": "string", "maxLength": 80},
    "to": {"type": "string", "maxLength": 80},
    "name": {"type": "string", "maxLength": MAX_NAME},
}
_OPERATION = {
    "type": "object",
    "properties": {
        "mode": {"type": "string", "enum": ["preview", "keep"]},
        "weights": {"type": ["string", "null"], "maxLength": MAX_NAME},
        "view": {"type": ["string", "null"], "maxLength": MAX_NAME},
        "name": {"type": ["string", "null"], "maxLength": MAX_NAME},
    },
    "description": "and the fields of the operation: this document has a path for each one that has weights here",
}
_PERSON = {
    "type": "object",
    "properties": {
        "kind": {"type": "string", "enum": list(PEOPLE)},
        "seed": {"type": "integer", "minimum": 0, "maximum": 2**53 - 1},
    },
}
_TOKEN = {"type": "object", "properties": {"token": {"type": ["string", "null"]}}}
_R = "/api/v1/results/{result}"
_PAGES = {"before": {"type": "string", "maxLength": 40}, "limit": {"type": "integer", "minimum": 1, "maximum": 100}}
_STREAM = {
    "limit": {"type": "integer", "minimum": 1, "maximum": 1_000_000},
    "seconds": {"type": "integer", "minimum": 0, "maximum": 86_400},
}
ROUTES = (
    Route("GET", "/healthz", health, "Alive?", tag="root"),
    Route("GET", "/metrics", metrics, "For Prometheus", media="text/plain", tag="root"),
    Route("GET", "/api/v1/about", about, "Version and limits"),
    Route("POST", "/api/v1/login", login, "Exchange the token for a cookie", body=_TOKEN),
    Route("GET", "/api/v1/systems", systems, "All systems"),
    Route("GET", "/api/v1/systems/{system}", system, "One system with its forms", errors=(404,)),
    Route("POST", "/api/v1/sessions", new_session, "Begin a session", status=201),
    Route("GET", "/api/v1/sessions", this_session, "The session"),
    Route("DELETE", "/api/v1/sessions", end_session, "Delete the session with all it has", status=204),
    Route("POST", "/api/v1/assets", add_asset, "Upload a file", 201, query=_ASSET, media="asset"),
    Route("GET", "/api/v1/assets/{asset}", asset, "A file as we encoded it", errors=(404,), media="image/png"),
    Route(
        *("POST", "/api/v1/systems/{system}/{operation}", operate, "Draw"),
        status=202,
        errors=(404, 501, 503),
        query=_WAIT,
        body=_OPERATION,
    ),
    Route("GET", "/api/v1/jobs", jobs, "The session's jobs"),
    Route("GET", "/api/v1/jobs/{job}", one_job, "A job", errors=(404,), query=_WAIT),
    Route("DELETE", "/api/v1/jobs/{job}", cancel, "Cancel a job", errors=(404,)),
    Route("GET", "/api/v1/events", events, "Server-sent events", query=_STREAM, media="text/event-stream"),
    Route("GET", "/api/v1/results", results, "Results, the newest first", query=_PAGES),
    Route("GET", _R, result, "A result", errors=(404,)),
    Route("DELETE", _R, delete_result, "Delete a result", 204, errors=(404,)),
    Route("GET", _R + "/images/{number}.png", image, "A picture", errors=(404,), media="image/png"),
    Route("GET", _R + "/clips/{number}.mp4", clip, "A clip", errors=(404,), media="video/mp4"),
    Route("GET", _R + "/label-map.png", found_map, "The map found in a photo", errors=(404,), media="image/png"),
    Route("GET", _R + "/result.json", record, "The stored result", errors=(404,)),
    Route("GET", _R + "/command", command, "The command that makes the same", errors=(404,)),
    Route("GET", _R + "/python", python, "The program that makes the same", errors=(404,)),
    Route("GET", _R + "/archive.zip", archive, "All of it", errors=(404,), media="application/zip"),
    Route("GET", _R + "/strokes.json", strokes, "The strokes of a painting", errors=(404,)),
    Route("GET", _R + "/painting.svg", drawing_of, "A painting as SVG", errors=(404,), media="image/svg+xml"),
    Route("GET", "/api/v1/schemas", schemas, "Label schemas"),
    Route("POST", "/api/v1/people", people, "A person that code made", 201, body=_PERSON),
    Route("GET", "/api/v1/reports", all_reports, "Reports"),
    Route("GET", "/api/v1/reports/{name}", report, "A report", errors=(404,)),
)


async def serve(route: Route, request: Request, studio: Studio) -> Response:
    """Answer a request; whatever fails becomes a problem in one sentence."""
    try:
        made = await route.handler(Call(request, studio))
        return made if hasattr(made, "body_iterator") or hasattr(made, "status_code") else answer(made, route.status)
    except Refused as error:
        refused = error
    except FieldError as error:
        refused = Refused(422, str(error), field=error.field)
    except MissingExtraError as error:
        refused = Refused(501, str(error))
    except (DiskError, WeightsError) as error:
        refused = Refused(503, str(error))
    except LimnerError as error:
        refused = Refused(422, str(error))
    except Exception as error:
        if type(error).__name__ == "ClientDisconnect":
            raise
        refused = fault(traceback.format_exc())
    return problem(refused)


def problem(refused: Refused) -> Response:
    """What a client reads of a refusal."""
    headers = {name.decode(): value.decode() for name, value in refused.headers()}
    made = answer(refused.problem(), refused.status, headers)
    made.headers["content-type"] = "application/problem+json"
    return made
