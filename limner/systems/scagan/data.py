"""Pairs with what SCA-GAN is given beside them: the edges of both, and those of the source moved joint by joint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils.data import Dataset

from limner.data.sampler import SampleKey
from limner.data.size import Size
from limner.data.spec import DataSpec
from limner.engine.data import TrainingData, required
from limner.pose_transfer.data import (
    KEYPOINTS,
    PairBatch,
    PosePair,
    PosePairs,
    collate_pairs,
    image_of,
    open_pairs,
    points_of,
)
from limner.systems.scagan.config import SCAGANConfig
from limner.systems.scagan.edges import as_content, edge_map
from limner.systems.scagan.plates import PlateBorder, PlateScale, as_input, plates, radius_of


@dataclass
class ContentBatch(PairBatch):
    """Pairs with their edges."""

    source_content: Float[Tensor, "b e h w"]
    """In [-1, 1], lines bright."""
    target_content: Float[Tensor, "b e h w"]
    plates: Float[Tensor, "b 18 h w"]
    """The source's edges around each joint, at the joint's place in the target."""


@dataclass(frozen=True)
class ContentPair:
    """A pair with its edges, (H, W) with dark lines, and its plates, (18, H, W)."""

    pair: PosePair
    source_edges: npt.NDArray[np.uint8]
    target_edges: npt.NDArray[np.uint8]
    plates: npt.NDArray[np.uint8]


class ContentPairs(Dataset[ContentPair]):
    """A set of pairs with edges and plates; the keys are those of `PosePairs`.

    Args:
        pairs: the set.
        border: what becomes of patches at the border.
    """

    def __init__(self, pairs: PosePairs, *, border: PlateBorder) -> None:
        self.pairs, self.border = pairs, border

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, key: int | SampleKey) -> ContentPair:
        """A pair; see the class."""
        return with_content(self.pairs[key], border=self.border)


def with_content(pair: PosePair, *, border: PlateBorder) -> ContentPair:
    """A pair with its edges and plates."""
    source, target = edge_map(image_of(pair.source)), edge_map(image_of(pair.target))
    points = points_of(pair.source), points_of(pair.target)
    moved = plates(255 - source, *points, radius=radius_of(len(source)), border=border)
    return ContentPair(pair, source, target, moved)


def collate_content(items: Sequence[ContentPair], *, scale: PlateScale = "unit") -> ContentBatch:
    """Stack pairs of one size."""
    batch = collate_pairs([item.pair for item in items])

    def stack(arrays: Sequence[npt.NDArray[np.float32]]) -> Tensor:
        return torch.from_numpy(np.stack(arrays))

    return ContentBatch(
        **vars(batch),
        source_content=stack([as_content(item.source_edges) for item in items]),
        target_content=stack([as_content(item.target_edges) for item in items]),
        plates=stack([as_input(item.plates, scale) for item in items]),
    )


def open_content_pairs(config: SCAGANConfig, path: Path | None) -> TrainingData:
    """Pairs of the training split with their content; see `open_pairs`.

    Raises:
        ConfigError: if no folder is named.
        DataError: if the folder cannot be used.
    """
    model, dataset = config.model, config.dataset
    train, validation = open_pairs(
        required(path), kind=dataset.kind, size=Size.of(model.image_size), flip=dataset.flip, seed=config.train.seed
    )
    return TrainingData(
        DataSpec(keypoints=KEYPOINTS),
        ContentPairs(train, border=model.plate_border),
        ContentPairs(validation, border=model.plate_border),
        partial(collate_content, scale=model.plate_scale),
    )
