"""What run folders tell of a training: their curves, and a table that compares them. No torch import."""

from __future__ import annotations

import io
import json
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from limner.data.image_io import open_picture
from limner.errors import ConfigError, DataError, counted, nearest
from limner.files import MAX_TABLE_BYTES, at_home, read_json, read_text, read_yaml, resolved
from limner.markdown import escape
from limner.optional import optional

MAX_PANELS = 24
MAX_VALUE = 1e38
"""Of a number that is drawn; single precision ends there."""
MAX_IMAGES_SEEN = 1e15
_SOFTWARE = "limner plot"
_USUAL = ("validation/", "loss/", "score_")
"""What is drawn unless something else is asked for, in this order."""
_NOT_COMPARED = ("train.precision",)
"""Settings that a machine chooses."""

_log = logging.getLogger(__name__)

Points = list[tuple[int, float]]


@dataclass(frozen=True)
class Run:
    """A run folder, read.

    Attributes:
        name: of the folder; with that of the folder above where two runs share it.
        path: of the folder.
        curves: name of a number -> (images seen, value), ascending.
        settings: dotted name -> value.
        best: its best checkpoint, with "metric" and "value"; empty where there is none yet.
        warnings: how many lines of the record warn.
    """

    name: str
    path: Path
    curves: dict[str, Points]
    settings: dict[str, Any]
    best: dict[str, Any]
    warnings: int

    @property
    def images_seen(self) -> int:
        """How far it is."""
        return max((points[-1][0] for points in self.curves.values()), default=0)


def read_runs(paths: Sequence[str | Path]) -> list[Run]:
    """Run folders, as `limner train` writes them.

    Raises:
        ConfigError: if there is none, or one is named twice.
        DataError: if one is no run folder, or nothing has been recorded yet.
    """
    places = [at_home(path) for path in paths]
    if not places:
        raise ConfigError("At least one run folder is needed.")
    whole = [resolved(place) for place in places]
    for number, place in enumerate(places):
        if whole[number] in whole[:number]:
            raise ConfigError(f"{place} is named twice.")
    names = [place.name for place in whole]
    if len(set(names)) < len(names):
        names = ["/".join(place.parts[-2:]) for place in whole]
    if len(set(names)) < len(names):
        names = [str(place) for place in places]
    return [_read(place, name) for place, name in zip(places, names, strict=True)]


def _read(path: Path, name: str) -> Run:
    if not (path / "metrics.jsonl").exists():
        raise DataError(f"{path} is no run folder: it has no metrics.jsonl. Name a folder that limner train wrote.")
    curves: dict[str, Points] = {}
    warnings = left_out = 0
    for line in read_text(path / "metrics.jsonl", most=MAX_TABLE_BYTES).splitlines():
        try:
            found = json.loads(line)
            images = found.pop("images_seen")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue  # the last line of a killed run may be cut off
        warnings += "warnings" in found
        numbers = {str(key): one for key, one in found.items() if isinstance(one, int | float)}
        if not _is_number(images, most=MAX_IMAGES_SEEN):
            left_out += len(numbers)
            continue
        for key, value in numbers.items():
            if _is_number(value, most=MAX_VALUE):
                curves.setdefault(key, []).append((int(images), float(value)))
            else:
                left_out += 1
    if left_out:
        _log.warning(
            "%s of %s left out: they or their images_seen are not finite, or beyond %g (images_seen: %g).",
            *(counted(left_out, "number"), path / "metrics.jsonl", MAX_VALUE, MAX_IMAGES_SEEN),
        )
    if not curves:
        raise DataError(f"{path} has recorded nothing yet: its metrics.jsonl has no line with numbers.")
    content = read_yaml(path / "config.yaml") if (path / "config.yaml").exists() else {}
    best = read_json(path / "best.json") if (path / "best.json").exists() else {}
    ordered = {key: sorted(points, key=lambda point: point[0]) for key, points in curves.items()}
    settings = _flat(content) if isinstance(content, dict) else {}
    return Run(name, path, ordered, settings, best if isinstance(best, dict) else {}, warnings)


def _is_number(value: object, *, most: float) -> bool:
    """Whether it is a number that can be drawn: finite, and not so large that differences of two are not."""
    return isinstance(value, int | float) and -most <= value <= most  # NaN is not


def _flat(tree: dict[Any, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat


def chosen_metrics(runs: Sequence[Run], wanted: Sequence[str] = ()) -> list[str]:
    """The numbers to draw: those that are named, or that begin so; else scores, then losses.

    Raises:
        ConfigError: if no run has a number of such a name, or there are too many.
    """
    known = list(dict.fromkeys(key for run in runs for key in run.curves))
    found = [key for start in _USUAL for key in known if key.startswith(start)] or known
    if wanted:
        for name in wanted:
            if not any(key == name or key.startswith(name) for key in known):
                raise ConfigError(f'No run has recorded "{name}".{nearest(name, known)} Known: {", ".join(known)}.')
        found = [key for name in wanted for key in known if key == name or key.startswith(name)]
        found = list(dict.fromkeys(found))
        if len(found) > MAX_PANELS:
            raise ConfigError(f"--metrics asks for {len(found)} curves; at most {MAX_PANELS} fit on a picture.")
    return found[:MAX_PANELS]


def compare(runs: Sequence[Run]) -> dict[str, dict[str, Any]]:
    """Name of a run -> what a table of runs shows: how far it is, scores, speed, and the settings that differ."""
    keys = list(dict.fromkeys(key for run in runs for key in run.settings))
    values = {key: {json.dumps(run.settings.get(key), default=str) for run in runs} for key in keys}
    differing = [key for key in keys if len(values[key]) > 1 and key not in _NOT_COMPARED]
    scores = list(dict.fromkeys(key for run in runs for key in run.curves if key.startswith("validation/")))
    return {
        run.name: {
            "images_seen": run.images_seen,
            "of": run.settings.get("train.images"),
            **{key.partition("/")[2]: run.curves[key][-1][1] if key in run.curves else None for key in scores},
            "best": run.best.get("value"),
            "best_metric": run.best.get("metric"),
            "best_checkpoint": run.best.get("checkpoint"),
            "images_per_second": _median([value for _, value in run.curves.get("images_per_second", [])]),
            "warnings": run.warnings,
            "settings": {key: run.settings.get(key) for key in differing},
        }
        for run in runs
    }


def to_markdown(compared: dict[str, dict[str, Any]]) -> str:
    """The table of `compare`: a row a number, a column a run, so that many numbers fit."""
    rows: dict[str, list[str]] = {}
    for facts in compared.values():
        flat = {key: value for key, value in facts.items() if key != "settings"}
        flat |= {f"--{key}": value for key, value in facts["settings"].items()}
        for key, value in flat.items():
            rows.setdefault(key.replace("_", " ") if not key.startswith("--") else key, []).append(_shown(value))
    names = list(compared)
    lines = [["", *names], ["---"] * (len(names) + 1), *([key, *values] for key, values in rows.items())]
    return "\n".join(
        "| " + " | ".join(cell if cell == "---" else escape(cell) for cell in line) + " |" for line in lines
    )


def draw(runs: Sequence[Run], metrics: Sequence[str]) -> bytes:
    """Curves as a PNG, a panel a number and a line a run.

    Raises:
        MissingExtraError: if matplotlib is not installed.
    """
    columns = min(4, len(metrics))
    lines = math.ceil(len(metrics) / columns)
    figure = optional("matplotlib.figure", extra="plot").Figure(figsize=(4.2 * columns, 3.0 * lines + 0.6))
    axes = figure.subplots(lines, columns, squeeze=False).ravel()
    for axis in axes[len(metrics) :]:
        axis.set_axis_off()
    for axis, key in zip(axes, metrics, strict=False):
        for number, run in enumerate(runs):
            points = run.curves.get(key, [])
            if points:
                marker = "o" if len(points) < 3 else None
                axis.plot(*zip(*points, strict=True), label=run.name, color=f"C{number % 10}", marker=marker)
        axis.set_title(key, fontsize=10)
        axis.set_xlabel("images seen", fontsize=8)
        axis.tick_params(labelsize=8)
        axis.grid(alpha=0.25)
    handles = {name: one for axis in axes for one, name in zip(*axis.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles.keys(), loc="upper center", ncols=min(4, len(handles)), frameon=False)
    figure.tight_layout(rect=(0, 0, 1, 1 - 0.5 / (3.0 * lines + 0.6)))
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=90, metadata={"Software": _SOFTWARE})
    return buffer.getvalue()


def was_drawn_here(path: Path) -> bool:
    """Whether a file is a picture of `draw`, which may be drawn again as a run goes on."""
    try:
        with open_picture(path) as picture:
            return picture.info.get("Software") == _SOFTWARE
    except DataError:
        return False


def _median(values: list[float]) -> float | None:
    """Of speeds: the first interval has the start in it."""
    return sorted(values)[len(values) // 2] if values else None


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
