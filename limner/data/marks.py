"""What a data set says of a picture beyond its label map: landmarks, key points, captions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from limner.data.attributes import read_lines
from limner.data.facts import FILE, Facts, read_facts
from limner.data.landmarks import read_landmarks
from limner.data.point_schema import IBUG_68, PointSchema

Points = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SpokenWord:
    """A word and its time in a clip."""

    text: str
    start_seconds: float
    end_seconds: float


@dataclass(frozen=True)
class Marks:
    """Of one picture; points are (n, 2) positions x, y in pixels of the picture as its reader gives it."""

    landmarks: Points | None = None
    """The 68 of iBUG."""
    keypoints: Points | None = None
    """The 18 of OpenPose, NaN where not seen."""
    captions: tuple[str, ...] = ()
    """Sentences about it, or spoken in it."""
    facts: Facts | None = None
    """What is known of it and stated by its captions."""
    words: tuple[SpokenWord, ...] = ()
    """Of a clip, when each word is spoken."""


MarksOf = Callable[[str], Marks]
"""Name of a picture -> its marks."""


@dataclass(frozen=True)
class FileMarks:
    """`MarksOf` for a folder with `landmarks68.csv`, `captions/{name}.txt` and `facts.jsonl`; any may be missing."""

    root: Path

    def __call__(self, name: str) -> Marks:
        """The marks of a picture.

        Raises:
            DataError: if a file is damaged.
        """
        captions = self.root / "captions" / f"{name}.txt"
        lines = [line.strip() for line in read_lines(captions)] if captions.exists() else []
        found = tuple(line for line in lines if line)
        return Marks(self._landmarks.get(name), captions=found, facts=self._facts.get(name))

    @property
    def landmarks(self) -> PointSchema | None:
        """Meaning of the landmarks, if there are any."""
        return IBUG_68 if (self.root / "landmarks68.csv").exists() else None

    @property
    def captions(self) -> bool:
        """Whether there are captions."""
        return (self.root / "captions").is_dir()

    @cached_property
    def _facts(self) -> dict[str, Facts]:
        path = self.root / FILE
        return read_facts(path) if path.exists() else {}

    @cached_property
    def _landmarks(self) -> dict[str, Points]:
        path = self.root / "landmarks68.csv"
        return {Path(name).stem: points for name, points in read_landmarks(path).items()} if path.exists() else {}
