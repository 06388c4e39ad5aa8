"""Tar files of samples, as the package webdataset reads them: few large files instead of many small ones.

`limner.data.datasets.webdataset` reads them by the index that `pack` writes beside each.
"""

from __future__ import annotations

import io
import json
import math
import re
import tarfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from limner.data.image_io import PHOTO_SUFFIXES, photo_of_bytes, save_label_map
from limner.data.manifest import Layout, Row, hash_split, read_layout
from limner.data.marks import Marks
from limner.data.spec import DataSpec
from limner.errors import ConfigError, DataError
from limner.files import (
    at_home,
    keeping,
    open_regular,
    reason,
    refuse_losses,
    replacing_folder,
    resolved,
    sha256_of,
    write_atomically,
)

FOLDER = "shards"
DESCRIPTION = "dataset.json"
ADDRESS = "address.json"
"""Beside an index whose tar files lie elsewhere."""
INDEX_SUFFIX = ".json"
FORMAT_VERSION = 1
_SHARD = re.compile(rf"(train|val|test|unused)-\d{{6,}}\.tar({re.escape(INDEX_SUFFIX)})?")


@dataclass(frozen=True)
class Sample:
    """One sample of a shard."""

    split: str
    key: str
    """Its name; a dot would end it for readers."""
    members: Mapping[str, Path | bytes]
    """Suffix, such as "jpg" -> file to copy, or content."""


@dataclass(frozen=True)
class Made:
    """What the program that made a picture says of it in its shard."""

    picture: str
    """Path below the root, as the layout names it."""
    key: str
    """Of its sample."""
    labels: Mapping[str, Any]
    """For the JSON, in plain data."""


def write_shards(folder: Path, samples: Iterable[Sample], *, per_shard: int) -> list[Path]:
    """Write `folder/{split}-{number:06d}.tar`, the samples in their order; the same samples give the same bytes.

    Args:
        folder: where to, without other tar files.
        samples: all of them.
        per_shard: how many go into one file, at least 1; the last one of a split holds what is left.

    Returns:
        The shards.

    Raises:
        DataError: if a shard cannot be written.
    """
    waiting: dict[str, list[Sample]] = {}
    written: dict[str, list[Path]] = {}

    def flush(split: str) -> None:
        path = folder / f"{split}-{len(written.setdefault(split, [])):06d}.tar"
        write_atomically({path: partial(_write, waiting.pop(split))})
        written[split].append(path)

    for sample in samples:  # no more than a shard of each split is held in memory
        waiting.setdefault(sample.split, []).append(sample)
        if len(waiting[sample.split]) == per_shard:
            flush(sample.split)
    for split in list(waiting):
        flush(split)
    return [path for _, of_split in sorted(written.items()) for path in of_split]


def _write(samples: Iterable[Sample], path: Path) -> None:
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for sample in samples:
            for suffix, content in sample.members.items():
                data = content.read_bytes() if isinstance(content, Path) else content
                info = tarfile.TarInfo(f"{sample.key}.{suffix}")  # its time is 0, its owner 0
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))


def pack(
    root: str | Path,
    out: str | Path,
    *,
    per_shard: int,
    kind: str = "auto",
    made: Iterable[Made] = (),
    progress: Callable[[Sequence[Row]], Iterable[Row]] = iter,
) -> int:
    """Write a data set of any layout as tar files with an index; reading them gives the same samples.

    Pictures go in as the files that they are, or as PNG where the layout reads a part of a file; label maps as palette
    PNG in the layout's own schema.

    Args:
        root: of the data set.
        out: folder for `shards/`.
        per_shard: samples of a tar file.
        kind: layout of the data set.
        made: what the program that made the pictures says of them, if one did.
        progress: called with all rows and iterated over.

    Returns:
        The number of samples.

    Raises:
        ConfigError: if `per_shard` is less than 1, the data set holds what tar files cannot (clips, masks), or
            `out/shards` has files that are read here, or that are no shards.
        DataError: if a sample cannot be read or a file not be written; shards that were there stay as they were.
    """
    if per_shard < 1:
        raise ConfigError(f"per_shard is {per_shard}, but must be at least 1.")
    root, out = at_home(root), at_home(out)
    layout = read_layout(root, kind)
    if layout.problems:
        raise DataError(layout.problems[0])
    if layout.audio is not None or layout.masks or any(row.video for row in layout.rows):
        raise ConfigError(f"{root} has clips or masks, which are not written as tar files; leave --shards out.")
    has_splits = any(row.split for row in layout.rows)
    known = {one.picture: one for one in made}
    samples = (
        _sample(root, layout, row, known.get(row.image) or Made(row.image, f"{number:08d}", {}), has_splits)
        for number, row in enumerate(progress(layout.rows))
    )
    read = {path.parent for row in layout.rows for path in layout.reader.files(row)}
    target = out / FOLDER
    inputs = [folder for folder in read if resolved(folder).is_relative_to(resolved(target))]
    try:
        with keeping(inputs), replacing_folder(target, ours=_is_shard) as folder:
            written = write_shards(folder, samples, per_shard=per_shard)
            texts = {path.with_name(path.name + INDEX_SUFFIX): _index(path) for path in written}
            texts[folder / DESCRIPTION] = _description(layout, [path.name for path in written])
            write_atomically({path: partial(_write_text, text) for path, text in texts.items()})
    except OSError as error:
        raise DataError(f"{target} cannot be written: {reason(error)}.") from error
    return len(layout.rows)


def refuse_lost_files(out: Path) -> None:
    """Refuse a folder `out` whose shards `pack` could not replace; for callers that work for hours before it.

    Raises:
        ConfigError: if a file that is no shard would be lost.
    """
    refuse_losses(out / FOLDER, ours=_is_shard)


def _is_shard(name: str) -> bool:
    """Whether a file of the folder is of those that `pack` writes."""
    return name == DESCRIPTION or _SHARD.fullmatch(name) is not None


def members_of(path: Path) -> dict[str, dict[str, tuple[int, int]]]:
    """Key -> suffix -> (offset, size) of the regular files of a tar file, in their order.

    Raises:
        OSError, tarfile.TarError: if it cannot be read.
    """
    found: dict[str, dict[str, tuple[int, int]]] = {}
    with open_regular(path) as file, tarfile.open(fileobj=file, mode="r:") as tar:
        for member in tar:
            if member.isreg():
                key, _, suffix = member.name.partition(".")
                found.setdefault(key, {})[suffix] = (member.offset_data, member.size)
    return found


def _sample(root: Path, layout: Layout, row: Row, made: Made, has_splits: bool) -> Sample:
    members: dict[str, Path | bytes] = {}
    pixels, file = layout.reader.read_image(row), root / row.image
    if row.image and file.suffix.lower() in PHOTO_SUFFIXES and file.is_file():
        content = file.read_bytes()
        if np.array_equal(photo_of_bytes(content, where=str(file)), pixels):
            members[file.suffix[1:].lower()] = content
    if not members:
        picture = io.BytesIO()
        Image.fromarray(pixels).save(picture, format="PNG")
        members["png"] = picture.getvalue()
    if layout.schema is not None:
        label_map = io.BytesIO()
        save_label_map(label_map, layout.reader.read_label_map(row), layout.schema)
        members["label.png"] = label_map.getvalue()
    marks = Marks() if layout.marks is None else layout.marks(row.name)
    if marks.captions:
        members["txt"] = ("\n".join(marks.captions) + "\n").encode()
    labels = {**made.labels, "limner": _labels(row, marks)}
    members["json"] = json.dumps(labels, separators=(",", ":"), allow_nan=False).encode()
    split = row.split or ("unused" if has_splits else hash_split(row.name))
    return Sample(split, made.key, members)


def _labels(row: Row, marks: Marks) -> dict[str, Any]:
    """What a row and its marks are, in plain data; NaN is null."""
    found: dict[str, Any] = {"name": row.name, "attributes": [_plain(value) for value in row.attributes]}
    for name in ("split", "identity", "category"):
        if getattr(row, name):
            found[name] = getattr(row, name)
    if row.age is not None:
        found["age"] = row.age
    for name in ("landmarks", "keypoints"):
        points = getattr(marks, name)
        if points is not None:
            found[name] = [[_plain(value) for value in point] for point in points.tolist()]
    if marks.captions:
        found["captions"] = list(marks.captions)
    if marks.facts is not None:
        found["facts"], found["stated"] = dict(marks.facts.known), [dict(one) for one in marks.facts.stated]
    return found


def _description(layout: Layout, shards: list[str]) -> str:
    spec = DataSpec(
        labels=layout.schema,
        attribute_names=layout.attribute_names,
        attribute_kind=layout.attribute_kind,
        landmarks=layout.landmarks,
        keypoints=layout.keypoints,
        age_groups=layout.age_groups,
        vocabulary=layout.vocabulary,
    )
    default = layout.default_schema
    facts = {
        "format_version": FORMAT_VERSION,
        "shards": shards,
        "spec": spec.to_json(),
        "default_schema": None if default is None else default.to_json(),
        "fit": layout.fit,
        "captions": layout.captions,
        "pairs": [list(pair) for pair in layout.pairs],
    }
    return json.dumps(facts, indent=1) + "\n"


def _index(path: Path) -> str:
    """Where everything in a tar file lies, and what the JSON of each sample says."""
    try:
        samples = []
        with open_regular(path) as file:
            for key, members in members_of(path).items():
                offset, size = members["json"]
                file.seek(offset)
                samples.append([key, members, json.loads(file.read(size))])
    except (OSError, tarfile.TarError) as error:
        raise DataError(f"{path} cannot be read: {reason(error)}.") from error
    facts = {"format_version": FORMAT_VERSION, "tar_bytes": path.stat().st_size, "sha256": sha256_of(path)}
    return json.dumps({**facts, "samples": samples}, separators=(",", ":")) + "\n"


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _write_text(text: str, path: Path) -> None:
    path.write_text(text, encoding="utf-8")
