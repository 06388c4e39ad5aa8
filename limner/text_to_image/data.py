"""Pictures with captions, and of which other pictures of a batch each caption is true as well.

Facts (`limner.data.facts`) become rows of numbers: every pair of a fact's name and value has a place. A picture has 1
at the pairs that are true of it, a caption at those that it allows; as a picture has one value a name, the caption is
true of it where the product of both rows is the number of facts that the caption states.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor
from torch.utils.data import Dataset

from limner.data.batch import TensorBatch
from limner.data.captioned import CaptionDataset, CaptionSample, collate_captions
from limner.data.captions import Vocabulary
from limner.data.config import AugmentConfig, DataConfig, Fit
from limner.data.dataset import SampleDataset
from limner.data.facts import Facts
from limner.data.fields import Field
from limner.data.manifest import Manifest, open_manifest
from limner.data.sampler import SampleKey
from limner.engine.data import MAX_VALIDATION, TrainingData, required
from limner.errors import DataError

NEEDS: tuple[Field, ...] = ("image", "captions")
Drawn = Literal["evenly", "by_fact"]
"""Which caption of a picture is drawn: any, or rather one that states what few captions state."""


@dataclasses.dataclass
class CaptionedBatch(TensorBatch):
    """Pictures, a caption of each, and what is known of both."""

    image: Float[Tensor, "b 3 h w"]
    """RGB in [-1, 1]."""
    words: Int64[Tensor, "b t"]
    """Numbers of the vocabulary, 0 after the last word."""
    num_words: Int64[Tensor, " b"]
    category: Int64[Tensor, " b"]
    """Equal for pictures of one class, whose captions may be true of each other."""
    known: Float[Tensor, "b m"]
    """1 at what is true of the picture; m is 0 where nothing is known."""
    allowed: Float[Tensor, "b m"]
    """1 at what the caption allows."""
    num_stated: Float[Tensor, " b"]
    """Facts that the caption states; 0 where nothing is known of it."""
    index: Int64[Tensor, " b"]
    """Row of the manifest."""


class HasFacts(Protocol):
    """A batch with these fields of `CaptionedBatch`."""

    category: Tensor
    known: Tensor
    allowed: Tensor
    num_stated: Tensor


def also_true(batch: HasFacts) -> Bool[Tensor, "b b"]:
    """(picture, caption): whether the caption, of another picture or of this one, is true of the picture.

    By the facts where they are known, and for pictures of one class or one row.
    """
    same = batch.category[:, None] == batch.category[None, :]
    stated = batch.num_stated[None, :]
    return same | ((stated > 0) & (batch.known @ batch.allowed.T >= stated - 0.5))


def first_false(truth: Bool[Tensor, "b b"]) -> tuple[Int64[Tensor, " b"], Bool[Tensor, " b"]]:
    """For each picture the next caption of the batch, round in a circle, that is false of it, and whether there is one.

    Where no caption is true of another picture this is AttnGAN's shift by one (hfgan.md 6).
    """
    size = len(truth)
    order = (torch.arange(size)[:, None] + torch.arange(1, size + 1)[None, :]).to(truth.device) % size
    is_false = ~truth.gather(1, order)
    place = is_false.float().argmax(dim=1, keepdim=True)
    return order.gather(1, place)[:, 0], is_false.any(dim=1)


class FactTable:
    """Facts of the rows of a manifest as rows of numbers.

    Args:
        facts: of each row; none where nothing is known.
    """

    def __init__(self, facts: Sequence[Facts | None]) -> None:
        self.facts = facts
        found: dict[tuple[str, str], int] = {}
        for one in facts:
            for name, value in one.known.items() if one is not None else ():
                found.setdefault((name, str(value)), len(found))
        self.places = found
        said = Counter(name for one in facts if one is not None for stated in one.stated for name in stated)
        self._weights = {name: 1.0 / count for name, count in said.items()}

    def __len__(self) -> int:
        return len(self.places)

    def known(self, row: int) -> npt.NDArray[np.float32]:
        """(m,) 1 at what is true of the picture."""
        one, found = self.facts[row], np.zeros(len(self), np.float32)
        for name, value in one.known.items() if one is not None else ():
            found[self.places[name, str(value)]] = 1
        return found

    def stated(self, row: int, caption: int) -> tuple[npt.NDArray[np.float32], int]:
        """(m,) 1 at what a caption allows, and how many facts it states; 0 where nothing is known of it."""
        one, found = self.facts[row], np.zeros(len(self), np.float32)
        if one is None or caption >= len(one.stated):
            return found, 0
        for name, values in one.stated[caption].items():
            for value in values:
                if (place := self.places.get((name, str(value)))) is not None:
                    found[place] = 1
        return found, len(one.stated[caption])

    def weights(self, row: int, captions: int) -> npt.NDArray[np.float64]:
        """(captions,) weights that grow with the rarity of what a caption states; ones where nothing is known."""
        one = self.facts[row]
        if one is None:
            return np.ones(captions)
        rarity = [max((self._weights[name] for name in stated), default=0.0) for stated in one.stated[:captions]]
        return np.asarray(rarity + [0.0] * (captions - len(rarity)))


@dataclasses.dataclass(frozen=True, eq=False)
class _Item:
    sample: CaptionSample
    known: npt.NDArray[np.float32]
    allowed: npt.NDArray[np.float32]
    num_stated: int


class CaptionedPictures(Dataset[_Item]):
    """A `CaptionDataset` that also knows the facts of each sample.

    Args:
        manifest: rows with pictures and captions.
        image_size: of the pictures.
        length: of a caption in words.
        vocabulary: that gives the numbers.
        drawn: which caption of a picture is drawn in training.
        augment: random changes of the pictures.
        seed: of these and of the captions.
    """

    def __init__(
        self,
        manifest: Manifest,
        *,
        image_size: int,
        length: int,
        vocabulary: Vocabulary,
        drawn: Drawn = "evenly",
        augment: AugmentConfig | None = None,
        seed: int = 0,
    ) -> None:
        self.manifest = manifest
        marks = [manifest.marks_of(row) for row in manifest.rows]
        self.table = FactTable([one.facts for one in marks])
        self._num_captions = [len(one.captions) for one in marks]
        samples = SampleDataset(manifest, fields=NEEDS, size=image_size, augment=augment, seed=seed)
        self.captions = CaptionDataset(
            samples, length=length, vocabulary=vocabulary, weights=self._weights if drawn == "by_fact" else None
        )

    def _weights(self, row: int) -> npt.NDArray[np.float64]:
        return self.table.weights(row, self._num_captions[row])

    def __len__(self) -> int:
        return len(self.manifest)

    def __getitem__(self, key: int | SampleKey) -> _Item:
        """One picture with one caption; see `CaptionDataset`."""
        sample = self.captions[key]
        return _Item(sample, self.table.known(sample.index), *self.table.stated(sample.index, sample.number))


def collate(items: list[_Item]) -> CaptionedBatch:
    """Stack pictures of one size with their captions and facts."""
    plain = collate_captions([item.sample for item in items])
    return CaptionedBatch(
        **vars(plain),
        known=torch.from_numpy(np.stack([item.known for item in items])),
        allowed=torch.from_numpy(np.stack([item.allowed for item in items])),
        num_stated=torch.tensor([float(item.num_stated) for item in items]),
    )


def open_captions(path: str | Path, *, kind: str = "auto", fit: Fit | None = None, asked_by: str) -> Manifest:
    """Pictures with captions.

    Raises:
        DataError: if the folder has none.
    """
    return open_manifest(path, kind=kind, fit=fit, needs=NEEDS, asked_by=asked_by)


def open_training_data(
    dataset: DataConfig,
    path: Path | None,
    *,
    image_size: int,
    length: int,
    seed: int,
    augment: AugmentConfig,
    drawn: Drawn,
    asked_by: str,
    vocabulary: Vocabulary | None = None,
) -> TrainingData:
    """What a system of captions trains on.

    Args:
        dataset: how the folder is read.
        path: of the folder.
        image_size: of the pictures.
        length: of a caption in words.
        seed: of all that is drawn.
        augment: random changes of the pictures.
        drawn: which captions are drawn.
        asked_by: name of the system, for messages.
        vocabulary: of encoders that are there already; none: every word of the data.

    Raises:
        ConfigError: if no folder is named.
        DataError: if the folder cannot be used, or the vocabulary knows none of its words.
    """
    manifest = open_captions(required(path, asked_by), kind=dataset.kind, fit=dataset.fit, asked_by=asked_by)
    own = manifest.spec.vocabulary
    assert own is not None  # it was asked for
    if vocabulary is not None:
        check_vocabulary(vocabulary, own, where=manifest.root)
        manifest = dataclasses.replace(manifest, spec=dataclasses.replace(manifest.spec, vocabulary=vocabulary))
    validation = manifest.split("val" if "val" in manifest.split_sizes() else "train")
    validation = dataclasses.replace(validation, rows=validation.rows[:MAX_VALIDATION])
    train_set, validation_set = (
        CaptionedPictures(
            rows,
            image_size=image_size,
            length=length,
            vocabulary=vocabulary or own,
            drawn=drawn,
            augment=changes,
            seed=seed,
        )
        for rows, changes in ((manifest.split("train"), augment), (validation, None))
    )
    return TrainingData(manifest.spec, train_set, validation_set, collate)


def check_vocabulary(vocabulary: Vocabulary, own: Vocabulary, *, where: Path) -> list[str]:
    """The words of a data set that a vocabulary lacks; they are left out of its captions, and a warning names some.

    Raises:
        DataError: if it knows less than half of them: encoders and data are of different things.
    """
    import logging

    known = set(vocabulary.words)
    unknown = [word for word in own.words if word not in known]
    if len(unknown) > len(own) / 2:
        raise DataError(
            f"{where} has captions of {len(own) - 1} words, of which the encoders know {len(own) - len(unknown) - 1}: "
            "train a DAMSM on these captions (limner train damsm) and name it."
        )
    if unknown:
        shown = ", ".join(unknown[:10]) + (", ..." if len(unknown) > 10 else "")
        message = "%d words of %s are unknown to the encoders and left out of its captions: %s."
        logging.getLogger(__name__).warning(message, len(unknown), where, shown)
    return unknown
