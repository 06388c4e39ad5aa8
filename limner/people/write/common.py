"""What all kinds of people on disk share: the arguments, the record of a picture, the shards."""

from __future__ import annotations

import importlib
import json
import zlib
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

import limner
from limner.data.collection import Maker, Progress, Record, write_collection
from limner.data.schema import LabelSchema, get_schema
from limner.data.shards import Made, pack, refuse_lost_files
from limner.errors import ConfigError, nearest
from limner.files import at_home
from limner.optional import optional
from limner.people.describe import facts, sentences
from limner.people.person import Person
from limner.people.rendering import MIN_SHARE
from limner.people.scene import Scene

KINDS: dict[str, str] = {
    "people-faces": "limner.people.write.faces:Faces",
    "people-ages": "limner.people.write.ages:Ages",
    "people-bodies": "limner.people.write.bodies:Bodies",
}
"""Kind -> class that makes it."""
SIZES = (64, 512)
"""Smallest and largest side of a picture in pixels."""
BODY_STEP = 32
"""Sides of bodies are multiples of it, so that the person's columns, 11 of 16, lie in the middle."""
FACTS = "facts.jsonl"
"""What is known of every picture and stated by each of its captions, see `fact_table`."""
_SCHEMA = get_schema("celebamask-19")


class PeopleMaker(Maker, Protocol):
    """A maker of `limner.data.collection` whose pictures can go into shards."""

    def made(self, record: Record) -> Made:
        """What a shard says of a finished picture beside its labels."""


def people_settings(kind: str, seed: int, size: int) -> dict[str, Any]:
    """What makes the files what they are; another version of the package may render other pictures."""
    return {"kind": kind, "seed": seed, "size": size, "limner": limner.__version__}


def generator(seed: int, index: int, purpose: str) -> np.random.Generator:
    """Random numbers of one picture and purpose."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, index, zlib.crc32(purpose.encode())])))


def visible_classes(parsing: npt.NDArray[np.uint8], schema: LabelSchema = _SCHEMA) -> set[str]:
    """Names of the classes that a map (H, W) shows in more than a few pixels."""
    counts = np.bincount(parsing.ravel(), minlength=schema.num_classes)
    return {name for name, count in zip(schema.classes, counts, strict=True) if count > MIN_SHARE * parsing.size}


def captioned(
    person: Person, scene: Scene, visible: Collection[str], rng: np.random.Generator
) -> tuple[bytes, dict[str, Any]]:
    """Ten sentences about a picture as the content of a file, and for its record what `fact_table` lists."""
    found = sentences(person, scene, rng, visible=visible)
    labels = {
        "facts": {fact.name: fact.value for fact in facts(person, scene, visible=visible)},
        "stated": [{name: list(values) for name, values in sentence.meant.items()} for sentence in found],
    }
    return ("\n".join(sentence.text for sentence in found) + "\n").encode(), labels


def fact_table(rows: Iterable[tuple[str, Record]]) -> str:
    """The text of `FACTS` for pairs of a picture's name and its record: one JSON object a line.

    `{"name": ..., "facts": {name: value}, "stated": [{name: [values]}, ...]}`: all facts of the picture, and for every
    line of its captions the facts that it states, each with all values of which its words are true. A caption is true
    of any picture that has one of these values under each of these names.
    """
    lines = [
        json.dumps({"name": name, "facts": record["facts"], "stated": record["stated"]}, separators=(",", ":"))
        for name, record in rows
        if "facts" in record  # pictures of a folder that an older version began have none
    ]
    return "".join(f"{line}\n" for line in lines)


def rounded(points: npt.NDArray[Any]) -> list[float]:
    """Points (n, 2) as plain numbers x0, y0, x1, ... with three decimals."""
    return [round(float(value), 3) for value in points.ravel()]


def write_people(
    kind: str,
    out: str | Path,
    *,
    num: int,
    size: int = 128,
    seed: int = 0,
    workers: int = 1,
    per_shard: int = 0,
    same_scene: bool = False,
    progress: Progress | None = None,
) -> list[Record]:
    """Render pictures 0 to `num` - 1 of the collection `seed` and write them with their labels.

    What is there is kept; see `limner.data.collection.write_collection`. The heads of `faces`, `ages` and `bodies` in
    `limner.people.write` show the layouts.

    Args:
        kind: a name of `KINDS`.
        out: folder, made if missing.
        num: number of pictures, at least 1.
        size: side of a picture in pixels, 64 to 512; of bodies a multiple of 32.
        seed: of the collection, at least 0.
        workers: number of processes; more than one needs an importable main module.
        per_shard: also pack the samples into tar files of so many each; 0: do not.
        same_scene: of "people-ages" only: all ages of a person in one scene, as exact truth for evaluation.
        progress: wraps the indices as they are finished, as `tqdm` does.

    Returns:
        The records of all pictures.

    Raises:
        ConfigError: if an argument is out of range or the folder holds something else.
        DataError: if a file cannot be written or a worker is killed.
        MissingExtraError: if the renderer is not installed.
    """
    if kind not in KINDS:
        raise ConfigError(f'There is no kind of people "{kind}".{nearest(kind, KINDS)}')
    for name, value, low in (("num", num, 1), ("seed", seed, 0), ("per_shard", per_shard, 0)):
        if value < low:
            raise ConfigError(f"{name} is {value}, but must be at least {low}.")
    if not SIZES[0] <= size <= SIZES[1]:
        raise ConfigError(f"size is {size}, but must be from {SIZES[0]} to {SIZES[1]}.")
    if kind == "people-bodies" and size % BODY_STEP:
        raise ConfigError(f"size is {size}, but must be a multiple of {BODY_STEP} for {kind}: 64, 96, 128 ...")
    options = {}
    if same_scene:
        if kind != "people-ages":
            raise ConfigError(f"same_scene is for people-ages, not for {kind}: leave it out.")
        options["same_scene"] = True
    module, _, name = KINDS[kind].partition(":")
    maker: PeopleMaker = getattr(importlib.import_module(module), name)(seed, size, **options)
    optional("warp", extra="people")  # before anything is written
    out = at_home(out)
    if per_shard:
        refuse_lost_files(out)
    records = write_collection(out, maker, range(num), workers=workers, progress=progress)
    if per_shard:
        pack(out, out, per_shard=per_shard, made=map(maker.made, records))
    return records
