"""The report of a study: one JSON record, and everything that is made of it.

The record and the table's YAML decide the Markdown and the plots, so a page of many reports can be made again from the
records of the tables that come with the package.
"""

from __future__ import annotations

import json
import math
import re
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import limner
from limner.data.manifest import Manifest
from limner.data.size import Size
from limner.files import write_atomically
from limner.markdown import escape, table
from limner.reproduce.compare import LEVEL, Pair, compare
from limner.reproduce.record import file_name
from limner.reproduce.run import Outcome, Plan
from limner.reproduce.study import Column, Study
from limner.task import MEDIA

T_QUANTILES = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)
"""97.5 % points of Student's t with 1, 2, ... degrees of freedom."""

Record = Mapping[str, Any]


def make_record(plan: Plan, manifest: Manifest, outcome: Outcome, identity: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that is known about a study, as plain values.

    Args:
        plan: what was done.
        manifest: the data.
        outcome: of `run_study`.
        identity: of `study_identity`, by which another study may take its runs.
    """
    study = plan.study
    labels = manifest.spec.labels
    table = study.published_table("" if labels is None else labels.name)
    sizes, split = manifest.split_sizes(), study.split
    has_maps = "label_map" in study.task.needs
    of_schema = "" if labels is None else f" of the schema {labels.name}"
    made = f"pictures of {split} maps" if has_maps else f"{MEDIA[study.task.gives]} for the split {split}"
    judge = ""
    if outcome.judges:
        kind = "parser " if "parser" in study.task.judges else ""
        names = " and ".join(f"{one['name']} ({one['sha256'][:12]})" for one in outcome.judges)
        judge = f" judged by the independent {kind}{names}"
    seeds = "seed" if plan.num_seeds == 1 else "seeds"
    # Folders of one machine have no place in a record.
    command = " ".join(Path(word).name if Path(word).is_absolute() else word for word in plan.command())
    protocol = (
        f"{plan.budget} images seen by every run, {plan.num_seeds} {seeds}, preset {plan.preset} at "
        f"{Size.of(study.image_size[plan.preset])} px; {sizes['train']} training and {sizes[split]} {split} "
        f"pictures{of_schema} (data {manifest.fingerprint()}); {plan.num_images} {made}{judge}. "
        f"Limner {limner.__version__}, `limner reproduce {command}`."
    )
    settings_fingerprint = manifest.settings_fingerprint()
    return {
        "table": study.name,
        "protocol": protocol,
        "identity": {**identity, "vgg_weights": file_name(identity["vgg_weights"])},
        **({} if settings_fingerprint is None else {"settings_fingerprint": settings_fingerprint}),
        "budget": plan.budget,
        "results": outcome.scores,
        "seeds": outcome.seeds,
        **({"taken": outcome.taken} if outcome.taken else {}),
        **({"taken_data": outcome.taken_data} if outcome.taken_data else {}),
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
        _explanation(study, record),
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
    """The values of a measurement at the end, one a whole run, in the unit of the column; see `seed_values`."""
    return list(seed_values(record, row, key, column).values())


def seed_values(record: Record, row: str, key: str, column: Column) -> dict[int, float]:
    """Seed -> value of a measurement at the end of its run, for whole runs, in the unit of the column.

    That is the value after the last image; of distances between sets, which jump from checkpoint to checkpoint, the
    mean over the later half of the checkpoints.
    """
    runs = record["results"].get(row, [])
    seeds = record.get("seeds", {}).get(row, range(len(runs)))
    found = {}
    for seed, run in zip(seeds, runs, strict=True):
        points = sorted(run, key=int)
        used = points[-max(1, len(points) // 2) :] if column.names_network else points[-1:]
        values = [run[point].get(key) for point in used]
        known = [value for value in values if value is not None and math.isfinite(value)]
        if known and len(known) == len(values) and _is_whole(record, run):
            found[int(seed)] = statistics.mean(known) * unit(column)
    return found


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
    if record.get("taken_data"):  # runs on the same data as another processor drew them, of which the text tells
        found = {name: _without_data(one) for name, one in found.items()}
    systems = {row.name: row.system for row in study.rows}
    first, *_ = found.values()
    apart = {}
    for name, one in found.items():
        # Names differ with the words of each system; seeds are draws of the same quantity; and where a number is of a
        # row's own weights (a painter's), every row has its own network.
        alike = {"metric", "seeds"}
        if str(one.get("network", "")).startswith(f"{systems[name]} "):
            alike |= {"network", "network_sha256"}
        fields = [field for field in one if field not in alike and one[field] != first[field]]
        if fields:
            apart[name] = "; ".join(f"{field} is {one[field]}, not {first[field]}" for field in fields)
    return apart


def _without_data(protocol: Mapping[str, Any]) -> dict[str, Any]:
    """A protocol without the fingerprints of its data."""
    reference = re.sub(r" \(data [0-9a-f]+\)", "", str(protocol.get("reference", "")))
    return {**protocol, "reference": reference, "data_fingerprint": "none"}


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
    lines = []
    for row in study.rows:
        missing = "not measured" if record["results"].get(row.name) else "not reproduced"
        measured = [final_values(record, row.name, key, column) for key, column in study.columns.items()]
        marks = [" \\*" if row.name in measured_apart(study, record, key) else "" for key in study.columns]
        cells = [_cell(values) + mark if values else missing for values, mark in zip(measured, marks, strict=True)]
        values = published["rows"].get(row.published or row.name, {})
        cells += ["N/A" if values.get(key) is None else f"{values[key]:g}" for key in beside]
        lines.append([escape(row.name), *cells])
    ceilings = [_real_value(study, record, key, column) for key, column in study.columns.items()]
    if any(value is not None for value in ceilings):
        cells = ["" if value is None else f"{value:.4g}" for value in ceilings]
        lines.append([f"real {MEDIA[study.task.gives]}", *cells, *[""] * len(beside)])
    return table([escape(title) for title in head], lines)


def _real_value(study: Study, record: Record, key: str, column: Column) -> float | None:
    """What the judge says of the real pictures that a column's numbers were measured on; None where nobody says it."""
    rows = [row.name for row in study.rows if row.name not in measured_apart(study, record, key)]
    values = [value for row in rows for value in final_values(record, row, f"{key}_real", column)]
    return statistics.mean(values) if values else None


def _cell(values: Sequence[float]) -> str:
    ends = interval(values)
    text = f"{statistics.mean(values):.4g}"
    return text if ends is None else f"{text} [{ends[0]:.4g}, {ends[1]:.4g}]"


def _explanation(study: Study, record: Record) -> str:
    text = "Measured: mean over the seeds after the last image, with the 95 % interval of that mean (Student's t)."
    halves = {max(1, len(run) // 2) for runs in record["results"].values() for run in runs if _is_whole(record, run)}
    if any(column.names_network for column in study.columns.values()) and halves and max(halves) > 1:
        text += f" Distances between sets: mean over the last {max(halves)} checkpoints of each run, not of one."
    taken = record.get("taken")
    if taken:
        rows = ", ".join(f"{escape(row)} (seeds {', '.join(map(str, seeds))})" for row, seeds in taken.items())
        text += f" Taken from an earlier report of the same protocol, not trained again: {rows}."
    if record.get("taken_data"):
        text += (
            f" Their data ({escape(', '.join(record['taken_data']))}) were made with the same settings on another "
            "processor, and differ by roundings."
        )
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
        f"- {escape(heading(record, key, column))} of {escape(name)}: {escape(text)}"
        for key, column in study.columns.items()
        for name, text in measured_apart(study, record, key).items()
    ]
    return "\n".join(["\\* Measured otherwise, so left out of the order:", "", *lines]) if lines else ""


def _orders(study: Study, record: Record) -> str:
    """For every column with a good direction: the order of the means, which pairs differ, and what that contradicts."""
    parts = []
    for key, column in study.columns.items():
        apart = measured_apart(study, record, key)
        found = {row.name: seed_values(record, row.name, key, column) for row in study.rows}
        found = {name: values for name, values in found.items() if values and name not in apart}
        if not column.better or len(found) < 2:
            continue
        names = sorted(found, key=lambda name: statistics.mean(found[name].values()), reverse=column.better == "high")
        pairs = compare({name: found[name] for name in names})
        lines = [f"**{heading(record, key, column)}**, best mean first: {', '.join(names)}."]
        if any(pair.p is not None for pair in pairs):
            lines += [_verdict(pairs), *_contradictions(study, record, key, column, pairs), "", _matrix(names, pairs)]
        else:
            lines.append("One seed does not say which of them differ.")
        parts.append("\n".join(lines))
    if not parts:
        return ""
    text = (
        "Which rows differ: runs of equal seed are compared (paired t-test). A cell has the difference and the p of "
        f"its pair alone; it is bold, and the pair counts as different, where p is below {LEVEL:g} after Holm's "
        "adjustment for all pairs of the column. Other pairs may differ all the same: few seeds see large differences "
        "only."
    )
    return "\n\n".join([text, *parts])


def _verdict(pairs: Sequence[Pair]) -> str:
    """Which pairs differ, the better row first: `pairs` come in the order of the means."""
    apart = [f"{pair.first} above {pair.second} ({_p(pair)})" for pair in pairs if pair.is_apart]
    return f"{len(apart)} of {len(pairs)} pairs differ{': ' if apart else ''}{', '.join(apart)}."


def _contradictions(study: Study, record: Record, key: str, column: Column, pairs: Sequence[Pair]) -> list[str]:
    """Sentences on separated pairs whose order is not that of the published table or of the study's claims."""
    apart = {(pair.first, pair.second): pair for pair in pairs if pair.is_apart}
    against = []
    published = record.get("published")
    if published and column.published in published["columns"]:
        names = {row.name: row.published or row.name for row in study.rows}
        values = {row: published["rows"].get(name, {}).get(column.published) for row, name in names.items()}
        for (better, worse), pair in apart.items():
            a, b = values.get(better), values.get(worse)
            if a is not None and b is not None and a != b and (a > b) != (column.better == "high"):
                heading = published["columns"][column.published]
                against.append(f"the published {heading} has {worse} above {better}, here it is below ({_p(pair)})")
    for claim in study.claims:
        if claim.column == key and (claim.worse, claim.better) in apart:
            pair = apart[claim.worse, claim.better]
            against.append(
                f"{claim.source} says that {claim.better} is above {claim.worse}, here it is below ({_p(pair)})"
            )
    return [f"This contradicts: {'; '.join(against)}."] if against else []


def _matrix(names: Sequence[str], pairs: Sequence[Pair]) -> str:
    """Row minus column with the p of this pair alone; bold where they differ among all pairs."""
    cells = {(pair.first, pair.second): pair for pair in pairs}
    lines = [["row - column", *names[1:]], ["---"] * len(names)]
    for place, first in enumerate(names[:-1]):
        line = [first, *[""] * place]
        for second in names[place + 1 :]:
            pair = cells.get((first, second))
            if pair is None or pair.p is None:
                line.append("one seed")
                continue
            text = f"{pair.difference:+.3g}, {_p(pair)}"
            line.append(f"**{text}**" if pair.is_apart else text)
        lines.append(line)
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _p(pair: Pair) -> str:
    value = 1.0 if pair.p is None else pair.p
    return f"p = {value:.2g}" if value >= 1e-4 else "p < 0.0001"


def _missing(study: Study, record: Record) -> str:
    reasons = record.get("reasons", {})
    lines = []
    for row in study.rows:
        runs = record["results"].get(row.name, [])
        short = [max(map(int, run)) for run in runs if not _is_whole(record, run)]
        if short:
            text = " and ".join(f"{images} of {record['budget']}" for images in short)
            lines.append(
                f"- {escape(row.name)}: {len(short)} of {len(runs)} runs ended after {text} images and does not count"
            )
        if row.name in reasons:
            lines.append(f"- {escape(row.name)}: {escape(reasons[row.name])}")
    return "\n".join(["Not reproduced, or not with all seeds:", "", *lines]) if lines else ""
