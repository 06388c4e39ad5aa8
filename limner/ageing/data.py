"""Faces with landmarks and ages, each with a partner: a real face of the age that it is to become, or the same person.

Everything random is a function of the seed and of a sample's position in the run, so that a resumed run sees the same.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor
from torch.utils.data import Dataset

from limner.data.ages import LGCGAN_GROUPS
from limner.data.batch import TensorBatch, to_images
from limner.data.config import AugmentConfig, DataConfig
from limner.data.dataset import SampleDataset
from limner.data.datasets.utkface import AGE_GROUPS, age_group, parse_name
from limner.data.fields import Field
from limner.data.geometry import Geometry
from limner.data.manifest import Manifest, Row, open_manifest
from limner.data.point_schema import IBUG_68
from limner.data.sampler import SampleKey
from limner.data.spec import DataSpec
from limner.data.transforms import Mirror
from limner.engine.data import TrainingData, required
from limner.errors import ConfigError, DataError
from limner.files import read_json

Partner = Literal["target", "same_person", "same_scene"]
MIN_EYES, MAX_EYES = 0.1, 0.8
"""Distance between the eyes, as a share of the width, outside which landmarks are taken for wrong."""
MAX_VALIDATION = 200
"""Faces of one validation at most: each is brought to all ages."""
_MIRRORED_SHARES = Geometry.mirrored(2)  # of points in shares of the side: x becomes 1 - x
FIELDS: tuple[Field, ...] = ("image", "landmarks", "age_group")
ALSO: tuple[Field, ...] = ("identity",)
SPEC = DataSpec(landmarks=IBUG_68, age_groups=LGCGAN_GROUPS)
"""What weights of ageing systems know of their data."""


@dataclass
class AgeBatch(TensorBatch):
    """Faces and their partners."""

    image: Float[Tensor, "b 3 h w"]
    """RGB in [-1, 1]."""
    landmarks: Float[Tensor, "b 68 2"]
    """x and y as shares of the side, iBUG order."""
    group: Int64[Tensor, " b"]
    """Age group."""
    years: Float[Tensor, " b"]
    """Age as the data set says it."""
    gender: Int64[Tensor, " b"]
    """0 male, 1 female, -1 unknown (UTKFace's numbers)."""
    person: Int64[Tensor, " b"]
    """Who it is, by number among the people of this set."""
    other_image: Float[Tensor, "b 3 h w"]
    """The partner: another person of another age group, or the same person."""
    other_landmarks: Float[Tensor, "b 68 2"]
    other_group: Int64[Tensor, " b"]
    other_years: Float[Tensor, " b"]
    wrong_group: Int64[Tensor, " b"]
    """Any group but the face's own."""
    other_wrong_group: Int64[Tensor, " b"]
    """Any group but the partner's."""
    index: Int64[Tensor, " b"]
    """Row of the manifest."""


@dataclass(frozen=True)
class Face:
    """One picture; arrays may belong to a cache."""

    image: npt.NDArray[np.uint8]
    landmarks: npt.NDArray[np.float32]
    """(68, 2) shares of the side."""
    group: int
    years: float
    gender: int
    person: int


@dataclass(frozen=True)
class FacePair:
    """A face, its partner, and wrong groups for both."""

    face: Face
    other: Face
    wrong_group: int
    other_wrong_group: int
    index: int


class AgeDataset(Dataset[FacePair]):
    """`dataset[i]` is row i as it is, `dataset[SampleKey(i, position)]` is mirrored or not; both have a partner.

    Args:
        manifest: rows with landmarks whose file names say the age.
        image_size: side of the pictures.
        partner: "target": a picture of another age group, each group alike often; "same_person"; "same_scene": the same
            person where nothing but the age differs, mirrored as the face is.
        augment: only `flip` is known here.
        seed: of all draws.
    """

    def __init__(
        self,
        manifest: Manifest,
        *,
        image_size: int,
        partner: Partner = "target",
        augment: AugmentConfig | None = None,
        seed: int = 0,
    ) -> None:
        if partner == "same_scene" and not is_same_scene(manifest.root):
            raise DataError(
                f"{manifest.root} shows no people in one scene at several ages: make such a set with limner data make "
                "people-ages --same-scene."
            )
        self.manifest, self.image_size, self.partner, self.seed = manifest, image_size, partner, seed
        self.flip = bool(augment and augment.flip)
        labels = [parse_name(Path(row.image).name) for row in manifest.rows]
        self.years = np.array([label.age for label in labels], np.float32)
        self.gender = np.array([-1 if label.gender is None else label.gender for label in labels], np.int64)
        self.group = np.array([age_group(label.age) for label in labels], np.int64)
        self._rows_of_group = {int(g): np.flatnonzero(self.group == g) for g in np.unique(self.group)}
        if partner == "target" and len(self._rows_of_group) < 2:
            raise DataError(f"{manifest.root} has faces of one age group only; at least two are needed.")
        self.identity = [row.identity or row.name for row in manifest.rows]  # alone where nobody says who it is
        people: dict[str, list[int]] = defaultdict(list)
        for index, name in enumerate(self.identity):
            people[name].append(index)
        self._person = {name: number for number, name in enumerate(sorted(people))}
        self._rows_of_person = {name: np.array(rows) for name, rows in people.items()}
        self.samples = SampleDataset(manifest, fields=("image", "landmarks"), size=image_size)

    @property
    def num_people(self) -> int:
        """People of this set; where the data does not say who is who, as many as pictures."""
        return len(self._person)

    def __len__(self) -> int:
        return len(self.manifest)

    def __getitem__(self, key: int | SampleKey) -> FacePair:
        """A face and its partner.

        Raises:
            DataError: if a file cannot be used.
        """
        augmented = isinstance(key, SampleKey)
        index = key.index if isinstance(key, SampleKey) else range(len(self))[key]
        position = key.position if isinstance(key, SampleKey) else index
        random = np.random.default_rng((self.seed, position, int(augmented)))
        other = self._draw_partner(index, random)
        groups = len(AGE_GROUPS)
        wrong, other_wrong = (int((self.group[row] + random.integers(1, groups)) % groups) for row in (index, other))
        mirrored, other_mirrored = (bool(draw < 0.5) and augmented and self.flip for draw in random.random(2))
        if self.partner == "same_scene":
            other_mirrored = mirrored
        return FacePair(self.face(index, mirrored), self.face(other, other_mirrored), wrong, other_wrong, index)

    def face(self, index: int, mirrored: bool = False) -> Face:
        """Row `index`."""
        sample = self.samples[index]
        assert sample.image is not None and sample.landmarks is not None  # both were asked for
        image, points = sample.image, ((sample.landmarks + 0.5) / self.image_size).astype(np.float32)
        if mirrored:
            image = Mirror(self.samples.size).colours(image)
            points = _MIRRORED_SHARES.move(points.astype(np.float64), IBUG_68).astype(np.float32)
        return Face(
            image,
            points,
            int(self.group[index]),
            float(self.years[index]),
            int(self.gender[index]),
            self._person[self.identity[index]],
        )

    def _draw_partner(self, index: int, random: np.random.Generator) -> int:
        if self.partner != "target":
            rows = self._rows_of_person[self.identity[index]]
            others = rows[rows != index]
            return int(random.choice(others)) if len(others) else index
        groups = [group for group in self._rows_of_group if group != self.group[index]]
        return int(random.choice(self._rows_of_group[int(random.choice(groups))]))


def collate(pairs: Sequence[FacePair]) -> AgeBatch:
    """Stack pairs to a batch."""
    faces, others = [pair.face for pair in pairs], [pair.other for pair in pairs]
    return AgeBatch(
        image=to_images([face.image for face in faces]),
        landmarks=torch.from_numpy(np.stack([face.landmarks for face in faces])),
        group=torch.tensor([face.group for face in faces]),
        years=torch.tensor([face.years for face in faces]),
        gender=torch.tensor([face.gender for face in faces]),
        person=torch.tensor([face.person for face in faces]),
        other_image=to_images([face.image for face in others]),
        other_landmarks=torch.from_numpy(np.stack([face.landmarks for face in others])),
        other_group=torch.tensor([face.group for face in others]),
        other_years=torch.tensor([face.years for face in others]),
        wrong_group=torch.tensor([pair.wrong_group for pair in pairs]),
        other_wrong_group=torch.tensor([pair.other_wrong_group for pair in pairs]),
        index=torch.tensor([pair.index for pair in pairs]),
    )


def open_faces(path: str | Path, *, kind: str = "auto", asked_by: str = "ageing") -> Manifest:
    """Faces with landmarks and ages; those whose landmarks cannot be right are left out.

    Args:
        path: folder in the layout of UTKFace.
        kind: name of the layout, or "auto".
        asked_by: who needs it, for the message.

    Raises:
        DataError: if the folder has no faces with landmarks and ages.
    """
    # A few names of UTKFace lack an age; their pictures are left out, the others are as good as ever.
    manifest = open_manifest(path, kind=kind, needs=FIELDS, uses=ALSO, asked_by=asked_by, allow_problems=True)
    rows = manifest.rows
    if rows:
        width = manifest.read_image(rows[0]).shape[1]  # all aligned faces of a set have one size
        rows = tuple(row for row in rows if plausible(_landmarks(manifest, row), width))
    if not rows:
        raise DataError(f"{path} has no face whose landmarks can be right: its eyes are on one spot, or far apart.")
    return dataclasses.replace(manifest, rows=rows)


def plausible(landmarks: npt.NDArray[np.float64], width: int) -> bool:
    """Whether the eyes are neither on one spot nor further apart than a face that fills the picture has them."""
    distance = np.linalg.norm(landmarks[36:42].mean(0) - landmarks[42:48].mean(0)) / width
    return bool(MIN_EYES <= distance <= MAX_EYES)


def open_age_data(config: Any, path: Path | None, *, asked_by: str, partner: Partner = "target") -> TrainingData:
    """What an ageing system trains on.

    Args:
        config: with the sections `dataset`, `augment`, `model.image_size` and `train.seed`.
        path: folder in the layout of UTKFace.
        asked_by: name of the system, for messages.
        partner: see `AgeDataset`.

    Raises:
        ConfigError: if no folder is named, or an option of reading that faces with ages do not take.
        DataError: if the folder cannot be used.
    """
    if config.dataset != DataConfig(kind=config.dataset.kind):
        raise ConfigError("Of --dataset.* only kind is known to ageing systems; leave the others out.")
    manifest = open_faces(required(path, asked_by), kind=config.dataset.kind, asked_by=asked_by)
    if config.augment != AugmentConfig(flip=config.augment.flip):
        raise ConfigError("Of --augment.* only flip is known to ageing systems; leave the others out.")
    size = config.model.image_size
    split = "val" if "val" in manifest.split_sizes() else "train"
    held = manifest.split(split)
    step = max(1, len(held) // MAX_VALIDATION)
    held = dataclasses.replace(held, rows=held.rows[::step][:MAX_VALIDATION])
    train_set = AgeDataset(
        manifest.split("train"), image_size=size, partner=partner, augment=config.augment, seed=config.train.seed
    )
    return TrainingData(manifest.spec, train_set, AgeDataset(held, image_size=size, partner=partner), collate)


def is_same_scene(root: Path) -> bool:
    """Whether a folder says that nothing but the age changes between a person's pictures."""
    file = root / "people.json"
    return file.is_file() and "same scene" in str(read_json(file).get("kind", ""))


def face_mask(landmarks: Float[Tensor, "b 68 2"], size: int) -> Bool[Tensor, "b s s"]:
    """An ellipse about each head: as wide as the jaw and a little more, from the chin to twice as far above the brows.

    Hair lies within it, most of the background outside.
    """
    jaw, brows = landmarks[:, :17], landmarks[:, 17:27]
    left, right, chin, brow = jaw[..., 0].amin(1), jaw[..., 0].amax(1), jaw[..., 1].amax(1), brows[..., 1].mean(1)
    top = brow - 0.75 * (chin - brow)
    middles = (torch.arange(size, device=landmarks.device) + 0.5) / size
    across = (middles[None] - ((left + right) / 2)[:, None]) / (0.6 * (right - left))[:, None]
    down = (middles[None] - ((top + chin) / 2)[:, None]) / (0.53 * (chin - top))[:, None]
    return across[:, None, :] ** 2 + down[:, :, None] ** 2 < 1


def _landmarks(manifest: Manifest, row: Row) -> npt.NDArray[np.float64]:
    assert manifest.marks is not None
    return np.asarray(manifest.marks(row.name).landmarks, np.float64)
