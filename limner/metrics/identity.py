"""Are two pictures of one person? By the distances of their face embeddings, with a threshold from impostors.

A threshold from the literature holds for the pictures that it was found on. Here it is taken from pairs of different
people of the same group (age, gender), so that "same person" always means "nearer than nearly all such strangers".
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from limner.errors import DataError, ShapeError


@dataclass(frozen=True)
class Threshold:
    """A distance below which two embeddings count as one person's.

    Attributes:
        distance: Euclidean.
        impostor_rate: share of the impostor pairs below it, at most the one that was asked for.
        num_impostors: pairs that it was taken from.
    """

    distance: float
    impostor_rate: float
    num_impostors: int


def impostor_threshold(
    embeddings: Float[Tensor, "faces d"],
    people: Int64[Tensor, " faces"],
    groups: Int64[Tensor, " faces"],
    *,
    rate: float = 0.01,
) -> Threshold:
    """The threshold that only a share `rate` of the pairs of strangers stays below.

    Args:
        embeddings: of real pictures; rows with NaN (no face found) are left out.
        people: who is on each.
        groups: what strangers must share to count, such as age group and gender as one number.
        rate: share of the pairs of strangers of one group that may be taken for one person.

    Raises:
        ShapeError: if the arguments do not have the same length.
        DataError: if there are fewer than 1/rate pairs of strangers, which such a share cannot be read from.
    """
    if not len(embeddings) == len(people) == len(groups):
        raise ShapeError(f"{len(embeddings)} embeddings, {len(people)} people and {len(groups)} groups do not match.")
    seen = embeddings.isfinite().all(1)
    embeddings, people, groups = embeddings[seen].double(), people[seen], groups[seen]
    first, second = torch.triu_indices(len(people), len(people), 1)
    strangers = (people[first] != people[second]) & (groups[first] == groups[second])
    distances = (embeddings[first[strangers]] - embeddings[second[strangers]]).norm(dim=1).sort().values
    if len(distances) * rate < 1:
        raise DataError(
            f"{len(distances)} pairs of strangers of one group are too few for a share of {rate:g}; at least "
            f"{round(1 / rate)} are needed."
        )
    place = int(len(distances) * rate)
    distance = float(distances[place])
    return Threshold(distance, float((distances < distance).double().mean()), len(distances))


def same_person(
    first: Float[Tensor, "pairs d"], second: Float[Tensor, "pairs d"], threshold: Threshold
) -> Float[Tensor, " pairs"]:
    """1 where two embeddings count as one person's, 0 where not, NaN where a face was not found."""
    distances = (first.double() - second.double()).norm(dim=1)
    return torch.where(distances.isnan(), distances, (distances < threshold.distance).double()).float()
