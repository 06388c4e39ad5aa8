"""Pairs of pictures of one person in one outfit, with the key points of both.

Everything random is a function of the seed and of a sample's position in the run, so that a resumed run sees the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Int64
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset

from limner.data.batch import TensorBatch
from limner.data.datasets.deepfashion_inshop import pairs_path, parse_name, read_pairs
from limner.data.keypoints import NAMES
from limner.data.manifest import Manifest, Row, hash_split, open_manifest
from limner.data.point_schema import POINT_SCHEMAS
from limner.data.sampler import SampleKey
from limner.data.size import Size
from limner.errors import DataError

KEYPOINTS = POINT_SCHEMAS["openpose-18"]
TORSO = tuple(NAMES.index(name) for name in ("r_shoulder", "l_shoulder", "r_hip", "l_hip"))
"""Points that a picture must show to be paired."""
MAX_VALIDATION = 200
"""Pairs of one validation at most, evenly spread."""

UInt8Array = npt.NDArray[np.uint8]
Points = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Pose:
    """One picture of a person; arrays may belong to a cache: do not write into them."""

    image: UInt8Array
    """(H, W, 3) RGB."""
    points: Points
    """(18, 2) x and y in pixels of `image`, NaN where not seen."""


@dataclass(frozen=True)
class PosePair:
    """A person twice: as given, and as wanted."""

    source: Pose
    target: Pose
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
    """`dataset[i]` is pair i as it is, `dataset[SampleKey(i, position)]` is mirrored or not.

    Args:
        manifest: rows with key points.
        pairs: numbers of the source's and the target's row.
        size: of the pictures.
        flip: mirror half of the pairs that are seen in training; left and right change their names with it.
        seed: of the mirroring.
    """

    def __init__(
        self, manifest: Manifest, pairs: Sequence[tuple[int, int]], *, size: Size, flip: bool = False, seed: int = 0
    ) -> None:
        self.manifest, self.pairs, self.size, self.flip, self.seed = manifest, list(pairs), size, flip, seed
        self._read: dict[int, Pose] = {}

    def __len__(self) -> int:
        return len(self.pairs)

    def __getitem__(self, key: int | SampleKey) -> PosePair:
        """A pair; see the class.

        Raises:
            DataError: if a picture cannot be read.
        """
        index = key.index if isinstance(key, SampleKey) else range(len(self))[key]
        source, target = (self.pose(row) for row in self.pairs[index])
        if isinstance(key, SampleKey) and self.flip and np.random.default_rng((self.seed, key.position)).random() < 0.5:
            source, target = mirrored(source), mirrored(target)
        return PosePair(source, target, index)

    def pose(self, row: int) -> Pose:
        """The picture of a row at the size of this set, decoded once."""
        if row not in self._read:
            self._read[row] = read_pose(self.manifest, self.manifest.rows[row], self.size)
        return self._read[row]


def read_pose(manifest: Manifest, row: Row, size: Size) -> Pose:
    """Picture and key points of a row, pulled to a size.

    Raises:
        DataError: if the picture cannot be read, or the data set has no key points.
    """
    marks = None if manifest.marks is None else manifest.marks(row.name)
    if marks is None or marks.keypoints is None:
        raise DataError(f"{manifest.root} has no key points for {row.name}: see docs/data.md for their file.")
    image = manifest.reader.read_image(row)
    height, width = image.shape[:2]
    resized = Image.fromarray(image).resize((size.width, size.height), Image.Resampling.BILINEAR)
    scale = np.array([size.width / width, size.height / height])
    # (0, 0) is the middle of the first pixel, before and after.
    points = (marks.keypoints + 0.5) * scale - 0.5
    return Pose(np.asarray(resized), points.astype(np.float32))


def mirrored(pose: Pose) -> Pose:
    """A person in a mirror: what was left is called right."""
    points = pose.points[KEYPOINTS.flip_permutation()].copy()
    points[:, 0] = pose.image.shape[1] - 1 - points[:, 0]
    return Pose(np.ascontiguousarray(pose.image[:, ::-1]), points)


def open_pairs(path: Path, *, kind: str, size: Size, flip: bool, seed: int) -> tuple[PosePairs, PosePairs]:
    """Pairs of the training split: those to learn from, and a twentieth of the people that chooses checkpoints.

    Args:
        path: folder of the data set.
        kind: its layout; "auto" looks.
        size: of the pictures.
        flip: mirror half of the pairs to learn from.
        seed: of the mirroring.

    Raises:
        DataError: if the folder cannot be used.
    """
    manifest = open_manifest(path, kind=kind, attributes=()).split("train")
    held_out = [hash_split(identity_of(row)) == "val" for row in manifest.rows]
    train_rows = tuple(row for row, held in zip(manifest.rows, held_out, strict=True) if not held)
    validation_rows = tuple(row for row, held in zip(manifest.rows, held_out, strict=True) if held)
    # Of a handful of people none may be held out.
    train, validation = replace(manifest, rows=train_rows), replace(manifest, rows=validation_rows or train_rows)
    chosen = list_pairs(validation, "train")
    chosen = chosen[:: max(1, len(chosen) // MAX_VALIDATION)][:MAX_VALIDATION]
    whole = PosePairs(train, list_pairs(train, "train"), size=size, flip=flip, seed=seed)
    return whole, PosePairs(validation, chosen, size=size)


def list_pairs(manifest: Manifest, split: str) -> list[tuple[int, int]]:
    """Numbers of rows that show one person in one outfit, source and target.

    The pairs of the data set's own file where it has one, else all ordered pairs of pictures that show both shoulders
    and both hips.

    Args:
        manifest: of that split.
        split: its name.

    Raises:
        DataError: if there is no pair.
    """
    numbers = {row.name: number for number, row in enumerate(manifest.rows)}
    path = pairs_path(manifest.root, split)
    if path is not None:
        stems = [tuple(name.removesuffix(".jpg").removesuffix(".png") for name in pair) for pair in read_pairs(path)]
        pairs = [(numbers[a], numbers[b]) for a, b in stems if a in numbers and b in numbers]
    else:
        people: dict[str, list[int]] = defaultdict(list)
        for number, row in enumerate(manifest.rows):
            if shows_torso(manifest, row):
                people[identity_of(row)].append(number)
        pairs = [pair for rows in people.values() for pair in permutations(rows, 2)]
    if not pairs:
        raise DataError(
            f'{manifest.root} has no two pictures of one person in the split "{split}"; pose transfer needs pairs.'
        )
    return pairs


def identity_of(row: Row) -> str:
    """Who is shown, in which outfit."""
    return parse_name(row.name).identity


def shows_torso(manifest: Manifest, row: Row) -> bool:
    """Whether both shoulders and both hips are seen."""
    points = None if manifest.marks is None else manifest.marks(row.name).keypoints
    return points is not None and bool(np.isfinite(points[list(TORSO)]).all())


def collate_pairs(pairs: Sequence[PosePair]) -> PairBatch:
    """Stack pairs of one size."""
    return PairBatch(
        source=to_images([pair.source.image for pair in pairs]),
        target=to_images([pair.target.image for pair in pairs]),
        source_points=torch.from_numpy(np.stack([pair.source.points for pair in pairs])),
        target_points=torch.from_numpy(np.stack([pair.target.points for pair in pairs])),
        index=torch.tensor([pair.index for pair in pairs], dtype=torch.int64),
    )


def to_images(images: Sequence[UInt8Array]) -> Float[Tensor, "b 3 h w"]:
    """Pictures (H, W, 3) of one size -> a batch in [-1, 1]."""
    stacked = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2)
    return stacked.to(torch.float32, memory_format=torch.contiguous_format).div_(127.5).sub_(1.0)
