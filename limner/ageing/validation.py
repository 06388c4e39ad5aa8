"""What validation and evaluation ask of an age judge, what they make of its answers, and the faces of samples."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from torch import Tensor

from limner.ageing.data import AgeBatch, AgeDataset, collate
from limner.data.datasets.utkface import AGE_GROUPS
from limner.errors import ConfigError
from limner.metrics.ageing import group_means, spearman
from limner.metrics.judges import open_judge
from limner.metrics.published_judges import AgeJudge


def load_judge(name: str | None, device: torch.device) -> AgeJudge | None:
    """The judge of ages of that name or folder; none if none is named.

    Raises:
        WeightsError, MissingExtraError: if it is not there.
        ConfigError: if it judges no ages.
    """
    if name is None:
        return None
    judge = open_judge(name, device=device)
    if judge.kind != "age":
        raise ConfigError(f'"{name}" judges no ages (it is of the kind {judge.kind}); name weights of facejudge.')
    network: AgeJudge = judge.network
    return network


def age_scores(
    judged: npt.ArrayLike, of_reals: npt.ArrayLike, truth: npt.ArrayLike, groups: npt.ArrayLike
) -> dict[str, float]:
    """Scores of faces that were brought to all age groups.

    Args:
        judged: (n, groups) years that the judge sees in face i brought to group k.
        of_reals: (n,) years that it sees in the real faces.
        truth: (n,) their true ages.
        groups: (n,) their groups.

    Returns:
        `age_error_years`: mean distance of what the judge sees to the mean age of the target group.
        `age_spearman`: mean over faces of the rank correlation of judged age and target group.
        `judged_span`: years between the judged means of the last and the first group, as a share of the true ones.
        `worst_group_years`: largest distance between a judged and a generic mean.
        `judge_error_years`: the judge's own mean error on the real faces.
    """
    seen = np.asarray(judged, np.float64)
    generic = group_means(truth, groups, seen.shape[1])
    known = np.isfinite(generic)
    means = seen.mean(axis=0)
    order = np.arange(seen.shape[1])
    first, last = np.flatnonzero(known)[[0, -1]]
    span = generic[last] - generic[first]
    return {
        "age_error_years": float(np.abs(seen[:, known] - generic[known]).mean()),
        "age_spearman": float(np.mean([spearman(row, order) for row in seen])),
        "judged_span": float((means[last] - means[first]) / span) if span > 0 else float("nan"),
        "worst_group_years": float(np.abs(means[known] - generic[known]).max()),
        "judge_error_years": float(np.abs(np.asarray(of_reals, np.float64) - np.asarray(truth, np.float64)).mean()),
    }


def spread_over_groups(groups: npt.ArrayLike, count: int) -> list[int]:
    """Up to `count` rows of as many age groups as there are, in the order of the groups."""
    numbers = np.asarray(groups)
    places = [np.flatnonzero(numbers == group) for group in np.unique(numbers)]
    rows = [int(place[turn]) for turn in range(count) for place in places if turn < len(place)][:count]
    return sorted(rows, key=lambda row: (int(numbers[row]), row))


def sample_faces(dataset: AgeDataset) -> AgeBatch:
    """Eight held-out faces of different ages, which a run paints again and again."""
    return collate([dataset[index] for index in spread_over_groups(dataset.group, 8)])


def all_ages(
    source: Float[Tensor, "rows 3 h w"], at_age: Callable[[int], Float[Tensor, "rows 3 h w"]]
) -> Float[Tensor, "rows columns 3 h w"]:
    """A row a face: the source and what `at_age` makes of it for each age group, within [-1, 1]."""
    return torch.stack([source, *map(at_age, range(len(AGE_GROUPS)))], dim=1).clamp(-1, 1)
