"""Which rows of a study differ: runs of equal seed are compared, and many comparisons are paid for.

Runs of one seed see the same pictures in the same order, so the difference of two rows is taken seed by seed (a paired
t-test), which a look at two intervals that overlap cannot replace. All pairs of a column are tested at once; Holm's
method keeps the chance of even one false "these differ" at the level.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

LEVEL = 0.05
_STEPS = 300  # of the continued fraction, which needs some tens


@dataclass(frozen=True)
class Pair:
    """Two rows of one column.

    Attributes:
        first: a row.
        second: another one.
        difference: mean over the seeds of first - second.
        p: two-sided, by the paired t-test; None with fewer than two seeds.
        p_holm: the same, adjusted for all pairs of the column.
    """

    first: str
    second: str
    difference: float
    p: float | None
    p_holm: float | None

    @property
    def is_apart(self) -> bool:
        """Whether the rows differ at `LEVEL`, whatever the number of pairs."""
        return self.p_holm is not None and self.p_holm < LEVEL


def compare(rows: Mapping[str, Mapping[int, float]]) -> list[Pair]:
    """All pairs of rows.

    Args:
        rows: row -> seed -> value. Only seeds that both rows have count.
    """
    pairs = []
    for first, second in combinations(rows, 2):
        seeds = [seed for seed in rows[first] if seed in rows[second]]
        differences = [rows[first][seed] - rows[second][seed] for seed in seeds]
        if differences:
            pairs.append(Pair(first, second, statistics.mean(differences), paired_p_value(differences), None))
    adjusted = iter(holm([pair.p for pair in pairs if pair.p is not None]))
    return [
        pair if pair.p is None else Pair(pair.first, pair.second, pair.difference, pair.p, next(adjusted))
        for pair in pairs
    ]


def paired_p_value(differences: Sequence[float]) -> float | None:
    """Two-sided p of the paired t-test that the mean difference is 0; None for fewer than two differences."""
    count = len(differences)
    if count < 2:
        return None
    mean, deviation = statistics.mean(differences), statistics.stdev(differences)
    if deviation == 0:
        return 1.0 if mean == 0 else 0.0
    t = mean / (deviation / math.sqrt(count))
    freedom = count - 1
    return _incomplete_beta(freedom / (freedom + t * t), freedom / 2, 0.5)


def holm(values: Sequence[float]) -> list[float]:
    """Adjusted p-values, in the order given (Holm, "A simple sequentially rejective multiple test procedure", 1979)."""
    order = sorted(range(len(values)), key=values.__getitem__)
    adjusted = [0.0] * len(values)
    largest = 0.0
    for place, index in enumerate(order):
        largest = max(largest, min(1.0, (len(values) - place) * values[index]))
        adjusted[index] = largest
    return adjusted


def _incomplete_beta(x: float, a: float, b: float) -> float:
    """Regularised incomplete beta function I_x(a, b), by its continued fraction (Lentz's method)."""
    if x in (0.0, 1.0):
        return x
    if x > (a + 1) / (a + b + 2):  # where the fraction converges slowly; I_x(a, b) = 1 - I_(1-x)(b, a)
        return 1 - _incomplete_beta(1 - x, b, a)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    c, d = 1.0, 1 / _away_from_zero(1 - (a + b) * x / (a + 1))
    fraction = d
    for m in range(1, _STEPS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / _away_from_zero(1 + term * d)
            c = _away_from_zero(1 + term / c)
            fraction *= c * d
        if abs(c * d - 1) < 1e-14:
            break
    return front * fraction / a


def _away_from_zero(value: float) -> float:
    return value if abs(value) > 1e-300 else 1e-300
