"""What is in a data set and what is wrong with it, before a run of hours finds out."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from limner.data.captions import Vocabulary, tokens
from limner.data.clip_checks import ClipFindings, some
from limner.data.clips import ClipReader
from limner.data.fields import IN_WORDS
from limner.data.image_io import check_same_shape
from limner.data.manifest import Manifest, Row
from limner.data.plausibility import order_problem, side_agreement
from limner.errors import ConfigError, DataError, counted

MAX_JUDGED = 200
"""Maps kept to judge the order of the classes by; more would not change the verdict."""


@dataclass
class Report:
    """Result of `check_dataset`."""

    path: str
    kind: str
    schema: str
    attribute_names: tuple[str, ...]
    num_rows: int
    num_checked: int
    splits: dict[str, int]
    image_sizes: dict[str, int] = field(default_factory=dict)
    """"width x height" -> number of pictures."""
    label_map_sizes: dict[str, int] = field(default_factory=dict)
    class_shares: dict[str, float] = field(default_factory=dict)
    """Class -> share of all pixels, in [0, 1]."""
    class_presence: dict[str, float] = field(default_factory=dict)
    """Class -> share of the maps that have it, in [0, 1]."""
    fields: list[str] = field(default_factory=list)
    """What the samples have."""
    further: dict[str, str] = field(default_factory=dict)
    """What there is beside pictures, label maps and attributes, in words."""
    attribute_shares: dict[str, float] = field(default_factory=dict)
    """Attribute -> share of the pictures that have it, in [0, 1]."""
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """The report as plain data."""
        return asdict(self)

    def to_text(self, *, max_lines: int = 10) -> str:
        """The report for people; long lists of errors and warnings are cut to `max_lines`."""
        attributes = ", ".join(f"{name} {share:.0%}" for name, share in self.attribute_shares.items())
        lines = [
            f"{self.path}: {self.kind}, {self.num_rows} samples ({_counts(self.splits)}), {self.num_checked} checked",
            f"images      {_counts(self.image_sizes)}",
        ]
        if "label_map" in self.fields:
            lines += [f"label maps  {_counts(self.label_map_sizes)}", f"schema      {self.schema}"]
        if {"label_map", "attributes"} & set(self.fields):
            lines += [f"attributes  {attributes or 'none'}"]
        lines += [f"{name:10}  {text}" for name, text in self.further.items()]
        if self.class_shares:
            width = max(map(len, self.class_shares))
            lines += ["", f"{'class':{width}}  of pixels  of maps"]
            lines += [
                f"{name:{width}}  {share:9.2%}  {self.class_presence[name]:7.1%}"
                for name, share in self.class_shares.items()
            ]
        for title, texts in (("error", self.errors), ("warning", self.warnings)):
            lines += [""] * bool(texts) + [f"{title}: {text}" for text in texts[:max_lines]]
            if len(texts) > max_lines:
                lines.append(f"{title}: … and {len(texts) - max_lines} more (--json has all)")
        verdict = counted(len(self.errors), "error") if self.errors else "no errors"
        return "\n".join([*lines, "", f"{verdict}, {counted(len(self.warnings), 'warning')}"])


def check_dataset(
    manifest: Manifest,
    *,
    limit: int | None = None,
    progress: Callable[[Sequence[Row]], Iterable[Row]] = iter,
) -> Report:
    """Read every sample (or `limit` of them, evenly spread) and report what is there and what is wrong.

    Args:
        manifest: opened with `allow_problems=True`, so that missing files are reported and not raised.
        limit: how many samples to read; none: all.
        progress: wraps the samples that are read, to show a bar.

    Raises:
        ConfigError: if `limit` is less than 1.
    """
    if limit is not None and limit < 1:
        raise ConfigError(f"The limit is {limit}, but at least one sample must be checked.")
    num = min(limit or len(manifest), len(manifest))
    rows = [manifest.rows[i * len(manifest) // num] for i in range(num)]
    names = manifest.spec.attribute_names
    report = Report(
        path=str(manifest.root),
        kind=manifest.kind,
        schema=manifest.spec.labels.name if manifest.spec.labels else "none",
        attribute_names=names,
        num_rows=len(manifest),
        num_checked=num,
        splits=manifest.split_sizes(),
        errors=list(manifest.problems),
        warnings=list(manifest.notes),
        fields=[name for name in IN_WORDS if name in manifest.fields],
    )
    found = _Found(manifest)
    for row in progress(rows):
        try:
            found.add(row)
        except DataError as error:
            if not any(known.startswith(str(error).removesuffix(".")) for known in manifest.problems):
                report.errors.append(str(error))
    found.fill(report)
    report.further = _further(manifest, rows)
    if names:
        means = np.array([row.attributes for row in manifest.rows], dtype=np.float64).reshape(len(manifest), len(names))
        report.attribute_shares = dict(zip(names, np.nanmean(means, axis=0).tolist(), strict=True))
    report.warnings += _attribute_warnings(report) + _split_warnings(manifest)
    return report


def refuse_wrong_order(manifest: Manifest, *, num: int = 32) -> None:
    """Look at `num` maps before a long run and refuse an order or sides that their geometry contradicts.

    Raises:
        DataError: if it does, naming the likely order, or if a map cannot be read.
    """
    num = min(num, len(manifest))
    rows = [manifest.rows[i * len(manifest) // num] for i in range(num)]
    if manifest.native_schema is None:
        raise DataError(f"{manifest.root} ({manifest.kind}) has no label maps.")
    problem = order_problem([manifest.read_native_label_map(row) for row in rows], manifest.native_schema)
    if problem:
        raise DataError(f"{manifest.root}: {problem}")


class _Found:
    """What the samples read so far have."""

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest
        num_classes = manifest.spec.labels.num_classes if manifest.spec.labels else 0
        self.pixels, self.presence = np.zeros(num_classes, dtype=np.int64), np.zeros(num_classes, dtype=np.int64)
        self.num_maps = 0
        self.image_sizes: Counter[str] = Counter()
        self.map_sizes: Counter[str] = Counter()
        self.judged: list[npt.NDArray[np.uint8]] = []
        self.exchanged: list[str] = []
        self.hashes: dict[bytes, Row] = {}
        self.same: list[tuple[Row, Row]] = []
        self.clips = ClipFindings()

    def add(self, row: Row) -> None:
        reader: object = self.manifest.reader
        if isinstance(reader, ClipReader):
            clip = reader.read_clip(row)
            self.clips.add(row.name, clip, reader.frame_labels(row))
            image = clip.frames[len(clip.frames) // 2]
        else:
            image = self.manifest.reader.read_image(row)
        self.image_sizes[f"{image.shape[1]}x{image.shape[0]}"] += 1
        other = self.hashes.setdefault(hashlib.sha256(image.tobytes()).digest(), row)
        if other is not row:
            self.same.append((other, row))
        if self.manifest.native_schema is None:
            return
        native = self.manifest.read_native_label_map(row)
        self.map_sizes[f"{native.shape[1]}x{native.shape[0]}"] += 1
        check_same_shape(image, native, str(self.manifest.root / row.image))
        if len(self.judged) < MAX_JUDGED:
            self.judged.append(native)
        if side_agreement(native, self.manifest.native_schema) == 0:
            self.exchanged.append(row.name)
        counts = np.bincount(self.manifest.read_label_map(row).ravel(), minlength=len(self.pixels))
        self.pixels += counts
        self.presence += counts > 0
        self.num_maps += 1

    def fill(self, report: Report) -> None:
        report.image_sizes, report.label_map_sizes = dict(self.image_sizes), dict(self.map_sizes)
        classes = self.manifest.spec.labels.classes if self.manifest.spec.labels else ()
        if self.num_maps:
            report.class_shares = dict(zip(classes, (self.pixels / self.pixels.sum()).tolist(), strict=True))
            report.class_presence = dict(zip(classes, (self.presence / self.num_maps).tolist(), strict=True))
            absent = [name for name, count in zip(classes, self.presence, strict=True) if not count]
            if absent:
                report.warnings.append(f"No map has the class {', '.join(absent)}: a model cannot learn it.")
        native = self.manifest.native_schema
        problem = order_problem(self.judged, native) if native else None
        if problem:
            report.errors.append(problem)
        elif self.exchanged:
            report.warnings.append(
                f"Maps with left and right exchanged ({len(self.exchanged)}): {some(self.exchanged)}; "
                "read them with --fix-sides, or write corrected maps with limner data convert --fix-sides."
            )
        report.warnings += self.clips.warnings()
        pairs = [f"{first.name} = {second.name}" for first, second in self.same]
        if pairs:
            report.warnings.append(f"Pictures that are there twice ({len(pairs)}): {some(pairs)}.")
        leaks = [f"{a.name} = {b.name}" for a, b in self.same if "test" in (a.split, b.split) and a.split != b.split]
        if leaks:
            report.warnings.append(f"Test pictures that are in another split, too ({len(leaks)}): {some(leaks)}.")


def _further(manifest: Manifest, rows: Sequence[Row]) -> dict[str, str]:
    """What there is beside pictures, label maps and attributes."""
    found: dict[str, str] = {}
    marks = [manifest.marks_of(row) for row in rows] if manifest.marks else []
    if "captions" in manifest.fields:
        sentences = [caption for mark in marks for caption in mark.captions]
        lengths = [len(tokens(caption)) for caption in sentences] or [0]
        found["captions"] = (
            f"{len(sentences)} for {len(marks)} samples, {min(lengths)} to {max(lengths)} words, "
            f"{len(Vocabulary.of(sentences)) - 1} different ones"
        )
    for name, points in (
        ("landmarks", [mark.landmarks for mark in marks]),
        ("keypoints", [m.keypoints for m in marks]),
    ):
        if name in manifest.fields:
            there = [array for array in points if array is not None]
            seen = float(np.mean([np.isfinite(array).all(axis=1).mean() for array in there])) if there else 0.0
            found[name.replace("keyp", "key p")] = (
                f"{len(there)} of {len(marks)} samples, {seen:.0%} of the points seen"
            )
    if "age_group" in manifest.fields:
        ages = [row.age for row in manifest.rows if row.age is not None]
        found["ages"] = f"{min(ages, default=0):g} to {max(ages, default=0):g} years"
    if "identity" in manifest.fields:
        found["identities"] = f"{len({row.identity for row in manifest.rows if row.identity})} different ones"
    categories = {row.category for row in manifest.rows if row.category}
    if categories:
        found["categories"] = f"{len(categories)} different ones"
    if manifest.pairs:
        found["pairs"] = str(len(manifest.pairs))
    if "video" in manifest.fields:
        found["clips"] = "frames with sound" if "audio" in manifest.fields else "frames without sound"
    return found


def _attribute_warnings(report: Report) -> list[str]:
    if not report.attribute_names and "label_map" not in report.fields:
        return []
    if not report.attribute_names:
        return ["There are no attributes: a model can be conditioned on the label map only."]
    constant = [name for name, share in report.attribute_shares.items() if share in (0.0, 1.0)]
    return [f"The attribute {name} is the same for all pictures: it teaches nothing." for name in constant]


def _split_warnings(manifest: Manifest) -> list[str]:
    sizes = manifest.split_sizes()
    return [f"There is no sample in the split {name}." for name in ("train", "test") if name not in sizes]


def _counts(counter: dict[str, int]) -> str:
    common = sorted(counter.items(), key=lambda item: -item[1])
    text = ", ".join(f"{name}: {count}" for name, count in common[:5])
    return text + (f", and {len(common) - 5} others" if len(common) > 5 else "")
