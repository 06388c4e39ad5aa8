"""Ready-made people: a few dozen rendered ones that come with the package, for demos, documents and tests.

Reading them needs neither the renderer nor its extra. `tools/make_ready_people.py` makes them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from limner.data.image_io import read_label_map, read_photo
from limner.data.schema import get_schema
from limner.errors import ConfigError, nearest
from limner.people.scene import KINDS

FOLDER = Path(__file__).parent / "ready"
INDEX = "people.json"
MAPS = FOLDER / "maps"
"""Label maps ("celebamask-19", 128 px) of one more person: `turn-0` to `turn-9` from side to side, and `edit-…`, the
same face with one thing changed. `tools/make_demo_maps.py` makes them."""


CLIPS = FOLDER / "clips"
"""Ten people who say a word each, as MP4 with sound and JSON. `tools/make_ready_clips.py` makes them."""


@dataclass(frozen=True, eq=False)
class ReadyClip:
    """A talking person: 29 frames of 64 x 64 pixels at 25 a second, mono sound at 16 kHz.

    Attributes:
        word: what is said in the middle; the words around it are cut off.
        identity: of the person.
        video: the MP4; `limner.media` reads its frames and its sound (extra "video").
        landmarks: (29, 68, 2) float64 x and y in pixels in iBUG order.
        mouth_opening: (29,) float64, distance of the inner lips in pixels.
        phonemes: what is said in the middle of each frame, in the mnemonics of espeak-ng; "" is silence.
    """

    word: str
    identity: str
    video: Path
    landmarks: npt.NDArray[np.float64]
    mouth_opening: npt.NDArray[np.float64]
    phonemes: tuple[str, ...]


@lru_cache(maxsize=1)
def ready_clips() -> tuple[ReadyClip, ...]:
    """The talking people that come with the package, by the alphabet of their words."""
    return tuple(_read_clip(path) for path in sorted(CLIPS.glob("*.json")))


def _read_clip(path: Path) -> ReadyClip:
    labels = json.loads(path.read_text(encoding="utf-8"))
    frames = labels["frames"]
    return ReadyClip(
        word=labels["word"],
        identity=labels["identity"],
        video=path.with_suffix(".mp4"),
        landmarks=_locked(np.array([frame["landmarks"] for frame in frames]).reshape(len(frames), -1, 2)),
        mouth_opening=_locked(np.array([frame["mouth_opening"] for frame in frames])),
        phonemes=tuple(frame["phoneme"] for frame in frames),
    )


@dataclass(frozen=True, eq=False)
class ReadyPerson:
    """One picture with its labels. Arrays are shared by all callers and cannot be written to.

    Attributes:
        name: of its files in the package.
        kind: "face", "age" or "body".
        identity: the same for all pictures of one person.
        age_years: age in this picture.
        image: (S, S, 3) uint8 RGB; S is 128, or 256 for a body, whose picture has white borders as in `people-bodies`.
        label_map: (S, S) uint8 ids of `schema`.
        schema: "celebamask-19", or "body-20" for a body.
        landmarks: (68, 2) float64 x and y in pixels in iBUG order, (0, 0) being the middle of the upper left pixel;
            None for a body.
        keypoints: (18, 2) float64, the same in OpenPose order, NaN where not seen; None for a face.
        attributes: CelebA's attributes that hold.
        captions: sentences about the picture.
    """

    name: str
    kind: str
    identity: str
    age_years: float
    image: npt.NDArray[np.uint8]
    label_map: npt.NDArray[np.uint8]
    schema: str
    landmarks: npt.NDArray[np.float64] | None
    keypoints: npt.NDArray[np.float64] | None
    attributes: tuple[str, ...]
    captions: tuple[str, ...]


def ready(kind: str | None = None) -> tuple[ReadyPerson, ...]:
    """The people that come with the package.

    Args:
        kind: "face" for different people, "age" for a few people at several ages each, "body" for a few dressed people
            from several sides each; None: all of them.

    Raises:
        ConfigError: if the kind is unknown.
    """
    if kind is not None and kind not in KINDS:
        raise ConfigError(f'There is no kind of ready-made people "{kind}".{nearest(kind, KINDS)}')
    return tuple(person for person in _all() if kind in (None, person.kind))


@lru_cache(maxsize=1)
def _all() -> tuple[ReadyPerson, ...]:
    entries = json.loads((FOLDER / INDEX).read_text(encoding="utf-8"))
    return tuple(_read(entry) for entry in entries)


def _read(entry: dict[str, Any]) -> ReadyPerson:
    return ReadyPerson(
        name=entry["name"],
        kind=entry["kind"],
        identity=entry["identity"],
        age_years=entry["age_years"],
        image=_locked(read_photo(FOLDER / f"{entry['name']}.webp")),
        label_map=_locked(read_label_map(FOLDER / f"{entry['name']}.png", get_schema(entry["schema"]))),
        schema=entry["schema"],
        landmarks=_points(entry["landmarks"]),
        keypoints=_points(entry["keypoints"]),
        attributes=tuple(entry["attributes"]),
        captions=tuple(entry["captions"]),
    )


def _points(numbers: list[list[float] | None] | None) -> npt.NDArray[np.float64] | None:
    if numbers is None:
        return None
    return _locked(np.array([point or (np.nan, np.nan) for point in numbers], dtype=np.float64))


def _locked(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    array = array.copy()
    array.flags.writeable = False
    return array
