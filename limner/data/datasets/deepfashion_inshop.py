"""DeepFashion In-shop, prepared for pose transfer: Liu et al., "DeepFashion", CVPR 2016; layout of scagan.md 7.1.

```
train/fashionMENShirts_Polosid0000180202_4full.jpg  a person in the middle 176 of 256x256 pixels, or 176x256; also test/
fashion-resize-annotation-train.csv                 name:keypoints_y:keypoints_x in the 176x256 frame, -1 where not seen
fashion-resize-pairs-train.csv                      from,to (also the spelling fasion-; also test)
train.lst test.lst                                  names, one a line; not read, for the tables name the same
parsing/fashionMEN....png                           maps of body-20, as large as the pictures; may be missing
attributes.csv                                      name and columns of 1 / 0; may be missing
```
Other sizes of the same shape are read too. Without `parsing`, label maps are painted from the key points (limbs-18).
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from limner.data.attributes import AttributeTable, read_csv_attributes, read_lines
from limner.data.datasets.files import PairReader, first_existing, list_pictures, lookup
from limner.data.image_io import picture_size, read_photo
from limner.data.keypoints import SCHEMA as LIMBS_SCHEMA
from limner.data.keypoints import label_map_from_keypoints, read_keypoints
from limner.data.manifest import Layout, Reader, Row
from limner.data.marks import FileMarks
from limner.data.point_schema import OPENPOSE_18
from limner.data.schema import SCHEMAS, LabelSchema
from limner.errors import DataError

SPLITS = ("train", "test")
PARSING = "parsing"
ATTRIBUTES = "attributes.csv"
SCHEMA = SCHEMAS["body-20"]
Points = npt.NDArray[np.float64]

_NAME = re.compile(r"fashion(MEN|WOMEN)(.+)id(\d{8})(\d\d)_(\d)(\w+)")


@dataclass(frozen=True)
class Labels:
    """What a file name says."""

    gender: str
    """MEN or WOMEN."""
    category: str
    """Of the garment, such as Shirts_Polos."""
    item: str
    """Eight digits: the garment, worn by one person."""
    outfit: str
    """Two digits: its variant, such as the colour."""
    view: str
    """A digit and a word: 1front, 2side, 3back, 4full, 7additional."""

    @property
    def identity(self) -> str:
        """The same for all pictures of one person in one outfit: pairs are made of these."""
        return f"{self.gender}{self.category}id{self.item}{self.outfit}"


def parse_name(file: str) -> Labels:
    """The parts of a flat file name.

    Raises:
        DataError: if it does not have them.
    """
    match = _NAME.fullmatch(file.removesuffix(".jpg").removesuffix(".png"))
    if match is None:
        raise DataError(f'The name "{file}" is not of the form fashionWOMENTees_Tanksid0000000101_1front.jpg.')
    gender, category, item, outfit, number, view = match.groups()
    return Labels(gender, category, item, outfit, number + view)


def content_columns(width: int, height: int) -> tuple[int, int]:
    """First column and number of columns of the person in a picture: a square one has white borders, 40 of 256 wide."""
    return ((width - 11 * width // 16) // 2, 11 * width // 16) if width == height else (0, width)


def detect(root: Path) -> bool:
    """Whether the folder has this layout."""
    return _table(root, "annotation", "train") is not None


def read_layout(root: Path, *, schema: LabelSchema | None = None) -> Layout:
    """What is in the folder; `schema` plays no part, the maps have one schema only.

    Raises:
        DataError: if the key points of the training pictures are missing, or a table is wrong.
    """
    if not detect(root):
        raise DataError(f"{root} has no fashion-resize-annotation-train.csv, so it is not DeepFashion In-shop.")
    points: dict[str, Points] = {}
    rows, problems = [], []
    pair_names: dict[str, str] = {}
    table = root / ATTRIBUTES
    names, attributes = read_csv_attributes(table) if table.exists() else ((), AttributeTable())
    maps = set(list_pictures(root / PARSING, (".png",))) if (root / PARSING).is_dir() else None
    for split in SPLITS:
        path = _table(root, "annotation", split)
        found = read_keypoints(path) if path else {}
        files = list_pictures(root / split, (".jpg", ".png")) if (root / split).is_dir() else {}
        problems += [f"{path} has {file}, but {root / split} does not." for file in found if file not in files.values()]
        problems += _pair_problems(root, split, found)
        for name, file in files.items():
            if file not in found:
                problems.append(f"{root / split / file} has no row in the key points of the split {split}.")
                continue
            if maps is not None and name not in maps:
                problems.append(f"{root / PARSING / name}.png is missing: every picture needs its map.")
            values = lookup(attributes, file) or (float("nan"),) * len(names)
            points[name] = found[file]
            match = _NAME.fullmatch(name)
            person = parse_name(name).identity if match else ""
            rows.append(Row(name, f"{split}/{file}", f"{PARSING}/{name}.png", values, split, identity=person))
            pair_names |= {file: name}
    problems += _shared_identities(rows)
    beside = FileMarks(root)
    reader: Reader = ParsingReader(root, SCHEMA) if maps is not None else LimbReader(root, points)
    own = SCHEMA if maps is not None else LIMBS_SCHEMA
    return Layout(
        own,
        tuple(rows),
        reader,
        names,
        fit="pad",
        problems=tuple(problems),
        marks=lambda name: replace(beside(name), keypoints=points[name]),
        captions=beside.captions,
        keypoints=OPENPOSE_18,
        pairs=_pairs(root, pair_names),
    )


@dataclass(frozen=True)
class ParsingReader(PairReader):
    """Pictures and their body parsing, both cut to the person's columns."""

    def read_image(self, row: Row) -> npt.NDArray[np.uint8]:
        """(H, W, 3) uint8 RGB, 11 : 16 as 176 : 256."""
        return _content(super().read_image(row))

    def read_label_map(self, row: Row) -> npt.NDArray[np.uint8]:
        """(H, W) uint8 ids of body-20."""
        return _content(super().read_label_map(row))


@dataclass(frozen=True)
class LimbReader:
    """Pictures cut to the person's columns, and label maps painted from the key points."""

    root: Path
    points: dict[str, Points]

    def read_image(self, row: Row) -> npt.NDArray[np.uint8]:
        """(H, W, 3) uint8 RGB, 11 : 16 as 176 : 256."""
        return _content(read_photo(self.root / row.image))

    def read_label_map(self, row: Row) -> npt.NDArray[np.uint8]:
        """(H, W) uint8 ids of limbs-18, as large as the cut picture."""
        width, height = picture_size(self.root / row.image)
        return label_map_from_keypoints(self.points[row.name], (height, content_columns(width, height)[1]))

    def files(self, row: Row) -> tuple[Path, ...]:
        """The picture and the file of all key points of its split."""
        path = _table(self.root, "annotation", row.split)
        return (self.root / row.image, *((path,) if path else ()))


def read_pairs(path: Path) -> list[tuple[str, str]]:
    """Names of source and target pictures, in the order of the file.

    Raises:
        DataError: if the header or a row is wrong.
    """
    rows = [row for row in csv.reader(read_lines(path)) if row]
    if not rows or rows[0] != ["from", "to"] or any(len(row) != 2 for row in rows):
        raise DataError(f"{path} must have the header from,to and two names in every row.")
    return [(source, target) for source, target in rows[1:]]


def pairs_path(root: Path, split: str) -> Path | None:
    """The file of pairs of a split, under any of the spellings in use; none if there is none."""
    return _table(root, "pairs", split)


def _table(root: Path, what: str, split: str) -> Path | None:
    stems = [f"{word}-resize-{middle}{what}" for word in ("fashion", "fasion") for middle in ("", "annotation-")]
    return first_existing(root, [f"{stem}-{split}.csv" for stem in stems])


def _content(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    first, number = content_columns(pixels.shape[1], pixels.shape[0])
    return pixels[:, first : first + number]


def _pair_problems(root: Path, split: str, known: dict[str, Points]) -> list[str]:
    path = pairs_path(root, split)
    if path is None:
        return []
    unknown = sorted({name for pair in read_pairs(path) for name in pair if name not in known})
    return [f"{path} names {name}, which has no key points." for name in unknown]


def _pairs(root: Path, names: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """The listed pairs of all splits whose pictures are both there, by the names of their rows."""
    listed = [pair for split in SPLITS if (path := pairs_path(root, split)) for pair in read_pairs(path)]
    return tuple((names[first], names[second]) for first, second in listed if first in names and second in names)


def _shared_identities(rows: list[Row]) -> list[str]:
    """People who are in both splits; a name that cannot be parsed says nothing of its person."""
    people: dict[str, set[str]] = {split: set() for split in SPLITS}
    for row in rows:
        match = _NAME.fullmatch(row.name)
        if match is not None:
            people[row.split].add(parse_name(row.name).identity)
    shared = sorted(people["train"] & people["test"])
    return [f"{name} is in both splits: move all pictures of one person to one split." for name in shared]
