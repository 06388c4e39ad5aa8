"""Scores of ageing against worked-out numbers and scipy."""

from __future__ import annotations

import numpy as np
import pytest

from limner.errors import ConfigError
from limner.metrics.ageing import (
    area_under_curve,
    confidence,
    group_means,
    impostor_cosines,
    spearman,
    threshold_by_impostors,
    triplet_share,
)


def test_spearman_is_that_of_scipy_with_ties() -> None:
    stats = pytest.importorskip("scipy.stats")
    random = np.random.default_rng(0)
    for _ in range(5):
        a, b = random.integers(0, 6, 40), random.random(40)
        assert spearman(a, b) == pytest.approx(stats.spearmanr(a, b).statistic)
    assert spearman([1, 1, 1], [1, 2, 3]) == 0.0


def test_area_under_curve_counts_ties_half() -> None:
    assert area_under_curve([2, 3], [1, 2]) == pytest.approx((1 + 0.5 + 1 + 1) / 4)


def test_group_means() -> None:
    means = group_means([10, 20, 40], [0, 0, 2], 4)
    assert means[0] == 15 and means[2] == 40 and np.isnan(means[[1, 3]]).all()


def test_confidence_of_one_picture_is_100() -> None:
    assert confidence([1.0, 0.0, -1.0]).tolist() == [100.0, 50.0, 0.0]


def test_threshold_lets_in_as_many_impostors_as_allowed() -> None:
    scores = np.arange(1000, dtype=float)
    found = threshold_by_impostors(scores, 0.01)
    assert (scores >= found.threshold).sum() == 10
    assert found.rate([989.0, 990.0, 2000.0]) == pytest.approx(2 / 3)
    ties = np.concatenate([np.zeros(900), np.ones(100)])
    assert (ties >= threshold_by_impostors(ties, 0.05).threshold).sum() == 0


@pytest.mark.parametrize(("number", "rate"), [(50, 0.1), (1000, 1e-4), (1000, 0.0), (1000, float("nan"))])
def test_too_few_impostors_are_refused(number: int, rate: float) -> None:
    with pytest.raises(ConfigError):
        threshold_by_impostors(np.zeros(number), rate)


def test_impostors_are_different_people_of_one_kind() -> None:
    embedding = np.eye(4)[[0, 1, 0, 2]]
    people = ["a", "b", "a", "c"]
    assert len(impostor_cosines(embedding, people)) == 5  # all six pairs but a-a
    assert len(impostor_cosines(embedding, people, alike=[0, 0, 1, 1])) == 2


def test_triplets_leave_out_the_source_itself() -> None:
    source, aged = np.eye(2), np.eye(2)
    others = np.array([[1.0, 0.0], [0.6, 0.8]])
    # Both sources are nearer to themselves (1) than to the other's picture (0.8 and 0).
    assert triplet_share(source, aged, ["a", "b"], others[::-1], ["b", "a"]) == (2, 2)
    assert triplet_share(source, aged[::-1], ["a", "b"], others, ["b", "b"]) == (0, 2)


def test_published_differences_follow_from_the_means_but_for_two() -> None:
    from limner.metrics.tables import published_table

    means = {row.method: row.values for row in published_table("lgcgan-ages").rows}
    wrong = {}
    for row in published_table("lgcgan-age-differences").rows:
        for group, printed in row.values.items():
            found = abs(means[row.method][group] - means["generic"][group])
            if abs(found - printed) > 0.005:
                wrong[row.method, group] = round(found, 2)
    assert wrong == {("LGcGAN", "g31"): 1.90, ("LGcGAN", "g41"): 0.44}
    ours = [abs(means["LGcGAN"][group] - means["generic"][group]) for group in means["generic"]]
    assert round(float(np.mean(ours)), 2) == 1.82
