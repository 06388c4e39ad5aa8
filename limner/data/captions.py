"""Captions: words of a sentence, and the vocabulary that gives them numbers (hfgan.md 7, after AttnGAN). No torch."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from limner.errors import ConfigError, DataError

END = "<end>"
"""Word 0 of every vocabulary; also fills captions up to one length."""

_WORD = re.compile(r"\w+")


def tokens(caption: str) -> list[str]:
    """The words of a caption: lower case, runs of letters and digits, characters outside ASCII left out.

    >>> tokens("A bird's RED-crown, 100% naïve!")
    ['a', 'bird', 's', 'red', 'crown', '100', 'nave']
    """
    words = _WORD.findall(caption.replace("\ufffd\ufffd", " ").lower())
    return [word for word in (word.encode("ascii", "ignore").decode() for word in words) if word]


@dataclass(frozen=True)
class Words:
    """A caption in numbers."""

    ids: tuple[int, ...]
    """Of the words that are known, in the order of the sentence; never 0."""
    unknown: tuple[str, ...] = ()
    """Words that the vocabulary lacks, in the order of the sentence."""


@dataclass(frozen=True)
class Vocabulary:
    """The words that a model knows; word `i` has the number `i`."""

    words: tuple[str, ...]
    """In order; the first one is `END`."""

    def __post_init__(self) -> None:
        if not self.words or self.words[0] != END or len(set(self.words)) != len(self.words):
            raise ConfigError(f'A vocabulary must begin with "{END}" and name no word twice.')

    def __len__(self) -> int:
        return len(self.words)

    @classmethod
    def of(cls, captions: Iterable[str]) -> Vocabulary:
        """Every word of these captions, numbered as they come."""
        return cls((END, *dict.fromkeys(word for caption in captions for word in tokens(caption))))

    def encode(self, caption: str) -> Words:
        """The numbers of a caption's words, and the words that have none."""
        found = tokens(caption)
        return Words(
            tuple(self._numbers[word] for word in found if word in self._numbers),
            tuple(word for word in found if word not in self._numbers),
        )

    def decode(self, ids: Iterable[int]) -> list[str]:
        """The words of these numbers, without `END`."""
        return [self.words[index] for index in ids if index != 0]

    def to_json(self) -> list[str]:
        """The words."""
        return list(self.words)

    @classmethod
    def from_json(cls, data: Any) -> Vocabulary:
        """The reverse of `to_json`.

        Raises:
            DataError: if it is not a list of different words that begins with `END`.
        """
        try:
            if not isinstance(data, list):
                raise ConfigError("It is not a list of words.")
            return cls(tuple(map(str, data)))
        except ConfigError as error:
            raise DataError(f"The vocabulary cannot be used: {error}") from error

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {word: index for index, word in enumerate(self.words) if index}


def fit_words(
    ids: Sequence[int], length: int, random: np.random.Generator | None = None
) -> tuple[npt.NDArray[np.int64], int]:
    """A caption as a row of numbers.

    A longer one keeps `length` of its words in their order: random ones while training, else the first ones.

    Args:
        ids: numbers of the words.
        length: of the row.
        random: chooses the words of a longer caption; none: the first ones stay.

    Returns:
        (length,) numbers, 0 after the last word, and the number of words, at most `length`.
    """
    kept = list(ids)
    if len(kept) > length and random is not None:
        kept = [kept[place] for place in sorted(random.permutation(len(kept))[:length].tolist())]
    kept = kept[:length]
    row = np.zeros(length, dtype=np.int64)
    row[: len(kept)] = kept
    return row, len(kept)
