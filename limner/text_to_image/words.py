"""Captions as users give them, turned into the numbers of a vocabulary or refused in one sentence. No torch."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from limner.data.captions import Vocabulary, Words
from limner.data.spec import DataSpec
from limner.errors import ConfigError, DataError, WeightsError, nearest
from limner.files import read_text
from limner.plan import safe_name

_log = logging.getLogger(__name__)
MAX_WORDS = 60
"""Words of a caption that are read; encoders have learned from a third of it."""
MAX_CAPTIONS = 10_000
MAX_BYTES = 10_000_000
"""Of a file of captions."""


@dataclass(frozen=True)
class ReadCaption:
    """A caption in numbers."""

    text: str
    ids: tuple[int, ...]
    words: tuple[str, ...]
    """The words that the numbers stand for."""
    unknown: tuple[str, ...] = ()
    """Words that were left out, as the vocabulary lacks them."""

    @property
    def stem(self) -> str:
        """Its first words as part of a file's name."""
        return "_".join(self.words[:6])[:40]


def vocabulary_of(spec: DataSpec) -> Vocabulary:
    """The words that weights know.

    Raises:
        WeightsError: if they know none.
    """
    if spec.vocabulary is None:
        raise WeightsError("These weights hold no vocabulary: use weights that were trained on captions.")
    return spec.vocabulary


def caption_of_known_words(caption: str, vocabulary: Vocabulary) -> str:
    """The caption if all of its words are known, else some words that are: for pictures of any weights."""
    found = vocabulary.encode(caption)
    return caption if found.ids and not found.unknown else " ".join(vocabulary.words[1:5])


def read_caption(caption: object, vocabulary: Vocabulary) -> ReadCaption:
    """A sentence in numbers; unknown words are left out and named in a warning, as are words beyond `MAX_WORDS`.

    Args:
        caption: a text.
        vocabulary: the words that are known.

    Raises:
        ConfigError: if it is no text, has no word, or none that is known.
    """
    if not isinstance(caption, str):
        raise ConfigError(f"A caption is a {type(caption).__name__}; it must be a text.")
    shown, found = _shown(caption), _encoded(caption, vocabulary)
    if found.unknown:
        names = list(dict.fromkeys(found.unknown))
        hint = nearest(names[0], vocabulary.words[1:]) if len(names) == 1 else ""
        more = f" and {len(names) - 8} more" if len(names) > 8 else ""
        words = ", ".join(f'"{_shown(name)}"' for name in names[:8])
        _log.warning('Left out of "%s", as these weights do not know them: %s%s.%s', shown, words, more, hint)
    for clash in contradictions(vocabulary.decode(found.ids)):
        _log.warning('"%s" says %s; the picture can show one of them, or something between.', shown, clash)
    ids = found.ids
    if len(ids) > MAX_WORDS:
        _log.warning('"%s" has %d words; the first %d are read.', shown, len(ids), MAX_WORDS)
        ids = ids[:MAX_WORDS]
    return ReadCaption(caption, ids, tuple(vocabulary.decode(ids)), found.unknown)


def _encoded(caption: str, vocabulary: Vocabulary) -> Words:
    """Its words in numbers.

    Raises:
        ConfigError: if it has no word, or none that is known.
    """
    shown, found = _shown(caption), vocabulary.encode(caption)
    if not found.ids and not found.unknown:
        raise ConfigError(f'The caption "{shown}" has no word of letters a to z or digits; {_example(vocabulary)}')
    if not found.ids:
        raise ConfigError(
            f'No word of the caption "{shown}" is known to these weights, which know {len(vocabulary) - 1} words; '
            f"{_example(vocabulary)}"
        )
    return found


def read_captions(captions: object, vocabulary: Vocabulary) -> list[ReadCaption]:
    """One caption or several; see `read_caption`.

    Raises:
        ConfigError: if there are none or too many, or one cannot be used.
    """
    if not isinstance(captions, str) and not isinstance(captions, Sequence):
        raise ConfigError(f"The captions are a {type(captions).__name__}; give a text or a list of texts.")
    texts = [captions] if isinstance(captions, str) else list(captions)
    if not 1 <= len(texts) <= MAX_CAPTIONS:
        raise ConfigError(f"There are {len(texts)} captions; there must be 1 to {MAX_CAPTIONS}.")
    return [read_caption(text, vocabulary) for text in texts]


def caption_lines(path: str | Path, vocabulary: Vocabulary) -> list[str]:
    """The captions of a file, one a line; empty lines are left out.

    Raises:
        DataError: if it cannot be read, has none or too many, or a line has no word that is known.
    """
    numbered = {number: line.strip() for number, line in enumerate(read_text(path, most=MAX_BYTES).split("\n"), 1)}
    lines = {number: line for number, line in numbered.items() if line}
    if not 1 <= len(lines) <= MAX_CAPTIONS:
        raise DataError(f"{path} has {len(lines)} captions; it must have 1 to {MAX_CAPTIONS}, one a line.")
    for number, line in lines.items():
        try:
            _encoded(line, vocabulary)
        except ConfigError as error:
            raise DataError(f"{path}, line {number}: {error}") from error
    return list(lines.values())


COLORS = frozenset(
    ("black", "white", "grey", "gray", "brown", "blond", "red", "auburn", "orange", "yellow", "green", "blue")
) | {"turquoise", "purple", "pink", "beige", "navy"}
PEOPLE = {
    "man": "male",
    "boy": "male",
    "male": "male",
    "woman": "female",
    "girl": "female",
    "female": "female",
}


AGES = {
    "young": "young",
    "child": "young",
    "teenager": "young",
    "teenage": "young",
    "middle": "middle-aged",
    "old": "old",
    "elderly": "old",
}
LENGTHS = {"long": "long", "short": "short", "cropped": "short"}
ON_HEADS = frozenset(("hair", "curls", "ponytail", "braids", "bun", "bob", "afro", "fringe", "bangs", "quiff"))
ON_CHINS = frozenset(("beard", "moustache", "goatee", "stubble", "stubbly"))
ARTICLES = ("a", "an", "any")


def contradictions(words: Sequence[str]) -> list[str]:
    """What a caption says twice and differently: colours, genders, ages, lengths of hair, what is there and is not.

    Args:
        words: of the caption, lower case.

    Returns:
        What clashes, a few words each; empty for most captions that make sense.
    """
    found = []
    said: dict[str, list[str]] = {}
    for word, after in pairwise(words):
        if word in COLORS and after not in COLORS and word not in said.setdefault(after, []):
            said[after].append(word)
    found += [f"both {' and '.join(colors)} {noun}" for noun, colors in said.items() if len(colors) > 1]
    of_hair = [words[max(0, place - 3) : place] for place, word in enumerate(words) if word == "hair"]
    lengths = [word for before in of_hair for word in before]
    for kinds, heard, noun in ((PEOPLE, words, ""), (AGES, words, ""), (LENGTHS, lengths, " hair")):
        said_as = {kinds[word]: word for word in heard if word in kinds}
        if len(said_as) > 1:
            found.append(f"both {' and '.join(sorted(said_as.values()))}{noun}")
    return found + _absent_and_there(words)


def _absent_and_there(words: Sequence[str]) -> list[str]:
    """What a caption says is not there, and names all the same."""
    absent = set()
    for place, word in enumerate(words):
        rest = [one for one in words[place + 1 : place + 3] if one not in ARTICLES]
        if word in ("no", "without") and rest:
            absent.add(place + 1 + list(words[place + 1 :]).index(rest[0]))
    there = [word for place, word in enumerate(words) if place not in absent]
    found = [f"both no {words[place]} and {words[place]}" for place in sorted(absent) if words[place] in there]
    if "shaven" in words and (beard := next((word for word in there if word in ON_CHINS), None)):
        found.append(f"both clean-shaven and {beard}")
    is_bald = any(word == "bald" and after != "crown" for word, after in pairwise([*words, ""]))
    if is_bald and (hair := next((word for word in there if word in ON_HEADS), None)):
        found.append(f"both bald and {hair}")
    return found


def as_rows(captions: Sequence[ReadCaption]) -> npt.NDArray[np.int64]:
    """Captions as (n, t) numbers, t words of the longest, 0 after the last word of each."""
    rows = np.zeros((len(captions), max(len(one.ids) for one in captions)), np.int64)
    for row, one in zip(rows, captions, strict=True):
        row[: len(one.ids)] = one.ids
    return rows


Named = tuple[range, range]
"""Places of words in either of two captions that say where their pictures may differ."""
NOWHERE: Named = (range(0), range(0))


class Swap(NamedTuple):
    """A caption, the same with a word or phrase replaced, and the words that say where the picture may change."""

    before: ReadCaption
    after: ReadCaption
    named: Named
    """Places of these words."""


def swapped(caption: str, old: str, new: str, vocabulary: Vocabulary, *, where: str | None = None) -> Swap:
    """A caption, and the same with a word or phrase replaced.

    Args:
        caption: a sentence.
        old: words in it.
        new: words in their place.
        vocabulary: of the weights.
        where: words of either caption that say where the picture may change; none: the words in which the captions
            differ and the one after them, which they are likely to describe.

    Raises:
        ConfigError: if the caption lacks the old words, the new ones are not known, or neither caption has those that
            say where.
    """
    before = read_caption(caption, vocabulary)
    wanted, other = read_caption(old, vocabulary), read_caption(new, vocabulary)
    if other.unknown:
        raise ConfigError(f'"{_shown(new)}" is not known to these weights; {_example(vocabulary)}')
    place = _place(wanted.ids, before.ids)
    if place is None:
        raise ConfigError(f'The caption "{_shown(caption)}" has no "{_shown(old)}" that could be replaced.')
    ids = (*before.ids[: place.start], *other.ids, *before.ids[place.stop :])[:MAX_WORDS]
    words = tuple(vocabulary.decode(ids))
    after = ReadCaption(" ".join(words), ids, words)
    if where is None:
        return Swap(before, after, replaced(before.ids, after.ids))
    saying = read_caption(where, vocabulary)
    found = [_place(saying.ids, one.ids) for one in (before, after)]
    if found == [None, None]:
        raise ConfigError(f'The words that say where, "{_shown(where)}", are in neither caption.')
    return Swap(before, after, (found[0] or range(0), found[1] or range(0)))


def replaced(before: Sequence[int], after: Sequence[int]) -> Named:
    """Places of the words in which two captions differ, and of the one after them."""
    shorter = min(len(before), len(after))
    start = next((k for k in range(shorter) if before[k] != after[k]), shorter)
    alike = next((k for k in range(shorter - start) if before[-1 - k] != after[-1 - k]), shorter - start)
    ends = (len(one) - alike + 1 for one in (before, after))
    first, second = (range(start, min(end, len(one))) for end, one in zip(ends, (before, after), strict=True))
    return first, second


def named_rows(named: Named, length: int) -> npt.NDArray[np.int64]:
    """(2, length): 1 at the named words of either of two captions, which are filled up to this length."""
    rows = np.zeros((2, length), np.int64)
    for row, places in zip(rows, named, strict=True):
        row[places.start : places.stop] = 1
    return rows


def _place(wanted: Sequence[int], ids: Sequence[int]) -> range | None:
    """Where a phrase stands first."""
    size = len(wanted)
    starts = (k for k in range(len(ids) - size + 1) if tuple(ids[k : k + size]) == tuple(wanted))
    start = next(starts, None)
    return None if start is None else range(start, start + size)


def file_stem(caption: ReadCaption) -> str:
    """A caption's first words as part of the name of a file."""
    return safe_name(caption.stem)


def _example(vocabulary: Vocabulary) -> str:
    words = vocabulary.words[1:13]
    return f"words that are known: {', '.join(words)}, ..." if words else "they know no words at all."


def _shown(text: str) -> str:
    """A user's text, short enough for a sentence and on one line."""
    flat = " ".join(text.split())
    return flat if len(flat) <= 60 else f"{flat[:57]}..."
