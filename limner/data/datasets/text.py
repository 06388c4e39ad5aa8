"""What the layouts with captions share: files of sentences, splits by whole classes, others' pickles."""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from limner.data.attributes import joined, own_splits, read_lines
from limner.data.captions import Vocabulary
from limner.data.facts import Facts, read_facts
from limner.data.manifest import hash_split
from limner.data.marks import Marks
from limner.errors import ConfigError, DataError
from limner.files import MAX_TABLE_BYTES, read_bytes

TEXT_FOLDERS = ("text_c10", "text")
"""Names in use for folders of captions."""


@dataclass(frozen=True)
class CaptionFiles:
    """`limner.data.marks.MarksOf` for one text file a picture, one caption a line.

    Attributes:
        paths: name of a row -> its file.
        most: captions of a picture that are read (hfgan.md 7: ten, of COCO five).
        facts: `facts.jsonl` of the folder, where there is one; see `limner.data.facts`.
    """

    paths: Mapping[str, Path]
    most: int = 10
    facts: Path | None = None

    def __call__(self, name: str) -> Marks:
        """The captions of a picture.

        Raises:
            DataError: if the file cannot be read.
        """
        path = self.paths.get(name)
        lines = [line.strip() for line in read_lines(path)] if path is not None else []
        captions = tuple(line for line in lines if line)[: self.most]
        return Marks(captions=captions, facts=self._facts.get(Path(name).name))

    @cached_property
    def _facts(self) -> dict[str, Facts]:
        return read_facts(self.facts) if self.facts is not None and self.facts.exists() else {}


def splits_of(root: Path, categories: Mapping[str, str], names: Iterable[str]) -> tuple[dict[str, str], str | None]:
    """The split of every sample, and a note where no file names it.

    `splits.csv` comes first, then `train/filenames.pickle` and `test/filenames.pickle` as they go with AttnGAN, then
    `train.txt` and `test.txt`. Without any, whole classes are held out, as these sets are used.

    Args:
        root: of the data set.
        categories: name of a sample -> its class; its own name where it has none.
        names: of all pictures.

    Raises:
        DataError: if a file of splits cannot be used.
    """
    if (root / "splits.csv").exists():
        return own_splits(root, names), None
    names = tuple(names)
    found: dict[str, str] = {}
    for split in ("train", "val", "test"):
        for path in (root / split / "filenames.pickle", root / f"{split}.txt"):
            if path.exists():
                keys = read_pickle(path) if path.suffix == ".pickle" else [line for line in read_lines(path) if line]
                if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
                    raise DataError(f"{path} is not a list of names.")
                found |= joined(path, dict.fromkeys(keys, split), names)
                break
    if found:
        return found, None
    note = "No file names the split: whole classes are held out by a hash of their names, not those of the papers."
    return {name: hash_split(category, test_share=0.2) for name, category in categories.items()}, note


def vocabulary_of(root: Path) -> Vocabulary | None:
    """The words of `captions.pickle` in their order, so that numbers agree with encoders that were trained with it.

    Raises:
        DataError: if the file is not in AttnGAN's form.
    """
    path = root / "captions.pickle"
    if not path.exists():
        return None
    content = read_pickle(path)
    try:
        words = content[2]  # training captions, test captions, number -> word, word -> number
        return Vocabulary(tuple(str(words[number]) for number in range(len(words))))
    except (ConfigError, KeyError, IndexError, TypeError) as error:
        raise DataError(f"{path} is not in AttnGAN's form (captions, number -> word, word -> number).") from error


def missing_captions(names: Iterable[str], paths: Mapping[str, Path], folder: Path) -> list[str]:
    """A sentence for every picture without a file of captions."""
    return [f"{folder} has no captions of {name}: every picture needs some." for name in names if name not in paths]


def read_pickle(path: Path) -> Any:
    """A pickle of lists, dictionaries, texts and numbers, as Python 2 wrote them; anything else is refused unopened.

    Raises:
        DataError: if it cannot be read, or names any class or function.
    """
    content = read_bytes(path, most=MAX_TABLE_BYTES)
    try:
        return _PlainUnpickler(io.BytesIO(content), encoding="latin1").load()
    except DataError as error:
        raise DataError(f"{path} {error}") from error
    except Exception as error:  # a damaged pickle raises whatever its opcodes run into
        raise DataError(f"{path} is a damaged pickle ({type(error).__name__}): copy it again.") from error


class _PlainUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        raise DataError(f"holds {module}.{name}, but may hold lists, texts and numbers only.")
