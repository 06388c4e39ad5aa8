"""Small weights and a stored result of every system that draws, and what somebody may have changed in a result."""

from __future__ import annotations

import base64
import dataclasses
import json
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from limner import registry
from limner.data.drawn import draw_face
from limner.plan import GenerationPlan
from tests.stick_people import draw, pose, write_stick_people

SYSTEMS = ("cyclegan", "maskface", "painter", "pix2pix", "portrait", "scagan", "scgan", "spade")
"""Those whose results can be drawn again."""

POSES = ("scagan",)
"""Those whose results show people in other poses."""

Record = dict[str, Any]


def smoke_pipeline(name: str, data: Path) -> Any:
    """A pipeline of the smoke preset with random networks."""
    if name in POSES:
        data = data.with_name("stick-people")
        if not data.exists():
            write_stick_people(data)
    config = registry.preset(name, "smoke")
    opened = registry.system_class(name).open_data(config, data)
    torch.manual_seed(0)
    system = registry.system_class(name)(config, opened.spec)
    return system.pipeline(dict(system.networks))


def make_result(name: str, pipeline: Any, folder: Path) -> Path:
    """Let a pipeline draw two pictures where it can, and store them; the JSON file."""
    face = draw_face(5, 0, size=64)
    ids = face.label_map
    if name == "painter":
        plan = pipeline.plan(Image.fromarray(face.image), [3, 5], size=(32, 32), name="face")
    elif name == "portrait":
        from limner.data.schema import converter

        label_map = converter("celebamask-19", "portrait-11")[ids]
        plan = pipeline.sit(face.image, label_map).repaint.plan(label_map)
    elif name in POSES:
        points = pose(np.random.default_rng(0))
        photo = draw(points, (200, 30, 30), (30, 30, 90))
        plan = pipeline.plan(photo, points, source_pose=points, seed=3, num_images=2)
    elif name == "cyclegan":
        plan = pipeline.plan(ids)
    else:
        plan = pipeline.plan(ids, seed=3, num_images=2)
    pipeline.render(plan).save(folder)
    return folder / "result.json"


def encoded(array: np.ndarray, **fields: object) -> Record:
    data = base64.b64encode(zlib.compress(np.ascontiguousarray(array).tobytes(), 9)).decode()
    return {"dtype": array.dtype.str, "shape": list(array.shape), "zlib_base64": data, **fields}


def resealed(record: Record) -> Record:
    """With a digest that fits, as somebody who changes results would write it; as it was where there can be none."""
    try:
        plan = GenerationPlan.from_json(record)
        digest = plan.digest(record["system"], record["weights_hash"])
    except Exception:
        return record
    return {**record, "digest": digest}


def settings(**changes: object) -> Callable[[Record], Record]:
    return lambda record: {**record, "settings": {**record["settings"], **changes}}


def field(**changes: object) -> Callable[[Record], Record]:
    return lambda record: {**record, **changes}


def first(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Record], Record]:
    """Change the array that every plan of the system has."""

    def changed(record: Record) -> Record:
        arrays = GenerationPlan.from_json(record).conditions
        name = _first(arrays)
        return {**record, "conditions": {**record["conditions"], name: encoded(change(arrays[name]))}}

    return changed


def _first(arrays: Mapping[str, Any]) -> str:
    """The array that is changed: the picture or map where there is one."""
    return next((name for name in ("image", "label_map") if name in arrays), next(iter(arrays)))


def conditions(**arrays: Record) -> Callable[[Record], Record]:
    return lambda record: {**record, "conditions": {**record["conditions"], **arrays}}


def without_first(record: Record) -> Record:
    name = _first(record["conditions"])
    return {**record, "conditions": {key: value for key, value in record["conditions"].items() if key != name}}


def bomb(num_bytes: int) -> Record:
    """Zeros that take a thousandth of their size in the file."""
    packer, zeros, parts = zlib.compressobj(9), bytes(1 << 20), []
    for _ in range(num_bytes >> 20):
        parts.append(packer.compress(zeros))
    data = base64.b64encode(b"".join([*parts, packer.flush()])).decode()
    return {"dtype": "|u1", "shape": [1, num_bytes >> 20 << 20], "zlib_base64": data}


CHANGES: dict[str, Callable[[Record], Record]] = {
    "columns of none": settings(columns=0),
    "columns without end": settings(columns=10**9),
    "columns in words": settings(columns="many"),
    "columns that are true": settings(columns=True),
    "no seeds": field(seeds=[]),
    "huge seed": lambda record: field(seeds=[2**80] * len(record["seeds"]))(record),
    "negative seed": lambda record: field(seeds=[-1] * len(record["seeds"]))(record),
    "seed of text": lambda record: field(seeds=["1"] * len(record["seeds"]))(record),
    "seed of a fraction": lambda record: field(seeds=[1.5] * len(record["seeds"]))(record),
    "seed that is true": lambda record: field(seeds=[True] * len(record["seeds"]))(record),
    "seeds of a mapping": field(seeds={"a": 1}),
    "batch of none": field(batch_size=0),
    "batch of text": field(batch_size="4"),
    "settings of a list": field(settings=[1]),
    "array of other numbers": first(lambda array: array.astype(np.int64)),
    "array of another shape": first(lambda array: array[:, :-1]),
    "array with an axis more": first(lambda array: array[..., None]),
    "array of foreign byte order": first(lambda array: array.astype(">i4")),
    "unknown array": conditions(more=encoded(np.zeros((1, 2), np.uint8))),
    "array missing": without_first,
    "array of gigabytes by its shape": conditions(more=encoded(np.zeros(1, np.uint8), shape=[1, 2**40])),
    "array of negative size": conditions(more=encoded(np.zeros(1, np.uint8), shape=[-1, -1])),
    "array of objects": conditions(more=encoded(np.zeros(1, np.uint8), dtype="|O8")),
    "arrays of a list": field(conditions=[1]),
}
IDS: dict[str, Callable[[Record], Record]] = {"ids of 255": first(lambda array: np.full_like(array, 255))}
"""Of systems whose plans have label maps."""
POSE: dict[str, Callable[[Record], Record]] = {
    "view of nothing": conditions(view=encoded(np.full(1, 200, np.uint8))),
    "points without end": conditions(points=encoded(np.full((1, 18, 2), np.inf, np.float32))),
    "points far away": conditions(source_points=encoded(np.full((1, 18, 2), 1e20, np.float32))),
    "edges that are half there": conditions(is_content=encoded(np.full(1, 7, np.uint8))),
}
PAINTER: dict[str, Callable[[Record], Record]] = {
    "absolute name": settings(name="/abs"),
    "name that climbs": settings(name="../x"),
    "name of a number": settings(name=7),
    "no name": settings(name=""),
    "strokes without end": settings(strokes=[10**9, 5]),
    "strokes of text": settings(strokes="many"),
    "tiles of nothing": settings(tiles=[]),
    "tiles without end": settings(tiles=[[10**6], []]),
    "huge size": settings(size=[10**6, 10**6]),
    "size of text": settings(size="large"),
    "frame outside": settings(frame=[0.5, 0.5, 3.0, 3.0]),
    "frame of nothing": settings(frame=[0, 0, 0, 0]),
    "frame that is no number": settings(frame=[None] * 4),
    "unknown fit": settings(fit="squeeze"),
    "unknown features": settings(features="vgg99"),
    "VGG-16 of a path": settings(features="vgg16", vgg16="/dev/zero"),
    "canvas of text": settings(canvas="sky"),
    "focus of infinity": settings(focus=1e308),
    "strokes to go on from": conditions(strokes=encoded(np.full((1, 3, 19), np.nan))),
    "strokes of other numbers": conditions(strokes=encoded(np.zeros((1, 3, 7)))),
    "palette without end": conditions(palette=encoded(np.zeros((1, 10**4, 3)))),
}


def changes_of(system: str) -> dict[str, Callable[[Record], Record]]:
    if system not in SYSTEMS:
        return CHANGES
    return {**CHANGES, **(PAINTER if system == "painter" else POSE if system in POSES else IDS)}


def write_changed(path: Path, source: Path, change: Callable[[Record], Record]) -> Path:
    """A stored result after a change, its digest made to fit."""
    path.write_text(json.dumps(resealed(change(json.loads(source.read_text())))))
    return path


@dataclasses.dataclass(frozen=True)
class Stored:
    """A system's weights folder, a pipeline of it, and a result that it drew."""

    system: str
    weights: Path
    pipeline: Any
    result: Path
