"""Pictures and the answers that their facts give."""

from __future__ import annotations

import dataclasses
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
from limner.data.manifest import Manifest
from limner.data.sampler import SampleKey
from limner.data.spec import DataSpec
from limner.engine.data import MAX_VALIDATION, TrainingData, required
from limner.errors import DataError
from limner.systems.factjudge.config import FactJudgeConfig
from limner.systems.factjudge.networks import SEPARATOR, by_question
from limner.text_to_image.data import open_captions
from limner.text_to_image.questions import label_of, questions_of

_FIELDS: tuple[Field, ...] = ("image",)


@dataclasses.dataclass
class FactBatch(TensorBatch):
    """Pictures and their answers."""

    image: Float[Tensor, "b 3 h w"]
    """RGB in [-1, 1]."""
    answer: Int64[Tensor, "b q"]
    """Number of the answer to each question, -1 where the facts do not say."""
    index: Int64[Tensor, " b"]
    """Row of the manifest."""


@dataclasses.dataclass(frozen=True, eq=False)
class _Item:
    image: npt.NDArray[np.uint8]
    answer: npt.NDArray[np.int64]
    index: int


class AnsweredPictures(Dataset[_Item]):
    """Pictures of a manifest with what their facts answer.

    Args:
        manifest: rows with facts.
        answers: names such as "hair color: red".
        image_size: of the pictures.
        augment: random changes.
        seed: of these.
    """

    def __init__(
        self,
        manifest: Manifest,
        answers: tuple[str, ...],
        *,
        image_size: int,
        augment: AugmentConfig | None = None,
        seed: int = 0,
    ) -> None:
        self.manifest = manifest
        self.samples = SampleDataset(manifest, fields=_FIELDS, size=image_size, augment=augment, seed=seed)
        questions = by_question(answers)
        self.answers = np.full((len(manifest), len(questions)), -1, np.int64)
        for number, row in enumerate(manifest.rows):
            facts = manifest.marks_of(row).facts
            for place, (question, known) in enumerate(questions.items()):
                label = None if facts is None else label_of(question, facts.known)
                if label in known:
                    self.answers[number, place] = known.index(str(label))

    def __len__(self) -> int:
        return len(self.manifest)

    def __getitem__(self, key: int | SampleKey) -> _Item:
        """One picture; `SampleKey` changes it."""
        sample = self.samples[key]
        assert sample.image is not None  # it was asked for
        return _Item(sample.image, self.answers[sample.index], sample.index)


def collate(items: list[_Item]) -> FactBatch:
    """Stack pictures of one size."""
    return FactBatch(
        image=to_images([item.image for item in items]),
        answer=torch.from_numpy(np.stack([item.answer for item in items])),
        index=torch.tensor([item.index for item in items]),
    )


def open_facts(config: FactJudgeConfig, path: Path | None, *, asked_by: str) -> TrainingData:
    """What the judge trains on; the answers become the attributes of the data's description.

    Raises:
        ConfigError: if no folder is named.
        DataError: if it has no facts, or none of which two answers are known.
    """
    manifest = open_captions(
        required(path, asked_by), kind=config.dataset.kind, fit=config.dataset.fit, asked_by=asked_by
    )
    facts = [manifest.marks_of(row).facts for row in manifest.rows]
    questions = questions_of([one.known for one in facts if one is not None])
    if not questions:
        raise DataError(
            f"{manifest.root} has no facts that could be asked for: facts.jsonl must tell two values of a fact, "
            "a few pictures each (limner data make people-faces writes one; docs/people.md)."
        )
    names = tuple(f"{question}{SEPARATOR}{answer}" for question, known in questions.items() for answer in known)
    spec = DataSpec(attribute_names=names, vocabulary=manifest.spec.vocabulary)
    size, seed = config.model.image_size, config.train.seed
    validation = manifest.split("val" if "val" in manifest.split_sizes() else "train")
    validation = dataclasses.replace(validation, rows=validation.rows[:MAX_VALIDATION])
    return TrainingData(
        spec,
        AnsweredPictures(manifest.split("train"), names, image_size=size, augment=config.augment, seed=seed),
        AnsweredPictures(validation, names, image_size=size, seed=seed),
        collate,
    )
