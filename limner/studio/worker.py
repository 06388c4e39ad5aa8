"""The process that draws: pipelines stay loaded here, so that the server needs no torch and outlives a crash.

A kept job is drawn alone, with its plan's own batch size; previews of one kind may be drawn in one pass. While a kept
job is drawn, waiting previews are drawn between its pictures, at most four in a row.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import io
import json
import logging
import os
import shutil
import struct
import tempfile
import traceback
import zlib
from collections import OrderedDict, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from limner import registry
from limner.errors import DataError, LimnerError, MissingExtraError, WeightsError
from limner.studio.workspace import DiskError, on_disk

if TYPE_CHECKING:
    from PIL import Image

    from limner.data.schema import LabelSchema
    from limner.operations import Operation
    from limner.pipelines import Pipeline
    from limner.plan import GenerationPlan
    from limner.runtimes import Runtime

LOADED = 3
IN_A_ROW = 4
LINKED = 1000
"""Files of previews to which links are kept."""
log = logging.getLogger("limner.studio")


@dataclass(frozen=True)
class Work:
    """One job, as a worker sees it.

    Attributes:
        id: of the job.
        system: its name.
        operation: its name.
        weights: name or folder.
        values: checked values of the fields.
        files: id of an asset -> its place and the name that the user gave it.
        folder: where a kept result goes; none: a preview.
    """

    id: str
    system: str
    operation: str
    weights: str
    values: Mapping[str, Any]
    files: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    folder: str | None = None


class Stopped(Exception):
    """A job was cancelled."""


class Worker:
    """What one process does.

    Args:
        connection: to the server.
        device: where networks are.
        runtime: what runs them: "auto", "torch" or "onnx".
        merged: previews in one pass.
    """

    def __init__(self, connection: Connection, device: str, runtime: Runtime, merged: int) -> None:
        self.connection, self.device, self.runtime, self.merged = connection, device, runtime, merged
        self.loaded: OrderedDict[str, Pipeline] = OrderedDict()
        self.previews: deque[Work] = deque()
        self.kept: deque[Work] = deque()
        self.cancelled: set[str] = set()
        self.is_over = False
        self.words: dict[str, str] = {}  # name of a file of the job at hand -> what its user calls it
        self.links: dict[str, str] = {}  # name in the folder below -> file that it leads to
        self.scratch = tempfile.TemporaryDirectory(prefix="limner-studio-")

    def run(self) -> None:
        """Until the server says that it is over, or is gone."""
        try:
            while not self.is_over:
                self.listen(None if not self.previews and not self.kept else 0)
                if self.previews:
                    self.draw_previews()
                elif self.kept:
                    self.keep(self.kept.popleft())
        except (EOFError, OSError):
            return

    def listen(self, timeout: float | None) -> None:
        """Take in what the server said."""
        while self.connection.poll(timeout):
            kind, *rest = self.connection.recv()
            if kind == "stop":
                self.is_over = True
                return
            if kind == "cancel":
                self.cancelled.add(rest[0])
            else:
                (self.kept if rest[0].folder else self.previews).append(rest[0])
            timeout = 0

    def say(self, *message: Any) -> None:
        """Tell the server."""
        self.connection.send(message)

    def pipeline(self, work: Work) -> Pipeline:
        """Loaded weights; the one that was not used for longest leaves."""
        if work.weights not in self.loaded:
            from limner.pipelines import load

            pipeline = load(work.weights, system=work.system, runtime=self.runtime).to(_device(self.device))
            self.loaded[work.weights] = pipeline
        self.loaded.move_to_end(work.weights)
        while len(self.loaded) > LOADED:
            self.loaded.popitem(last=False)
        return self.loaded[work.weights]

    def draw_previews(self) -> int:
        """Draw the first previews that can share a pass; their number."""
        first = self.previews.popleft()
        group = [first]
        if operation_of(first).merges:
            alike = [one for one in self.previews if _kind(one) == _kind(first)][: self.merged - 1]
            for one in alike:
                self.previews.remove(one)
            group += alike
        planned: list[tuple[Work, Any, GenerationPlan]] = []
        for work in group:
            with self.reporting(work):
                self.check(work)
                self.say("started", work.id)
                owner, plan, _ = self.plan(work)
                planned.append((work, owner, plan))
        for together in _alike(planned):
            self._draw_together(together)
        return len(group)

    def _draw_together(self, planned: list[tuple[Work, Any, GenerationPlan]]) -> None:
        merged = planned[0][2] if len(planned) == 1 else merge([plan for _, _, plan in planned], self.merged)
        try:
            with _threads_less(len(planned) > 1):
                result = planned[0][1].render(merged, progress=lambda count: self.listen(0))
        except Exception:
            if len(planned) == 1:
                with self.reporting(planned[0][0]):
                    raise
            for one in planned:  # the fault of one is not that of all
                self._draw_together([one])
            return
        media, at = list(result.media), 0
        for work, _, plan in planned:
            with self.reporting(work):
                count = len(plan.seeds)
                shown = media[at : at + count]
                at += count
                extra = _strokes(result) if count == len(media) else None
                facts = {
                    "names": [item.name for item in plan.items],
                    "beside": extra,
                    "label_map": self.found_map(work, plan),
                }
                suffixes = [one.suffix for one in shown]
                pictures = [_content(one, result) for one in shown]
                self.say("done", work.id, {"pictures": pictures, "suffixes": suffixes, **facts})

    def found_map(self, work: Work, plan: GenerationPlan) -> bytes | None:
        """The label map that the weights found in a photo, where a repainted one could have been given: a PNG."""
        from limner.data.image_io import save_label_map

        for name, one in operation_of(work).fields.items():
            is_left_out = name in plan.conditions and name not in work.values
            if is_left_out and not one.is_required and one.control == "label-map":
                buffer = io.BytesIO()
                save_label_map(buffer, plan.condition(name, range(1))[0], self.pipeline(work).spec.schema)
                return buffer.getvalue()
        return None

    def keep(self, work: Work) -> None:
        """Draw a kept job into its folder."""
        with self.reporting(work):
            self.check(work)
            self.say("started", work.id)
            folder = Path(work.folder or "")
            shutil.rmtree(folder, ignore_errors=True)  # of a run that was killed
            with on_disk():
                folder.mkdir()  # not its parents: they are gone if the session was deleted
            owner, plan, arguments = self.plan(work, folder / "inputs")
            done, amount = 0, max(1, owner.amount(plan) if hasattr(owner, "amount") else len(plan.seeds))

            def progress(count: int) -> None:
                nonlocal done
                done += count
                self.listen(0)
                served = 0
                while self.previews and served < IN_A_ROW:
                    served += self.draw_previews()
                self.check(work)
                self.say("progress", work.id, min(1.0, done / amount))

            result = owner.render(plan, progress=progress)
            with on_disk():
                result.save(folder / "pictures")
            self.listen(0)
            self.check(work)
            operation = operation_of(work)
            runtime = result.plan.runtime
            words = operation.command_line(work.system, work.weights, arguments, runtime=runtime)
            names = result.file_names()
            program = operation.python(work.weights, arguments, runtime=runtime)
            record = {"pictures": names, "command": words, "python": program}
            record |= {"provenance": dict(result.provenance), "seeds": list(plan.seeds)}
            # As plain values: torch's version is of a class of torch, which the server would have to import.
            self.say("done", work.id, json.loads(json.dumps(record)))

    def check(self, work: Work) -> None:
        """Raises: Stopped if the job was cancelled."""
        if work.id in self.cancelled:
            self.cancelled.remove(work.id)
            raise Stopped

    def plan(self, work: Work, folder: Path | None = None) -> tuple[Any, GenerationPlan, dict[str, Any]]:
        """What draws, the plan, and the arguments that made it; files lie in the folder, by the fields' names."""
        pipeline, operation = self.pipeline(work), operation_of(work)
        place, names = folder or self.linked(), dict[str, str]()
        try:
            with on_disk():
                if folder is not None:  # also where no file goes into it
                    folder.mkdir(exist_ok=True)
                for stem, asset in operation.files(work.values):
                    if asset in names:  # one file may stand in two fields
                        continue
                    source, suffix = work.files[asset][0], os.path.splitext(work.files[asset][0])[1]
                    names[asset] = stem + suffix if folder else f"{asset}/{stem}{suffix}"
                    if folder is None:
                        self.link(source, names[asset])
                    else:
                        shutil.copyfile(source, folder / names[asset])
            self.words = {path: work.files[asset][1] or Path(path).name for asset, path in names.items()}
            arguments = operation.arguments(work.values, names)
            with _inside(place):
                owner, plan = operation.plan_with(pipeline, arguments)
        except DiskError:
            raise
        except LimnerError as error:
            raise type(error)(self.in_users_words(str(error))) from error
        finally:
            for name in names.values() if folder is None else ():
                if name not in self.links:  # a copy of a user's file must not outlive its session
                    (place / name).unlink(missing_ok=True)
        return owner, plan, arguments

    def linked(self) -> Path:
        """Where previews find their files; links stay, for to remove one takes milliseconds on a busy disk."""
        place = Path(self.scratch.name)
        if len(self.links) > LINKED:
            self.links.clear()
            for folder in place.iterdir():
                shutil.rmtree(folder, ignore_errors=True)
        return place

    def link(self, source: str, name: str) -> None:
        """Give a file a name for previews, where there are links; it costs less than a copy."""
        known = self.links.get(name)
        if known == source:
            return
        place = Path(self.scratch.name, name)
        if known is not None and place.exists():  # one of another session that is still there
            return
        place.parent.mkdir(exist_ok=True)
        place.unlink(missing_ok=True)
        try:
            place.symlink_to(os.path.abspath(source))
            self.links[name] = source
        except (OSError, NotImplementedError):  # no right to make links, or a system without them
            shutil.copyfile(source, place)

    def in_users_words(self, text: str) -> str:
        """A sentence about the job at hand in which files have the names that their user gave them."""
        for path, word in self.words.items():
            name = Path(path).name
            text = text.replace(path, name).replace(name, word)
        return text

    @contextlib.contextmanager
    def reporting(self, work: Work) -> Iterator[None]:
        """Tell the server of a failure, and go on."""
        try:
            yield
        except Stopped:
            if work.folder is not None:
                shutil.rmtree(work.folder, ignore_errors=True)
            self.say("cancelled", work.id)
        except (EOFError, BrokenPipeError):
            raise
        except Exception as error:
            if work.folder is not None and not Path(work.folder).parent.is_dir():  # the session was deleted
                self.say("cancelled", work.id)
            else:
                self._fail(work, error)

    def _fail(self, work: Work, error: Exception) -> None:
        if isinstance(error, LimnerError):
            is_away = isinstance(error, WeightsError | DiskError)
            status = 503 if is_away else 501 if isinstance(error, MissingExtraError) else 422
            self.say("failed", work.id, status, str(error))
        else:
            self.say("failed", work.id, 500, "".join(traceback.format_exception(error)))


def serve(connection: Connection, device: str, runtime: Runtime, threads: int) -> None:
    """The process: see `Worker`."""
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's
    keep_memory()
    import torch

    # No more than PyTorch would take by itself, which looks at OMP_NUM_THREADS and at the cores that it may use.
    torch.set_num_threads(min(threads, torch.get_num_threads()))
    merged = 8 if _device(device) == "cpu" else 16
    worker = Worker(connection, device, runtime, merged)
    logging.getLogger("limner").addHandler(Terminal(worker))
    connection.send(("ready",))
    worker.run()


def keep_memory() -> None:
    """Let glibc keep what is freed, where it is the C library, unless the user's environment says how much.

    A picture's arrays are large enough that by itself it gives their memory back to the system after some pictures and
    not after others, as they happen to lie. To take it again for the next picture costs a tenth of a small network's
    time: up to two thousand page faults. The thresholds are the highest ones that glibc comes to by its own rule.
    """
    if {"MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES"} & set(os.environ):
        return
    try:
        set_option = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library, or Windows
        return
    trim_threshold, mmap_threshold = -1, -3  # names in malloc.h
    set_option(mmap_threshold, 32 * 2**20)
    set_option(trim_threshold, 64 * 2**20)


class Terminal(logging.StreamHandler[TextIO]):
    """Prints warnings of a worker with its users' names of files."""

    def __init__(self, worker: Worker) -> None:
        super().__init__()
        self.worker = worker
        self.setLevel(logging.WARNING)

    def format(self, record: logging.LogRecord) -> str:
        """The warning."""
        return self.worker.in_users_words(super().format(record))


def _device(name: str) -> str:
    import torch

    if name != "auto":
        return name
    return "cuda" if torch.cuda.is_available() else "cpu"


@contextlib.contextmanager
def _threads_less(is_less: bool) -> Iterator[None]:
    """Leave a core to the server, which reads and answers for others while a pass of several is drawn."""
    import torch

    threads = torch.get_num_threads()
    if is_less and threads > 1:
        torch.set_num_threads(threads - 1)
    try:
        yield
    finally:
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)


def operation_of(work: Work) -> Operation:
    """The declaration."""
    return _declared(work.system, work.operation)


@lru_cache(maxsize=256)
def _declared(system: str, name: str) -> Operation:
    return next(one for one in registry.operations(system) if one.name == name)


def merge(plans: list[GenerationPlan], most: int) -> GenerationPlan:
    """One plan of the pictures of several, which share the kinds of their conditions."""
    import numpy as np

    conditions = {}
    for name in plans[0].conditions:
        rows = [plan.condition(name, range(len(plan.seeds))) for plan in plans]
        conditions[name] = np.concatenate(rows)
    seeds = [seed for plan in plans for seed in plan.seeds]
    settings = {name: value for name, value in plans[0].settings.items() if name != "columns"}
    return replace(
        plans[0], seeds=seeds, settings=settings, conditions=conditions, names=None, batch_size=min(most, len(seeds))
    )


def _alike(planned: list[tuple[Work, Any, Any]]) -> list[list[tuple[Work, Any, Any]]]:
    if len(planned) == 1:
        return [planned]
    groups: dict[Any, list[tuple[Work, Any, Any]]] = {}
    for one in planned:
        plan = one[2]
        shapes = tuple(sorted((name, str(rows.dtype), rows.shape[1:]) for name, rows in plan.conditions.items()))
        key = (plan.settings.get("mode"), shapes) if operation_of(one[0]).merges else one[0].id
        groups.setdefault(key, []).append(one)
    return list(groups.values())


def _kind(work: Work) -> tuple[str, str, str]:
    return (work.system, work.weights, work.operation)


def _content(medium: Any, result: Any) -> bytes:
    """The file of a medium: a PNG, or a clip."""
    if medium.suffix != ".png":
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"clip{medium.suffix}"
            medium.write(path, result.facts())
            return path.read_bytes()
    return png(medium.still())


def png(picture: Image.Image) -> bytes:
    """An RGB picture as PNG in less than half of Pillow's least time, as large as Pillow writes it then.

    Every row but the first is stored as its difference from the one above (the filter "up" of the PNG specification,
    §9.2), and only runs of equal bytes are looked for; Pillow tries all five filters of each row.
    """
    import numpy as np

    pixels = np.asarray(picture)
    height, width, _ = pixels.shape
    values, rows = pixels.reshape(height, -1), np.full((height, 1 + 3 * width), 2, np.uint8)
    rows[0, 1:] = values[0]
    np.subtract(values[1:], values[:-1], out=rows[1:, 1:])
    packer = zlib.compressobj(1, zlib.DEFLATED, zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, zlib.Z_RLE)
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", packer.compress(rows.data) + packer.flush()), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def _strokes(result: Any) -> Any:
    documents = getattr(result, "documents", None)
    return json.loads(documents[0].to_json()) if documents else None


@contextlib.contextmanager
def _inside(folder: Path) -> Iterator[None]:
    """Relative names are of this folder; the process has one thread."""
    before = os.getcwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def prepare_reading() -> None:
    """Import what `decode` needs."""
    importlib.import_module("limner.data.image_io")


class SchemaMissing(DataError):
    """A label map's file does not say which classes it has, and nobody else did."""


def decode(
    content: bytes,
    kind: str,
    schema: LabelSchema | None,
    target: LabelSchema | None,
    limits: Mapping[str, int],
    name: str,
) -> dict[str, Any]:
    """An uploaded file as we write it: decoded, checked, without metadata. Runs in a process of its own.

    Args:
        content: the file.
        kind: "photo", "label_map", "audio", "keypoints", "strokes" or "auto" (a picture of either kind).
        schema: of a map whose file does not say it.
        target: schema that a map is converted to; none: it stays as it is.
        limits: "pixels" and "side" of pictures, "seconds" of sound.
        name: what the user calls it.

    Returns:
        `content`, `kind`, and width, height and schema where there are any.

    Raises:
        SchemaMissing: if nothing says which classes a map has.
        ConfigError: if they have no counterpart in the target.
        DataError: in one sentence.
    """
    if kind in ("keypoints", "strokes"):
        try:
            return {"content": json.dumps(json.loads(content)).encode(), "kind": kind}
        except (ValueError, RecursionError) as error:
            raise DataError(f"{name} is not JSON.") from error
    if kind == "audio":
        return {"content": _wave(content, name, limits["seconds"]), "kind": kind}
    from PIL import Image

    from limner.data.image_io import label_map_from_pil, noted_schema, open_upload, photo_from_pil, save_label_map
    from limner.data.schema import converter

    buffer = io.BytesIO()
    with open_upload(content, where=name, max_pixels=limits["pixels"], max_side=limits["side"]) as picture:
        noted = noted_schema(picture)
        if kind != "label_map" and (kind != "auto" or noted is None):
            pixels = photo_from_pil(picture, where=name)
            Image.fromarray(pixels).save(buffer, "PNG", compress_level=1)
            height, width = pixels.shape[:2]
            return {"content": buffer.getvalue(), "kind": "photo", "width": width, "height": height}
        chosen = noted or schema
        if chosen is None and _is_photo(picture):
            raise DataError(f'{name} is a photo, not a label map; open it under "Edit a portrait".')
        if chosen is None:
            raise SchemaMissing(f"{name} does not say which label schema it is of; name one that /api/v1/schemas has.")
        ids = label_map_from_pil(picture, chosen, where=name)
    if target is not None:
        chosen, ids = target, converter(chosen, target)[ids]
    save_label_map(buffer, ids, chosen)
    size = {"width": ids.shape[1], "height": ids.shape[0]}
    return {"content": buffer.getvalue(), "kind": "label_map", **size, "schema": chosen.name}


def _is_photo(picture: Image.Image) -> bool:
    """Whether a picture has more colours than a map can have classes."""
    return picture.mode in ("RGB", "RGBA") and picture.convert("RGB").getcolors(256) is None


def svg_of(function: str, path: Path) -> bytes:
    """A stroke file as SVG, by what a system names for it; in a process of its own."""
    module, _, name = function.partition(":")
    made: str = getattr(importlib.import_module(module), name)(path)
    return made.encode()


def _wave(content: bytes, name: str, seconds: int) -> bytes:
    """Sound as 16-bit mono WAV at 16 kHz."""
    import wave

    import numpy as np

    from limner.media import read_waveform

    with tempfile.NamedTemporaryFile(suffix=".bin") as file:
        file.write(content)
        file.flush()
        try:
            samples = np.asarray(read_waveform(file.name, max_seconds=seconds))
        except DataError as error:
            raise DataError(str(error).replace(file.name, name)) from error
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16_000)
        out.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return buffer.getvalue()
