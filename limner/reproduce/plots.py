"""Plots of a study as PNG bytes; needs matplotlib."""

from __future__ import annotations

import io
import math
import statistics
from typing import Any

from limner.optional import optional
from limner.reproduce.report import Record, final_values, heading, interval, unit
from limner.reproduce.study import Column, Study

MOST_BESIDE = 5
"""Plots side by side."""


def check() -> None:
    """Find out before hours of training whether there can be plots.

    Raises:
        MissingExtraError: if matplotlib is not installed.
    """
    optional("matplotlib.figure", extra="plot")


def curves(study: Study, record: Record) -> bytes:
    """Convergence: every column against the images seen; line = mean over seeds, band = smallest and largest seed."""
    columns = _measured(study, record)
    figure, axes = _figure(len(columns))
    for axis, (key, column) in zip(axes, columns.items(), strict=True):
        for number, row in enumerate(study.rows):
            runs = record["results"].get(row.name, [])
            points = sorted({int(point) for run in runs for point in run if run[point].get(key) is not None})
            series = [
                [run[str(point)][key] * unit(column) for run in runs if run.get(str(point), {}).get(key) is not None]
                for point in points
            ]
            if series:
                means = [statistics.mean(values) for values in series]
                color = _color(study, number)
                axis.plot(points, means, marker="o", label=row.name, color=color)
                axis.fill_between(points, list(map(min, series)), list(map(max, series)), alpha=0.15, color=color)
        axis.set_xlabel("images seen")
        axis.set_title(heading(record, key, column))
    return _png(figure, axes)


def bars(study: Study, record: Record) -> bytes:
    """Last values: a bar a row with its 95 % interval."""
    columns = _measured(study, record)
    figure, axes = _figure(len(columns))
    for axis, (key, column) in zip(axes, columns.items(), strict=True):
        for number, row in enumerate(study.rows):
            values = final_values(record, row.name, key, column)
            if not values:
                continue
            mean, ends = statistics.mean(values), interval(values)
            spread = None if ends is None else [[mean - ends[0]], [ends[1] - mean]]
            axis.bar(number, mean, yerr=spread, capsize=4, label=row.name, color=_color(study, number))
        axis.set_xticks([])
        axis.set_title(heading(record, key, column))
    return _png(figure, axes)


def _color(study: Study, number: int) -> Any:
    """Of a row: the same in every plot, whichever rows are missing."""
    colors = optional("matplotlib", extra="plot").colormaps["tab10" if len(study.rows) <= 10 else "tab20"]
    return colors(number % colors.N)


def _measured(study: Study, record: Record) -> dict[str, Column]:
    """The columns that some row has; all where there is nothing yet."""
    runs = [run for found in record["results"].values() for run in found]
    found = {key for run in runs for values in run.values() for key, value in values.items() if value is not None}
    return {key: column for key, column in study.columns.items() if key in found} or dict(study.columns)


def _figure(count: int) -> tuple[Any, list[Any]]:
    """So many axes, at most `MOST_BESIDE` of them side by side."""
    columns, rows = min(count, MOST_BESIDE), math.ceil(count / MOST_BESIDE)
    figure = optional("matplotlib.figure", extra="plot").Figure(figsize=(4 * columns, 3.6 * rows))
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axis in axes[count:]:
        axis.remove()
    return figure, axes[:count]


def _png(figure: Any, axes: list[Any]) -> bytes:
    handles, names = max((axis.get_legend_handles_labels() for axis in axes), key=lambda legend: len(legend[1]))
    columns = min(len(names), 2 * min(len(axes), MOST_BESIDE))
    lines = math.ceil(len(names) / columns) if names else 1
    if names:
        figure.legend(handles, names, loc="lower center", ncols=columns, frameon=False, fontsize=9)
    figure.tight_layout(rect=(0, (0.02 + 0.06 * lines) / math.ceil(len(axes) / MOST_BESIDE), 1, 1))
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=80)
    return buffer.getvalue()
