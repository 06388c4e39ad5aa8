"""The result of an evaluation: measurements beside the published table, as Markdown, JSON and a sheet of pictures."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from limner.files import at_home, write_atomically
from limner.markdown import escape, table
from limner.metrics.protocol import Measurement
from limner.metrics.tables import PublishedTable

_PICTURES = (".png", ".jpg", ".gif")


@dataclass(frozen=True)
class EvaluationReport:
    """Everything that one evaluation found.

    Attributes:
        provenance: what was evaluated and by which program: system, weights, weights_hash, limner, ...
        measurements: key -> number with its protocol. Keys are stable words such as "judge_mean_iou".
        published: the table to stand beside, if there is one.
        table_keys: column of `published` -> key of the measurement that belongs there; other columns stay empty.
        sheet: pictures to look at.
        files: further files of the report, name -> writer; pictures are shown in the Markdown.
        warnings: what a reader must know before any of the numbers, a sentence each without its full stop.
        head: what was asked for, such as "date" and "command"; stands above the table.
    """

    provenance: dict[str, str]
    measurements: dict[str, Measurement]
    published: PublishedTable | None = None
    table_keys: dict[str, str] | None = None
    sheet: Image.Image | None = None
    files: Mapping[str, Callable[[Path], object]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    head: Mapping[str, str] = field(default_factory=dict)

    def table(self) -> str:
        """Markdown: warnings, all measurements, classes, the published rows, notes and protocols."""
        warnings = "\n".join(f"**{text[:1].upper()}{text[1:]}.**" for text in map(escape, self.warnings))
        parts = [warnings, self._measured(), self._classes(), self._published(), self._notes()]
        return "\n\n".join(part for part in parts if part)

    def to_json(self) -> dict[str, Any]:
        """A dictionary of plain values; numbers that are not finite are None."""
        return {
            **({"head": dict(self.head)} if self.head else {}),
            "provenance": self.provenance,
            **({"warnings": list(self.warnings)} if self.warnings else {}),
            "measurements": {key: value.to_json() for key, value in self.measurements.items()},
            "published": None
            if self.published is None
            else {
                "name": self.published.name,
                "source": self.published.source,
                "protocol": self.published.protocol,
                "rows": [vars(row) for row in self.published.rows],
                "measured": {
                    column: self.measurements[key].to_json()["value"] for column, key in (self.table_keys or {}).items()
                },
            },
        }

    def save(self, directory: str | Path) -> list[Path]:
        """Write `report.md`, `report.json`, `sheet.png` where there is one, and `files`; each whole or not at all."""
        directory = at_home(directory)
        text = json.dumps(self.to_json(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        writers: dict[Path, Callable[[Path], object]] = {
            directory / "report.md": lambda path: path.write_text(self._text(), encoding="utf-8"),
            directory / "report.json": lambda path: path.write_text(text, encoding="utf-8"),
        }
        if self.sheet is not None:
            writers[directory / "sheet.png"] = self._save_sheet
        writers |= {directory / name: writer for name, writer in self.files.items()}
        write_atomically(writers)
        return list(writers)

    def _text(self) -> str:
        """The head, the table, and the pictures beside it."""
        names = [name for name in (*(["sheet.png"] if self.sheet else []), *self.files) if name.endswith(_PICTURES)]
        return "\n\n".join([self._head(), self.table(), *(f"![{Path(name).stem}]({name})" for name in names)]) + "\n"

    def _head(self) -> str:
        made = self.provenance
        title = f"# {made.get('system', 'A system')}: the weights {escape(made.get('weights', 'without a name'))}"
        facts = dict(self.head)
        if "weights_hash" in made:
            facts["weights"] = f"{made.get('weights')} (hash {made['weights_hash'][:12]})"
        if "limner" in made:
            facts["program"] = f"Limner {made['limner']}, torch {made.get('torch', 'unknown')}"
        return "\n".join([title, "", *(f"- {name}: {_shown(name, text)}" for name, text in facts.items())])

    def _save_sheet(self, path: Path) -> None:
        assert self.sheet is not None  # the caller has looked
        info = PngInfo()
        for key, value in self.provenance.items():
            info.add_text(f"limner:{key}", value)
        self.sheet.save(path, format="PNG", pnginfo=info)

    def _measured(self) -> str:
        judged = any(value.ceiling is not None for value in self.measurements.values())
        rows = [
            [
                escape(value.protocol.metric),
                value.format(value.value),
                "" if value.interval is None else " to ".join(map(value.format, value.interval)),
                *([("" if value.ceiling is None else value.format(value.ceiling))] if judged else []),
                str(value.protocol.count),
                escape(value.protocol.split),
            ]
            for value in self.measurements.values()
        ]
        ceiling = ["real pictures in their place"] if judged else []
        return table(["metric", "value", "95 % interval", *ceiling, "images", "split"], rows)

    def _classes(self) -> str:
        tables: dict[tuple[str, ...], list[Measurement]] = {}  # those of label classes, and those of attributes
        for value in self.measurements.values():
            if value.per_class is not None:
                tables.setdefault(tuple(value.per_class), []).append(value)
        parts = []
        for names, values in tables.items():
            rows = [
                [escape(name), *(value.format((value.per_class or {})[name]) for value in values)] for name in names
            ]
            parts.append(table(["one by one", *(escape(value.protocol.metric) for value in values)], rows))
        return "\n\n".join(parts)

    def _published(self) -> str:
        if self.published is None:
            return ""
        beside, keys = self.published, self.table_keys or {}
        rows = [
            [row.method, *(_cell(row.values[column]) for column in beside.columns), row.status] for row in beside.rows
        ]
        measured = [
            _measured(self.measurements[keys[column]]) if column in keys else "not measured"
            for column in beside.columns
        ]
        rows.append([f"{escape(self.provenance['weights'])}, measured", *measured, "see the protocols below"])
        head = table(["method", *beside.columns.values(), "status"], rows)
        return f"{beside.title}. {beside.source}. {beside.protocol}\n\n{head}"

    def _notes(self) -> str:
        notes = [
            f"- {escape(value.protocol.metric)}: {escape(value.note)}"
            for value in self.measurements.values()
            if value.note
        ]
        metrics: dict[str, list[str]] = {}  # conditions -> what was measured under them
        for value in self.measurements.values():
            metrics.setdefault(value.protocol.conditions(), []).append(value.protocol.metric)
        usual = max(metrics, key=lambda conditions: len(metrics[conditions]), default="")
        rest = metrics.pop(usual, [])
        protocols = [f"- {escape('; '.join(names))}: {escape(conditions)}" for conditions, names in metrics.items()]
        if rest:
            protocols.append(f"- {'all others' if metrics else 'all'}: {escape(usual)}")
        return "\n".join((["Notes:", *notes, ""] if notes else []) + ["Protocols:", *protocols])


def _measured(measurement: Measurement) -> str:
    """A measured value as published tables print it: shares in percent."""
    return _cell(100 * measurement.value if measurement.is_share else measurement.value)


def _cell(value: float | None) -> str:
    return "N/A" if value is None or not math.isfinite(value) else f"{value:.2f}"


def _shown(name: str, text: str) -> str:
    return f"`{text}`" if name == "command" and "`" not in text else escape(text)
