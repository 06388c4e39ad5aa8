"""Pairs with what SCA-GAN is given beside them: the content of both, and that of the source moved joint by joint."""

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

from limner.data.fields import Field
from limner.data.sampler import SampleKey
from limner.data.size import Size
from limner.data.spec import DataSpec
from limner.engine.data import TrainingData, required
from limner.pose_transfer.data import (
    FIELDS,
    KEYPOINTS,
    PairBatch,
    PosePair,
    PosePairs,
    collate_pairs,
    image_of,
    label_map_of,
    open_pairs,
    points_of,
)
from limner.pose_transfer.parts import as_grey, check_parsing, part_masks, to_parts
from limner.systems.scagan.config import SCAGANConfig
from limner.systems.scagan.edges import as_content, edge_map
from limner.systems.scagan.plates import PlateBorder, PlateScale, as_input, plates, radius_of


@dataclass
class ContentBatch(PairBatch):
    """Pairs with their content: edges, or classes."""

    source_content: Float[Tensor, "b e h w"]
    """Edges in [-1, 1], lines bright; or one mask a class."""
    target_content: Float[Tensor, "b e h w"]
    plates: Float[Tensor, "b 18 h w"]
    """The source's content around each joint, at the joint's place in the target."""


@dataclass(frozen=True)
class ContentPair:
    """A pair with its content, (H, W): edges with dark lines, or numbers of parts; and its plates, (18, H, W)."""

    pair: PosePair
    source_content: npt.NDArray[np.uint8]
    target_content: npt.NDArray[np.uint8]
    plates: npt.NDArray[np.uint8]


class ContentPairs(Dataset[ContentPair]):
    """A set of pairs with content and plates; the keys are those of `PosePairs`.

    Args:
        pairs: the set.
        is_semantic: whether the content is classes of the label maps, not edges.
        border: what becomes of patches at the border.
    """

    def __init__(self, pairs: PosePairs, *, is_semantic: bool, border: PlateBorder) -> None:
        self.pairs, self.is_semantic, self.border = pairs, is_semantic, border

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, key: int | SampleKey) -> ContentPair:
        """A pair; see the class."""
        pair = self.pairs[key]
        source, target = (
            to_parts(label_map_of(one)) if self.is_semantic else edge_map(image_of(one))
            for one in (pair.source, pair.target)
        )
        points = points_of(pair.source), points_of(pair.target)
        patches = patches_of(source, is_semantic=self.is_semantic)
        moved = plates(patches, *points, radius=radius_of(len(source)), border=self.border)
        return ContentPair(pair, source, target, moved)


def patches_of(content: npt.NDArray[np.uint8], *, is_semantic: bool) -> npt.NDArray[np.uint8]:
    """Content (H, W) as plates are cut from it: bright on 0."""
    return as_grey(content) if is_semantic else 255 - content


def content_input(content: npt.NDArray[np.uint8], *, is_semantic: bool) -> Float[Tensor, "b e h w"]:
    """Content (b, H, W) as the networks see it."""
    return part_masks(content) if is_semantic else torch.from_numpy(np.stack([as_content(one) for one in content]))


def collate_content(
    items: Sequence[ContentPair], *, is_semantic: bool = False, scale: PlateScale = "unit"
) -> ContentBatch:
    """Stack pairs of one size."""
    return ContentBatch(
        **vars(collate_pairs([item.pair for item in items])),
        source_content=content_input(np.stack([item.source_content for item in items]), is_semantic=is_semantic),
        target_content=content_input(np.stack([item.target_content for item in items]), is_semantic=is_semantic),
        plates=torch.from_numpy(np.stack([as_input(item.plates, scale) for item in items])),
    )


def open_content_pairs(config: SCAGANConfig, path: Path | None, *, asked_by: str) -> TrainingData:
    """Pairs of the training split with their content; see `open_pairs`. `asked_by` is the system's name, for messages.

    Raises:
        ConfigError: if no folder is named.
        DataError: if the folder cannot be used, or lacks the body parsing that classes are taken from.
    """
    model, dataset = config.model, config.dataset
    is_semantic = model.content == "semantic"
    fields: tuple[Field, ...] = (*FIELDS, "label_map") if is_semantic else FIELDS
    train, validation = open_pairs(
        required(path, asked_by),
        kind=dataset.kind,
        size=Size.of(model.image_size),
        fields=fields,
        flip=dataset.flip,
        seed=config.train.seed,
    )
    if is_semantic:
        check_parsing(train.samples.manifest)
    return TrainingData(
        DataSpec(keypoints=KEYPOINTS),
        ContentPairs(train, is_semantic=is_semantic, border=model.plate_border),
        ContentPairs(validation, is_semantic=is_semantic, border=model.plate_border),
        partial(collate_content, is_semantic=is_semantic, scale=model.plate_scale),
    )
