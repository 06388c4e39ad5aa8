"""Plots of an evaluation; they need matplotlib."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from limner.metrics.protocol import Measurement
from limner.optional import optional

_SCORES = {"mse": "squared error", "mse_foreground": "squared error of the subject", "ssim": "SSIM"}


def curves(measurements: Mapping[str, Measurement], budgets: Sequence[int]) -> Callable[[Path], None]:
    """What draws scores against the number of strokes, a line a painter with 95 % intervals, as PNG.

    Args:
        measurements: `<painter>_<budget>_<score>` -> number, as `evaluate` finds them.
        budgets: numbers of strokes.

    Raises:
        MissingExtraError: if matplotlib is not installed.
    """
    figure = optional("matplotlib.figure", extra="plot").Figure(figsize=(4 * len(_SCORES), 3.6), layout="constrained")
    painters = dict.fromkeys(key.split("_")[0] for key in measurements)
    for axis, (score, title) in zip(figure.subplots(1, len(_SCORES)), _SCORES.items(), strict=True):
        for painter in painters:
            found = {budget: measurements.get(f"{painter}_{budget}_{score}") for budget in budgets}
            there = {budget: one for budget, one in found.items() if one is not None}
            means = [one.value for one in there.values()]
            ends = [one.interval or (one.value, one.value) for one in there.values()]
            spread = [[mean - low for mean, (low, _) in zip(means, ends, strict=True)]]
            spread += [[high - mean for mean, (_, high) in zip(means, ends, strict=True)]]
            axis.errorbar(list(there), means, yerr=spread, marker="o", capsize=3, label=painter)
        axis.set_xscale("log")
        axis.set_xticks(list(budgets), [str(budget) for budget in budgets], minor=False)
        axis.set_xticks([], minor=True)
        # With few pictures a score may be known of none, and there is nothing to draw on a logarithmic scale.
        if score != "ssim" and any(low > 0 for line in axis.lines for low in line.get_ydata()):
            axis.set_yscale("log")
        axis.set_xlabel("strokes")
        axis.set_title(title)
    axis.legend(frameon=False)
    return lambda path: figure.savefig(path, format="png", dpi=80)
