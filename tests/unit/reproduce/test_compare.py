"""Pairs of rows: the t-test and Holm's method against worked-out and independent numbers."""

from __future__ import annotations

import pytest

from limner.reproduce.compare import compare, holm, paired_p_value


def test_p_of_two_and_three_seeds_by_hand() -> None:
    # One degree of freedom is Cauchy's distribution: t = 1 has p = 1/2. Differences 0 and 1: mean 1/2, deviation
    # 1/sqrt(2), t = 1.
    assert paired_p_value([0.0, 1.0]) == pytest.approx(0.5, abs=1e-12)
    # Two degrees of freedom: p = 1 - t / sqrt(2 + t^2). Differences 1, 2, 3: t = 2 sqrt(3).
    assert paired_p_value([1.0, 2.0, 3.0]) == pytest.approx(1 - 12**0.5 / 14**0.5, abs=1e-12)
    assert paired_p_value([1.0]) is None
    assert paired_p_value([2.0, 2.0]) == 0 and paired_p_value([0.0, 0.0]) == 1


def test_p_against_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    for differences in ([0.3, -0.1, 0.4, 0.2], [5.0, 5.1, 4.9], [1e-3, 2.0], [0.5, -0.4, 0.1, -0.2, 0.05, 0.0]):
        assert paired_p_value(differences) == pytest.approx(stats.ttest_1samp(differences, 0).pvalue, rel=1e-10)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.6, 0.7]) == [1.0, 1.0] and holm([]) == []


def test_pairs_take_the_seeds_that_both_rows_have() -> None:
    rows = {"a": {0: 1.0, 1: 2.0, 2: 9.0}, "b": {0: 0.0, 1: 2.0}, "c": {7: 1.0}}
    (pair,) = compare(rows)
    assert (pair.first, pair.second, pair.difference) == ("a", "b", 0.5)
    assert pair.p == pair.p_holm == pytest.approx(0.5) and not pair.is_apart
