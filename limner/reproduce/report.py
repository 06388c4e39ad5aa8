"""The report of a study: one JSON record, and everything that is made of it.

The record and the table's YAML decide the Markdown and the plots, so a page of many reports can be made again from the
records of the tables that come with the package.
"""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import limner
from limner.data.manifest import Manifest
from limner.files import write_atomically
from limner.reproduce.run import Outcome, Plan
from limner.reproduce.study import Column, Study

T_QUANTILES = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)
"""97.5 % points of Student's t with 1, 2, ... degrees of freedom."""

Record = Mapping[str, Any]


def make_record(plan: Plan, manifest: Manifest, outcome: Outcome) -> dict[str, Any]:
    """Everything that is known about a study, as plain values."""
    study = plan.study
    table = study.published_table(manifest.spec.schema.name)
    sizes, split = manifest.split_sizes(), study.split
    judge = f"{outcome.judge['name']} ({outcome.judge['sha256'][:12]})"
    seeds = "seed" if plan.num_seeds == 1 else "seeds"
    # Folders of one machine have no place in a record.
    command = " ".join(Path(word).name if Path(word).is_absolute() else word for word in plan.command())
    protocol = (
        f"{plan.budget} images seen by every run, {plan.num_seeds} {seeds}, preset {plan.preset} at "
        f"{study.image_size[plan.preset]} px; {sizes['train']} training and {sizes[split]} {split} pictures of the "
        f"schema {manifest.spec.schema.name} (data {manifest.fingerprint()}); {plan.num_images} pictures of {split} "
        f"maps judged by the independent parser {judge}. Limner {limner.__version__}, "
        f"`limner reproduce {command}`."
    )
    return {
        "table": study.name,
        "protocol": protocol,
        "budget": plan.budget,
        "results": outcome.scores,
        "protocols": {
            row: {key: one for key, one in found.items() if key in study.columns}
            for row, found in outcome.protocols.items()
        },
        "reasons": outcome.reasons,
        "published": None
        if table is None
        else {
            "title": table.title,
            "source": table.source,
            "protocol": table.protocol,
            "columns": table.columns,
            "rows": {row.method: row.values for row in table.rows},
            "status": {row.method: row.status for row in table.rows},
        },
    }


def markdown(study: Study, record: Record, *, pictures: Sequence[str] = (), level: int = 1, data: str = "") -> str:
    """The report as text.

    Args:
        study: rows and columns.
        record: from `make_record`.
        pictures: files to show, relative to the text.
        level: of the heading.
        data: name of the data for the heading, where there are records of several.
    """
    parts = [
        f"{'#' * level} {study.title}{f': {data}' if data else ''}",
        " ".join(study.about.split()),
        record["protocol"],
        _table(study, record),
        _explanation(record),
        _apart(study, record),
        _orders(study, record),
        _missing(study, record),
        "\n".join(f"![{Path(picture).stem}]({picture})" for picture in pictures),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def save_report(folder: Path, study: Study, record: Record, pictures: Mapping[str, bytes]) -> list[Path]:
    """Write `<table>.json`, `<table>.md` and the pictures, all or none of them.

    Args:
        folder: of the report.
        study: rows and columns.
        record: from `make_record`.
        pictures: end of the name ("-bars.png") -> file.

    Returns:
        The files.
    """
    name = study.name
    shown = {f"{name}{ending}": content for ending, content in pictures.items()}
    contents = {
        **shown,
        f"{name}.md": markdown(study, record, pictures=list(shown)).encode(),
        f"{name}.json": (json.dumps(record, indent=1, ensure_ascii=False) + "\n").encode(),
    }

    def writer(content: bytes) -> Callable[[Path], object]:
        return lambda path: path.write_bytes(content)

    write_atomically({folder / file: writer(content) for file, content in contents.items()})
    return [folder / file for file in contents]


def final_values(record: Record, row: str, key: str, column: Column) -> list[float]:
    """The values of a measurement after the last image, one a whole run, in the unit of the column."""
    last = [run[max(run, key=int)].get(key) for run in record["results"].get(row, []) if _is_whole(record, run)]
    return [value * unit(column) for value in last if value is not None and math.isfinite(value)]


def _is_whole(record: Record, run: Mapping[str, Any]) -> bool:
    return max(map(int, run)) >= int(record.get("budget", 0))


def heading(record: Record, key: str, column: Column) -> str:
    """What stands over a column."""
    if column.names_network:
        for protocols in record.get("protocols", {}).values():
            if key in protocols:
                return str(protocols[key]["metric"]).partition(",")[0]
    return column.title


def measured_apart(study: Study, record: Record, key: str) -> dict[str, str]:
    """Rows that were not measured as the first finished row of the column was -> what is different, in words."""
    protocols = record.get("protocols", {})
    found = {row.name: protocols[row.name][key] for row in study.rows if key in protocols.get(row.name, {})}
    if not found:
        return {}
    first, *_ = found.values()
    apart = {}
    for name, one in found.items():
        # Names differ with the words of each system; seeds are draws of the same quantity.
        fields = [field for field in one if field not in ("metric", "seeds") and one[field] != first[field]]
        if fields:
            apart[name] = "; ".join(f"{field} is {one[field]}, not {first[field]}" for field in fields)
    return apart


def unit(column: Column) -> float:
    """100 for shares that are shown in percent."""
    return 100.0 if column.title.endswith("%") else 1.0


def interval(values: Sequence[float]) -> tuple[float, float] | None:
    """95 % interval of the mean over seeds, by Student's t; None for fewer than two values."""
    if len(values) < 2:
        return None
    mean = statistics.mean(values)
    half = T_QUANTILES[len(values) - 2] * statistics.stdev(values) / math.sqrt(len(values))
    return mean - half, mean + half


def _table(study: Study, record: Record) -> str:
    """A row a system: measured columns, then the published ones."""
    published = record.get("published") or {"columns": {}, "rows": {}}
    beside = [column.published for column in study.columns.values() if column.published in published["columns"]]
    head = ["row", *(heading(record, key, column) for key, column in study.columns.items())]
    head += [f"{published['columns'][key]}, published" for key in beside]
    lines = [head, ["---"] * len(head)]
    for row in study.rows:
        missing = "not measured" if record["results"].get(row.name) else "not reproduced"
        measured = [final_values(record, row.name, key, column) for key, column in study.columns.items()]
        marks = [" \\*" if row.name in measured_apart(study, record, key) else "" for key in study.columns]
        cells = [_cell(values) + mark if values else missing for values, mark in zip(measured, marks, strict=True)]
        values = published["rows"].get(row.published or row.name, {})
        cells += ["N/A" if values.get(key) is None else f"{values[key]:g}" for key in beside]
        lines.append([row.name, *cells])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(values: Sequence[float]) -> str:
    ends = interval(values)
    text = f"{statistics.mean(values):.4g}"
    return text if ends is None else f"{text} [{ends[0]:.4g}, {ends[1]:.4g}]"


def _explanation(record: Record) -> str:
    text = "Measured: mean over the seeds after the last image, with the 95 % interval of that mean (Student's t)."
    published = record.get("published")
    if published:
        text += (
            f" Published: {published['title']} ({published['source']}). {published['protocol']} The published columns "
            "stand beside ours for orientation; they are not the same quantities."
        )
    return text


def _apart(study: Study, record: Record) -> str:
    """What the stars in the table mean."""
    lines = [
        f"- {heading(record, key, column)} of {name}: {text}"
        for key, column in study.columns.items()
        for name, text in measured_apart(study, record, key).items()
    ]
    return "\n".join(["\\* Measured otherwise, so left out of the order:", "", *lines]) if lines else ""


def _orders(study: Study, record: Record) -> str:
    """For every column with a good direction: the order measured here, and the published one."""
    lines = []
    for key, column in study.columns.items():
        apart = measured_apart(study, record, key)
        found = {row.name: final_values(record, row.name, key, column) for row in study.rows}
        found = {name: values for name, values in found.items() if values and name not in apart}
        if not column.better or len(found) < 2:
            continue
        line = f"- {heading(record, key, column)}: {_order(found, column)}"
        published = record.get("published")
        if published and column.published in published["columns"]:
            values = {name: row.get(column.published) for name, row in published["rows"].items()}
            known = {name: [value] for name, value in values.items() if value is not None}
            names = _sorted(known, column)
            line += f"; published {published['columns'][column.published]}: {' > '.join(names)}"
        lines.append(line)
    if not lines:
        return ""
    return "\n".join(["Best first; ≈ joins rows whose intervals overlap (one seed has no interval):", "", *lines])


def _order(values: Mapping[str, Sequence[float]], column: Column) -> str:
    names = _sorted(values, column)
    text = names[0]
    for before, name in pairwise(names):
        a, b = interval(values[before]), interval(values[name])
        apart = a is not None and b is not None and (a[1] < b[0] or b[1] < a[0])
        text += f" {'>' if apart else '≈'} {name}"
    return text


def _sorted(values: Mapping[str, Sequence[float]], column: Column) -> list[str]:
    return sorted(values, key=lambda name: statistics.mean(values[name]), reverse=column.better == "high")


def _missing(study: Study, record: Record) -> str:
    reasons = record.get("reasons", {})
    lines = []
    for row in study.rows:
        runs = record["results"].get(row.name, [])
        short = [max(map(int, run)) for run in runs if not _is_whole(record, run)]
        if short:
            text = " and ".join(f"{images} of {record['budget']}" for images in short)
            lines.append(f"- {row.name}: {len(short)} of {len(runs)} runs ended after {text} images and does not count")
        if row.name in reasons:
            lines.append(f"- {row.name}: {reasons[row.name]}")
    return "\n".join(["Not reproduced, or not with all seeds:", "", *lines]) if lines else ""
