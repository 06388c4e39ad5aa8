"""GRID: Cooke et al., "An audio-visual corpus for speech perception and automatic speech recognition", JASA 2006.

```
s1/bbaf2n.mp4 ...                 75 frames at 25 a second with sound, one of 1,000 sentences a speaker
s1/video/bbaf2n.mpg ...           the original layout
s1/align/bbaf2n.align ...         lines "start end word" (or alignments/s1/bbaf2n.align); may be missing
splits.csv                        name,split with names such as s1-bbaf2n; may be missing
```
Other folders with sentences of that grammar are speakers too. With fewer than ten speakers single sentences are held
out, else whole speakers.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from limner.data.attributes import own_splits, read_lines
from limner.data.clips import ClipReader
from limner.data.manifest import Layout, Row, hash_split
from limner.data.marks import Marks, SpokenWord
from limner.data.schema import LabelSchema
from limner.data.spec import AudioSpec
from limner.errors import DataError

AUDIO = AudioSpec(16_000, 25.0)
MIN_SPEAKERS = 10
"""From so many speakers on, whole speakers are held out."""
UNITS_PER_SECOND = 25_000
"""Of the times in the lists of words."""
_SENTENCE = re.compile(r"([blps][bgrw][abiw][a-z][1-9z][anps])\.(mp4|mpg)")  # bin blue at f two now
_SILENCE = ("sil", "sp")


def detect(root: Path) -> bool:
    """Whether the folder has this layout."""
    return next(_clips(root), None) is not None


def read_layout(root: Path, *, schema: LabelSchema | None = None) -> Layout:
    """What is in the folder; `schema` plays no part.

    Raises:
        DataError: if there are no clips.
    """
    clips = list(_clips(root))
    if not clips:
        raise DataError(f"{root} has no folders of speakers with clips such as s1/bbaf2n.mpg, so it is not GRID.")
    by_speaker = len({speaker for speaker, _, _ in clips}) >= MIN_SPEAKERS
    names = [f"{speaker}-{sentence}" for speaker, sentence, _ in clips]
    splits = own_splits(root, names) if (root / "splits.csv").exists() else None
    rows, words = [], {}
    for speaker, sentence, path in clips:
        name, video = f"{speaker}-{sentence}", path.relative_to(root).as_posix()
        split = hash_split(speaker if by_speaker else name) if splits is None else splits.get(name, "")
        rows.append(Row(name, video, split=split, identity=speaker, video=video, audio=video))
        places = (root / speaker / "align", root / "alignments" / speaker, root / speaker)
        words[name] = next((p / f"{sentence}.align" for p in places if (p / f"{sentence}.align").exists()), None)
    timed = sum(path is not None for path in words.values())
    notes = [] if timed == len(rows) else [f"{len(rows) - timed} of {len(rows)} clips have no times of their words."]
    if not by_speaker and splits is None:
        notes.append(f"There are fewer than {MIN_SPEAKERS} speakers: the test split has speakers of the training one.")
    return Layout(
        None,
        tuple(rows),
        ClipReader(root, AUDIO),
        fit="crop",
        notes=tuple(notes),
        marks=lambda name: _marks(words[name]),
        captions=timed > 0,
        audio=AUDIO,
    )


def read_align(path: Path) -> tuple[SpokenWord, ...]:
    """The words of a sentence with their times; silence is left out.

    Raises:
        DataError: if a line is not a start, an end and a word.
    """
    words = []
    for number, line in enumerate(read_lines(path), start=1):
        if not line.strip():
            continue
        try:
            start, end, word = line.split()
            if word not in _SILENCE:
                words.append(SpokenWord(word, int(start) / UNITS_PER_SECOND, int(end) / UNITS_PER_SECOND))
        except ValueError as error:
            raise DataError(f"{path} needs a start, an end and a word in line {number}.") from error
    return tuple(words)


def _marks(path: Path | None) -> Marks:
    if path is None:
        return Marks()
    words = read_align(path)
    return Marks(captions=(" ".join(word.text for word in words),), words=words)


def _clips(root: Path) -> Iterator[tuple[str, str, Path]]:
    """Speaker, sentence and file of every clip, sorted."""
    for speaker in sorted(os.listdir(root)):
        for folder in (root / speaker, root / speaker / "video"):
            if not speaker.startswith(".") and folder.is_dir():
                for file in sorted(os.listdir(folder)):
                    match = _SENTENCE.fullmatch(file)
                    if match:
                        yield speaker, match[1], folder / file
