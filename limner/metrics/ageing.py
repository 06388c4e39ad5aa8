"""How ageing is scored: order and means of judged ages, verification at a threshold that impostors set, triplets.

lgcgan.md 8. Ages come from a judge that is independent of what is judged, and beside every number stands what the same
judge says of real pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from limner.errors import ConfigError

Floats = npt.NDArray[np.float64]
MIN_IMPOSTORS = 100
"""Fewer pairs of different people say nothing of a threshold."""


def ranks(values: npt.ArrayLike) -> Floats:
    """Ranks from 0 on; equal values share the mean of theirs."""
    array = np.asarray(values, np.float64)
    _, inverse, counts = np.unique(array, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return (last - (counts + 1) / 2)[inverse]


def spearman(first: npt.ArrayLike, second: npt.ArrayLike) -> float:
    """Spearman's rank correlation; 0 where one of them is constant."""
    a, b = ranks(first), ranks(second)
    a, b = a - a.mean(), b - b.mean()
    length = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / length if length > 0 else 0.0


def area_under_curve(same: npt.ArrayLike, other: npt.ArrayLike) -> float:
    """Share of (same, other) pairs in which the first has the higher score; ties count half."""
    positive, negative = np.asarray(same, np.float64), np.sort(np.asarray(other, np.float64))
    below = np.searchsorted(negative, positive, side="left") + np.searchsorted(negative, positive, side="right")
    return float(below.mean() / 2 / len(negative))


def group_means(years: npt.ArrayLike, groups: npt.ArrayLike, num_groups: int) -> Floats:
    """Mean age of each group, (num_groups,); NaN where it has nobody."""
    values, numbers = np.asarray(years, np.float64), np.asarray(groups)
    return np.array([values[numbers == g].mean() if (numbers == g).any() else np.nan for g in range(num_groups)])


def confidence(cosine: npt.ArrayLike) -> Floats:
    """50 (1 + cosine): 100 for one and the same picture, 50 for unrelated ones."""
    return 50.0 * (1.0 + np.asarray(cosine, np.float64))


@dataclass(frozen=True)
class Verification:
    """A threshold and what it was set by."""

    threshold: float
    """Confidence from which two pictures count as one person."""
    false_accept_rate: float
    """Share of the impostor pairs that reach it at most."""
    num_impostors: int

    def rate(self, scores: npt.ArrayLike) -> float:
        """Share of pairs that count as one person."""
        return float((np.asarray(scores, np.float64) >= self.threshold).mean())


def threshold_by_impostors(scores: npt.ArrayLike, false_accept_rate: float) -> Verification:
    """The lowest threshold that at most that share of pairs of different people reaches.

    Args:
        scores: confidences of pairs of different people.
        false_accept_rate: in (0, 1); 1e-4 needs 10,000 pairs at least.

    Raises:
        ConfigError: if there are too few pairs for the rate.
    """
    values = np.sort(np.asarray(scores, np.float64))[::-1]
    if not 0 < false_accept_rate < 1:
        raise ConfigError(f"The false accept rate is {false_accept_rate}; it must lie in (0, 1).")
    allowed = int(np.floor(false_accept_rate * len(values) + 1e-9))
    if len(values) < MIN_IMPOSTORS or allowed < 1:
        needed = max(MIN_IMPOSTORS, int(np.ceil(1 / false_accept_rate)))
        raise ConfigError(
            f"{len(values)} pairs of different people cannot set a threshold at a false accept rate of "
            f"{false_accept_rate:g}; it takes {needed} at least. Give a higher rate or more faces."
        )
    # Just above the first impostor that must stay out, ties included.
    return Verification(float(np.nextafter(values[allowed], np.inf)), false_accept_rate, len(values))


def impostor_cosines(embedding: Floats, person: Sequence[str], *, alike: Sequence[object] | None = None) -> Floats:
    """Cosines of all pairs of different people.

    Args:
        embedding: (n, e), rows of length 1.
        person: who each row is.
        alike: something that the two of a pair must share, such as gender and age group; none: all pairs count.
    """
    cosines = embedding @ embedding.T
    names = np.asarray(person)
    different = names[:, None] != names[None, :]
    if alike is not None:
        kinds = np.unique([repr(kind) for kind in alike], return_inverse=True)[1]
        different &= kinds[:, None] == kinds[None, :]
    return np.asarray(cosines[np.triu(different, 1)], np.float64)


def triplet_share(
    source: Floats, aged: Floats, person: Sequence[str], others: Floats, other_person: Sequence[str]
) -> tuple[int, int]:
    """How often a source is nearer to itself at another age than to another person: right triplets, and all.

    Args:
        source: (n, e) embeddings of the sources, rows of length 1.
        aged: (n, e) of the same people at the target age, generated or real.
        person: who the sources are.
        others: (m, e) of real pictures of the same gender and of the target group.
        other_person: who they are; the source's own person is no negative.
    """
    own = (source * aged).sum(axis=1)
    theirs = source @ others.T
    negative = np.asarray(person)[:, None] != np.asarray(other_person)[None, :]
    return int(((own[:, None] > theirs) & negative).sum()), int(negative.sum())
