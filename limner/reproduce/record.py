"""Runs of an earlier report, which a study under the same protocol takes in place of making them again."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from limner.errors import ConfigError
from limner.files import MAX_TABLE_BYTES, read_json, reason, resolved, write_text_atomically
from limner.metrics.protocol import Protocol

Scores = dict[str, dict[str, float | None]]
"""Images seen -> measurement -> value; None for what is not a number."""
ORIGIN = "record"
"""In `report/report.json` of a run that was taken, and in no other: the name of the file that it comes from."""
TRAINED_JUDGE = "trained on"
"""How the identity of a study says that it trains its own judge."""
_HASH = 16  # digits of a fingerprint
_LAST_BATCH = 1024  # a run may see so many images more than its budget


@dataclass(frozen=True)
class Recorded:
    """Finished runs of an earlier report.

    Attributes:
        name: of its file.
        scores: row -> seed -> scores.
        protocols: row -> measurement -> protocol.
        other_data: fingerprint of the data, where another processor drew them with the same settings.
    """

    name: str
    scores: Mapping[str, Mapping[int, Scores]]
    protocols: Mapping[str, Mapping[str, Mapping[str, Any]]]
    other_data: str | None = None

    def write_run(self, row: str, seed: int, run: Path) -> None:
        """Leave a run in its folder as a study of its own does, but without weights."""
        found = {key: {"protocol": one} for key, one in self.protocols[row].items()}
        data = {} if self.other_data is None else {"data": self.other_data}
        report = {ORIGIN: self.name, **data, "measurements": found}
        write_text_atomically(run / "report/report.json", json.dumps(report, indent=1) + "\n")
        write_text_atomically(run / "scores.json", json.dumps(self.scores[row][seed], indent=1) + "\n")


def read_record(
    path: str | Path, identity: Mapping[str, Any], *, own: Path, settings_fingerprint: str | None = None
) -> Recorded:
    """The runs of a report that a study need not make again: whole ones, of rows that both have with equal settings.

    The tables may have different names and different other rows; all else must be the same. Data that were made by
    code may be those of another machine, whose pictures differ by roundings.

    Args:
        path: `report/TABLE.json` of another study, or of `docs/results`.
        identity: of the study that takes them, from `limner.reproduce.run.study_identity`.
        own: the report that this study will write.
        settings_fingerprint: of the data of the study that takes them (`Manifest.settings_fingerprint`).

    Raises:
        ConfigError: if it is no report, is of another protocol, has none of the rows, or is `own`.
        DataError: if the file cannot be read.
    """
    if resolved(path) == resolved(own):
        raise ConfigError(f"--record {path} is the report of this study itself, whose runs are there; leave it out.")
    if str(identity["judge"]).startswith(TRAINED_JUDGE):
        raise ConfigError("--record needs --judge, too: two judges that were trained apart do not judge alike.")
    record = read_json(path, most=MAX_TABLE_BYTES)
    theirs = record.get("identity") if isinstance(record, dict) else None
    if not isinstance(theirs, dict):
        raise ConfigError(
            f"--record {path} is no report that says what it was made with; name the JSON file of a report, of a "
            "version that writes its identity."
        )
    ours = {**identity, "vgg_weights": file_name(identity["vgg_weights"])}
    other_data = None
    if settings_fingerprint is not None and record.get("settings_fingerprint") == settings_fingerprint:
        other_data = theirs.get("data") if theirs.get("data") != ours["data"] else None
        theirs = {**theirs, "data": ours["data"]}
    for key in sorted({*ours, *theirs} - {"table", "rows"}):
        if ours.get(key) != theirs.get(key):
            raise ConfigError(
                f'--record {path} has another {key[:40]} ("{str(theirs.get(key))[:80]}", not '
                f'"{str(ours.get(key))[:80]}"), so its runs do not belong beside those of this study; leave it out, or '
                "give the options that it was made with."
            )
    try:
        rows = {row["name"]: row for row in theirs["rows"]}
        scores, protocols = _runs(record, int(ours["budget"])), _protocols(record)
        same = [row["name"] for row in identity["rows"] if scores.get(row["name"]) and rows.get(row["name"]) == row]
        found = Recorded(
            Path(path).name,
            {name: scores[name] for name in same},
            {name: protocols[name] for name in same},
            None if other_data is None else str(other_data)[:_HASH],
        )
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise ConfigError(f"--record {path} is damaged ({reason(error)[:120]}); make the report again.") from error
    if not same:
        raise ConfigError(
            f"--record {path} has no finished run of a row of this table with the same settings; leave it out."
        )
    return found


def file_name(path: str | None) -> str | None:
    """A record names no folder of a machine."""
    return None if path is None else Path(path).name


def _runs(record: Mapping[str, Any], budget: int) -> dict[str, dict[int, Scores]]:
    """Row -> seed -> scores of whole runs; what is odd raises what `read_record` catches."""
    found: dict[str, dict[int, Scores]] = {}
    for name, runs in record["results"].items():
        seeds = record["seeds"][name]
        if [type(seed) for seed in seeds] != [int] * len(runs) or len(set(seeds)) < len(seeds):
            raise ValueError(f"the seeds of {name} must be whole numbers, one a run")
        checked = {seed: _scores(name, run, budget) for seed, run in zip(seeds, runs, strict=True)}
        found[name] = {
            seed: run
            for seed, run in checked.items()
            if max(map(int, run)) >= budget and any(value is not None for value in run[max(run, key=int)].values())
        }
    return found


def _scores(row: str, run: Mapping[str, Mapping[str, Any]], budget: int) -> Scores:
    if not run:
        raise ValueError(f"a run of {row} has no scores")
    for images, values in run.items():
        if not re.fullmatch(r"[1-9][0-9]{0,11}", images) or int(images) > budget + _LAST_BATCH:
            raise ValueError(f"a run of {row} has scores of {images[:20]} images")
        if not all(
            value is None or (type(value) in (int, float) and math.isfinite(value)) for value in values.values()
        ):
            raise ValueError(f"a score of {row} is no finite number")
    return {images: dict(values) for images, values in run.items()}


def _protocols(record: Mapping[str, Any]) -> dict[str, dict[str, dict[str, Any]]]:
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for row, protocols in record["protocols"].items():
        found[row] = {key: Protocol.from_json(one).to_json() for key, one in protocols.items()}
        if not all(isinstance(one["metric"], str) for one in found[row].values()):
            raise ValueError(f"a protocol of {row} names no metric")
    return found
