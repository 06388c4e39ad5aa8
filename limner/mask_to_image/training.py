"""Sample grids and quick scores of systems that paint label maps, for use during training."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from limner.data.batch import MaskToImageBatch
from limner.data.dataset import MaskToImageDataset, collate
from limner.data.schema import LabelSchema
from limner.engine.ranks import gather_rows
from limner.metrics.sliced_wasserstein import sliced_wasserstein_distance
from limner.nn.label_maps import colorize

NUM_ROWS = 8
NUM_SEEDS = 4


def first_rows(dataset: MaskToImageDataset) -> MaskToImageBatch:
    """The pictures whose maps the sample grids show."""
    return collate([dataset[index] for index in range(min(NUM_ROWS, len(dataset)))])


@dataclass
class Neighbours(MaskToImageBatch):
    """Pictures of a sample grid, each with those that lend it their looks."""

    others: Float[Tensor, "b k 3 h w"]
    other_maps: Int64[Tensor, "b k h w"]


def first_rows_with_neighbours(dataset: MaskToImageDataset, shifts: Sequence[int]) -> Neighbours:
    """`first_rows`, each with the rows so many places before it; they go round."""
    batch = first_rows(dataset)
    others, maps = (torch.stack([x.roll(n, 0) for n in shifts], dim=1) for x in (batch.image, batch.label_map))
    return Neighbours(**vars(batch), others=others, other_maps=maps)


def sample_grid(
    fixed: MaskToImageBatch, schema: LabelSchema, pictures: Sequence[Float[Tensor, "rows 3 h w"]]
) -> Float[Tensor, "rows columns 3 h w"]:
    """A row a map: the map, the real picture, one column for each batch of `pictures`."""
    columns = [colorize(fixed.label_map, schema), fixed.image, *pictures]
    return torch.stack([column.float().clamp(-1, 1) for column in columns], dim=1)


def grid_diversity(grid: Float[Tensor, "rows columns 3 h w"]) -> float:
    """Mean absolute difference, in [-1, 1] units, between the pictures of one map and different seeds."""
    pictures = grid[:, 2 : 2 + NUM_SEEDS]
    return float((pictures[:, :-1] - pictures[:, 1:]).abs().mean())


def quick_scores(
    batches: Iterable[MaskToImageBatch], paint: Callable[[MaskToImageBatch], Float[Tensor, "b 3 h w"]]
) -> dict[str, float]:
    """How far pictures of held-out maps are from the real ones, without any network that judges.

    Args:
        batches: held-out pictures with their maps, this process's part.
        paint: batch -> pictures in [-1, 1].

    Returns:
        `sliced_wasserstein`: distance of patches as sets, which chooses the best checkpoint.
        `l1`: distance pixel by pixel, which is 0 only for copies.
    """
    reals, fakes = [], []
    for batch in batches:
        reals.append(batch.image.float().cpu())
        fakes.append(paint(batch).float().cpu())
    real, fake = gather_rows(reals), gather_rows(fakes)
    return {
        "sliced_wasserstein": sliced_wasserstein_distance(real, fake),
        "l1": float((real - fake).abs().mean()),
    }
