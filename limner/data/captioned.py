"""Pictures with one of their captions, in the numbers of a vocabulary."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.utils.data import Dataset

from limner.data.batch import TensorBatch, to_images
from limner.data.captions import Vocabulary, fit_words
from limner.data.dataset import SampleDataset
from limner.data.manifest import Manifest
from limner.data.sampler import SampleKey
from limner.errors import ConfigError, DataError


@dataclass(frozen=True, eq=False)
class CaptionSample:
    """A picture and a caption. Arrays may belong to a cache: do not write into them."""

    image: npt.NDArray[np.uint8]
    """(H, W, 3) RGB."""
    words: npt.NDArray[np.int64]
    """(length,) numbers, 0 after the last word."""
    num_words: int
    caption: str
    number: int
    """Of the caption, among those of the picture."""
    category: int
    """Number of the class; the row's own number where there are no classes."""
    index: int
    """Row of the manifest."""


@dataclass
class CaptionBatch(TensorBatch):
    """Pictures with captions, ready for a network."""

    image: Float[Tensor, "b 3 h w"]
    """RGB in [-1, 1]."""
    words: Int64[Tensor, "b t"]
    """Numbers of the vocabulary, 0 after the last word."""
    num_words: Int64[Tensor, " b"]
    category: Int64[Tensor, " b"]
    """Equal for pictures whose captions may be true of each other; see `limner.data.pairs.mismatched`."""
    index: Int64[Tensor, " b"]
    """Row of the manifest that each sample comes from."""


class CaptionDataset(Dataset[CaptionSample]):
    """Pictures with captions.

    `dataset[i]` is row `i` with its first caption, `dataset[SampleKey(i, position)]` is augmented and has one of its
    captions, cut to random words where it is too long; both depend on `(seed, position)` alone.

    Args:
        samples: with the fields image and captions.
        length: of a caption in words.
        vocabulary: that gives the numbers; none: that of the manifest.
        weights: row -> how often each of its captions is drawn, up to a factor; none: all alike.

    Raises:
        ConfigError: if a length or a field is missing.
    """

    def __init__(
        self,
        samples: SampleDataset,
        *,
        length: int,
        vocabulary: Vocabulary | None = None,
        weights: Callable[[int], npt.NDArray[np.float64]] | None = None,
    ) -> None:
        known = vocabulary or samples.manifest.spec.vocabulary
        if known is None or not {"image", "captions"} <= samples.fields:
            raise ConfigError('Captions need samples with the fields "image" and "captions", asked for with needs=.')
        if length < 1:
            raise ConfigError(f"A caption of {length} words is not possible: it must have at least 1.")
        self.samples, self.length, self.vocabulary, self.weights = samples, length, known, weights

    @property
    def manifest(self) -> Manifest:
        """The rows."""
        return self.samples.manifest

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, key: int | SampleKey) -> CaptionSample:
        """One picture with one caption; see the class.

        Raises:
            DataError: if a file cannot be used, or no caption has a word that is known.
        """
        number, caption, words, num_words = self._caption(key)
        sample = self.samples[key]
        assert sample.image is not None  # its field was asked for
        category = sample.category if sample.category >= 0 else sample.index
        return CaptionSample(sample.image, words, num_words, caption, number, category, sample.index)

    def caption(self, key: int | SampleKey) -> tuple[int, str]:
        """Number and text of the caption that a sample has; its picture is not read.

        Raises:
            DataError: if no caption has a word that is known.
        """
        return self._caption(key)[:2]

    def _caption(self, key: int | SampleKey) -> tuple[int, str, npt.NDArray[np.int64], int]:
        """Number, text, the words' numbers, and how many there are."""
        index = key.index if isinstance(key, SampleKey) else range(len(self))[key]
        random = np.random.default_rng((self.samples.seed, key.position, 1)) if isinstance(key, SampleKey) else None
        captions = enumerate(self.manifest.marks_of(self.manifest.rows[index]).captions)
        known = [(number, text, ids) for number, text in captions if (ids := self.vocabulary.encode(text).ids)]
        if not known:
            name = self.manifest.rows[index].name
            raise DataError(f"{self.manifest.root}: {name} has no caption with a word of the vocabulary.")
        number, text, ids = known[self._choose(index, [entry[0] for entry in known], random)]
        return number, text, *fit_words(ids, self.length, random)

    def _choose(self, row: int, numbers: list[int], random: np.random.Generator | None) -> int:
        """Which of the known captions of a row is taken; the first one where nothing is random."""
        if random is None:
            return 0
        if self.weights is None:
            return int(random.integers(len(numbers)))
        weights = self.weights(row)[numbers]
        total = float(weights.sum())
        return int(random.choice(len(numbers), p=weights / total)) if total > 0 else int(random.integers(len(numbers)))


def collate_captions(items: list[CaptionSample]) -> CaptionBatch:
    """Stack pictures of one size with their captions."""
    return CaptionBatch(
        image=to_images([item.image for item in items]),
        words=torch.from_numpy(np.stack([item.words for item in items])),
        num_words=torch.tensor([item.num_words for item in items]),
        category=torch.tensor([item.category for item in items]),
        index=torch.tensor([item.index for item in items]),
    )
