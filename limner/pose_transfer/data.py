"""Pairs of pictures of one person in one outfit, with the key points of both.

Everything random is a function of the seed and of a sample's position in the run, so that a resumed run sees the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.utils.data import Dataset

from limner.data.batch import TensorBatch, to_images
from limner.data.config import AugmentConfig
from limner.data.dataset import SampleDataset
from limner.data.fields import Field
from limner.data.keypoints import NAMES
from limner.data.manifest import Manifest, Row, hash_split, open_manifest
from limner.data.pairs import identity_pairs, listed_pairs
from limner.data.point_schema import MARKET_14, POINT_SCHEMAS
from limner.data.sample import Sample
from limner.data.sampler import SampleKey
from limner.data.size import Size
from limner.errors import DataError

KEYPOINTS = POINT_SCHEMAS["openpose-18"]
TORSO = tuple(NAMES.index(name) for name in ("r_shoulder", "l_shoulder", "r_hip", "l_hip"))
"""Points that a picture must show to be paired."""
FIELDS: tuple[Field, ...] = ("image", "keypoints")
MAX_VALIDATION = 200
"""Pairs of one validation at most, evenly spread."""

UInt8Array = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class PosePair:
    """A person twice, each with picture and key points: as given, and as wanted."""

    source: Sample
    target: Sample
    index: int
    """Number of the pair."""


@dataclass
class PairBatch(TensorBatch):
    """Pairs, ready for a network."""

    source: Float[Tensor, "b 3 h w"]
    """RGB in [-1, 1]."""
    target: Float[Tensor, "b 3 h w"]
    source_points: Float[Tensor, "b 18 2"]
    """x and y in pixels, NaN where not seen."""
    target_points: Float[Tensor, "b 18 2"]
    index: Int64[Tensor, " b"]
    """Number of the pair."""


class PosePairs(Dataset[PosePair]):
    """`dataset[i]` is pair i as it is; both pictures of `dataset[SampleKey(i, position)]` are mirrored, or neither.

    Args:
        manifest: rows with key points.
        pairs: numbers of the source's and the target's row.
        size: of the pictures.
        fields: of the samples.
        flip: mirror half of the pairs that are seen in training; left and right change their names with it.
        seed: of the mirroring.
    """

    def __init__(
        self,
        manifest: Manifest,
        pairs: Sequence[tuple[int, int]],
        *,
        size: Size,
        fields: Sequence[Field] = FIELDS,
        flip: bool = False,
        seed: int = 0,
    ) -> None:
        augment = AugmentConfig(flip=flip)
        self.samples = SampleDataset(manifest, fields=fields, size=size, augment=augment, seed=seed)
        self.pairs = list(pairs)

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, key: int | SampleKey) -> PosePair:
        """A pair; see the class.

        Raises:
            DataError: if a picture cannot be read.
        """
        if not isinstance(key, SampleKey):
            index = range(len(self))[key]
            source, target = (self.samples[row] for row in self.pairs[index])
            return PosePair(source, target, index)
        # One position in the run for both: they draw the same changes.
        source, target = (self.samples[SampleKey(row, key.position)] for row in self.pairs[key.index])
        return PosePair(source, target, key.index)


def open_pairs(
    path: Path, *, kind: str, size: Size, flip: bool, seed: int, fields: Sequence[Field] = FIELDS
) -> tuple[PosePairs, PosePairs]:
    """Pairs of the training split: those to learn from, and a twentieth of the people that chooses checkpoints.

    Args:
        path: folder of the data set.
        kind: its layout; "auto" looks.
        size: of the pictures.
        flip: mirror half of the pairs to learn from.
        seed: of the mirroring.
        fields: that the samples must have.

    Raises:
        DataError: if the folder cannot be used.
    """
    manifest = open_manifest(path, kind=kind, needs=fields, asked_by="pose transfer").split("train")
    held_out = [hash_split(row.identity or row.name) == "val" for row in manifest.rows]
    train_rows = tuple(row for row, held in zip(manifest.rows, held_out, strict=True) if not held)
    validation_rows = tuple(row for row, held in zip(manifest.rows, held_out, strict=True) if held)
    # Of a handful of people none may be held out.
    train, validation = replace(manifest, rows=train_rows), replace(manifest, rows=validation_rows or train_rows)
    chosen = list_pairs(validation)
    chosen = chosen[:: max(1, len(chosen) // MAX_VALIDATION)][:MAX_VALIDATION]
    whole = PosePairs(train, list_pairs(train), size=size, fields=fields, flip=flip, seed=seed)
    return whole, PosePairs(validation, chosen, size=size, fields=fields)


def list_pairs(manifest: Manifest) -> list[tuple[int, int]]:
    """Numbers of rows that show one person in one outfit, source and target.

    The pairs of the data set's own file where it has one, else all ordered pairs of pictures that show both shoulders
    and both hips.

    Raises:
        DataError: if there is no pair.
    """
    if manifest.pairs:
        pairs = listed_pairs(manifest)
    else:
        pairs = identity_pairs(manifest.rows, usable=lambda row: _shows_torso(manifest, row))
    if not pairs:
        raise DataError(f"{manifest.root} has no two pictures of one person; pose transfer needs pairs.")
    return pairs


def _shows_torso(manifest: Manifest, row: Row) -> bool:
    """Whether both shoulders and both hips are seen."""
    points = manifest.marks_of(row).keypoints
    return points is not None and bool(np.isfinite(points[list(TORSO)]).all())


def collate_pairs(pairs: Sequence[PosePair]) -> PairBatch:
    """Stack pairs of one size."""
    return PairBatch(
        source=to_images([image_of(pair.source) for pair in pairs]),
        target=to_images([image_of(pair.target) for pair in pairs]),
        source_points=_to_points([pair.source for pair in pairs]),
        target_points=_to_points([pair.target for pair in pairs]),
        index=torch.tensor([pair.index for pair in pairs], dtype=torch.int64),
    )


def image_of(sample: Sample) -> UInt8Array:
    """The picture of a sample that has one."""
    if sample.image is None:
        raise TypeError("a sample of a pair has no picture")
    return sample.image


def points_of(sample: Sample) -> npt.NDArray[np.float64]:
    """The 18 key points of a sample that has some.

    Of Market-1501's 14 the first is the top of the head, which is no nose: it is left out, as are eyes and ears, so
    that no network learns two meanings of one point.
    """
    if sample.keypoints is None:
        raise TypeError("a sample of a pair has no key points")
    if len(sample.keypoints) == len(MARKET_14):
        points = np.full((len(KEYPOINTS), 2), np.nan)
        known = [name for name in MARKET_14.points if name in KEYPOINTS.points]
        points[[KEYPOINTS.index(name) for name in known]] = sample.keypoints[[MARKET_14.index(name) for name in known]]
        return points
    return sample.keypoints


def label_map_of(sample: Sample) -> UInt8Array:
    """The label map of a sample that has one."""
    if sample.label_map is None:
        raise TypeError("a sample of a pair has no label map")
    return sample.label_map


def _to_points(samples: Sequence[Sample]) -> Float[Tensor, "b 18 2"]:
    return torch.from_numpy(np.stack([points_of(sample).astype(np.float32) for sample in samples]))
