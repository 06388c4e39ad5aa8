"""LRW: Chung, Zisserman, "Lip Reading in the Wild", ACCV 2016: half a thousand words, each in a thousand clips.

```
lipread_mp4/ABOUT/train/ABOUT_00001.mp4   29 frames of 256x256 at 25 a second with sound; the word is in the middle
lipread_mp4/ABOUT/train/ABOUT_00001.txt   lines "Key: value", one of them "Duration: 0.53 seconds"
```
The folders of words may also lie in the root. Who speaks is known of sets made by code alone (`records.jsonl`).
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from limner.data.attributes import read_lines
from limner.data.clips import ClipReader
from limner.data.datasets.files import list_pictures
from limner.data.manifest import Layout, Row
from limner.data.marks import Marks, SpokenWord
from limner.data.schema import LabelSchema
from limner.data.spec import AudioSpec
from limner.errors import DataError

FOLDER = "lipread_mp4"
SPLITS = ("train", "val", "test")
AUDIO = AudioSpec(16_000, 25.0)
NUM_FRAMES = 29
_DURATION = re.compile(r"Duration:\s*([0-9.]+)\s*seconds?")


def detect(root: Path) -> bool:
    """Whether the folder has this layout."""
    return (root / FOLDER).is_dir() or bool(_words(root))


def read_layout(root: Path, *, schema: LabelSchema | None = None) -> Layout:
    """What is in the folder; `schema` plays no part.

    Raises:
        DataError: if there are no folders of words.
    """
    base = root / FOLDER if (root / FOLDER).is_dir() else root
    words = _words(base)
    if not words:
        raise DataError(f"{root} has no folders WORD/train with clips, so it is not LRW.")
    rows, problems = [], []
    speakers = known_speakers(root)
    texts: dict[str, tuple[str, Path]] = {}
    for word in words:
        for split in SPLITS:
            folder = base / word / split
            for file in list_pictures(folder, (".mp4",)).values() if folder.is_dir() else ():
                name, video = file.removesuffix(".mp4"), (folder / file).relative_to(root).as_posix()
                texts[name] = (word, folder / f"{name}.txt")
                if not texts[name][1].exists():
                    problems.append(f"{texts[name][1]} is missing: every clip has the duration of its word.")
                rows.append(
                    Row(
                        name,
                        video,
                        split=split,
                        identity=speakers.get(name, ""),
                        category=word,
                        video=video,
                        audio=video,
                    )
                )
    return Layout(
        None,
        tuple(rows),
        ClipReader(root, AUDIO),
        fit="crop",
        problems=tuple(problems),
        marks=lambda name: _marks(*texts[name]),
        captions=True,
        audio=AUDIO,
    )


def known_speakers(root: Path) -> dict[str, str]:
    """Name of a clip -> who speaks, from the records of a set made by code; empty for recordings.

    Raises:
        DataError: if the records are damaged.
    """
    path = root / "records.jsonl"
    if not path.exists():
        return {}
    found = {}
    for number, line in enumerate(read_lines(path), start=1):
        try:
            entry = json.loads(line) if line.strip() else {}
            if "name" in entry and "identity" in entry:
                found[str(entry["name"])] = str(entry["identity"])
        except (ValueError, TypeError, RecursionError) as error:
            raise DataError(f"{path} is damaged in line {number}: write the data set again.") from error
    return found


def read_duration(path: Path) -> float:
    """Length of the word in seconds.

    Raises:
        DataError: if the file does not say it.
    """
    for line in read_lines(path):
        match = _DURATION.match(line.strip())
        if match:
            return float(match[1])
    raise DataError(f'{path} has no line "Duration: 0.53 seconds".')


def _marks(word: str, path: Path) -> Marks:
    if not path.exists():
        return Marks(captions=(word.lower(),))
    half, middle = read_duration(path) / 2, NUM_FRAMES / AUDIO.frames_per_second / 2
    return Marks(captions=(word.lower(),), words=(SpokenWord(word.lower(), middle - half, middle + half),))


def _words(base: Path) -> list[str]:
    if not base.is_dir():
        return []
    return sorted(
        path.name for path in base.iterdir() if path.name.isupper() and any((path / split).is_dir() for split in SPLITS)
    )
