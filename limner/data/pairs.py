"""Pairs as an index over rows: those a data set lists, those of one person, and wrong ones that are never true."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence

import numpy as np
import numpy.typing as npt

from limner.data.manifest import Manifest, Row


def listed_pairs(manifest: Manifest) -> list[tuple[int, int]]:
    """The pairs that the data set lists, as numbers of rows; those with a row of another split are left out."""
    numbers = {row.name: index for index, row in enumerate(manifest.rows)}
    return [(numbers[a], numbers[b]) for a, b in manifest.pairs if a in numbers and b in numbers]


def identity_pairs(rows: Sequence[Row], *, usable: Callable[[Row], bool] = lambda row: True) -> list[tuple[int, int]]:
    """All ordered pairs of different usable rows that show one person; a row of an unknown person is in none."""
    of_person: dict[str, list[int]] = defaultdict(list)
    for index, row in enumerate(rows):
        if row.identity and usable(row):
            of_person[row.identity].append(index)
    return [(a, b) for members in of_person.values() for a in members for b in members if a != b]


def mismatched(
    labels: Sequence[Hashable],
    random: np.random.Generator,
    *,
    is_true: Callable[[int, int], bool] = lambda first, second: False,
) -> npt.NDArray[np.int64]:
    """For each sample the number of another one with which it makes a wrong pair.

    Two samples of one label never make a wrong pair, nor two for which `is_true` holds: a caption that is true of both
    pictures, the sound of the same clip.

    Args:
        labels: of the samples; a row's name, class or person.
        random: chooses evenly among the wrong ones.
        is_true: whether sample `second` would make a true pair with sample `first`.

    Returns:
        (n,) numbers; -1 where every other sample would make a true pair.
    """
    found = np.full(len(labels), -1, dtype=np.int64)
    draws = random.random(len(labels))  # one each, so that what is left out elsewhere changes no other choice
    for index, label in enumerate(labels):
        wrong = [
            other for other, name in enumerate(labels) if other != index and name != label and not is_true(index, other)
        ]
        if wrong:
            found[index] = wrong[int(draws[index] * len(wrong))]
    return found
