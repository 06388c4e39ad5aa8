"""UTKFace: Zhang et al., "Age Progression/Regression by Conditional Adversarial Autoencoder", CVPR 2017.

```
UTKFace/25_0_1_20170112213500903.jpg.chip.jpg   age_gender_race_time: aligned faces (or the folder crop_part1)
landmark_list_part1.txt ...                     name x0 y0 ... x67 y67 in pixels; any landmark_list*.txt
splits.csv                                      name,split; may be missing
identity.csv                                    name,identity: who is who, where that is known; may be missing
```
The lists of landmarks are joined by name: their order is not that of the files. A picture without landmarks is left
out; label maps are painted from them. The attribute is the age group, one of ten (lgcgan.md 7).
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from limner.data.ages import LGCGAN_GROUPS, MAX_AGE, group_of
from limner.data.attributes import is_number, own_splits, read_lines
from limner.data.datasets.files import LandmarkReader, first_existing, list_pictures
from limner.data.landmarks import NUM_LANDMARKS
from limner.data.manifest import Layout, Row
from limner.data.marks import Marks
from limner.data.point_schema import FAR_PX, IBUG_68
from limner.data.schema import SCHEMAS, LabelSchema
from limner.errors import DataError

_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".chip")
IMAGES = ("UTKFace", "crop_part1")
LANDMARKS = "landmark_list*.txt"
SCHEMA = SCHEMAS["scgan-celeba-7"]
GENDERS = ("male", "female")
"""By their number in the file names."""
RACES = ("White", "Black", "Asian", "Indian", "Other")
"""The data set's own words, by their number in the file names."""
AGE_GROUPS = tuple(group.name for group in LGCGAN_GROUPS)


@dataclass(frozen=True)
class Labels:
    """What a file name says; None where it does not."""

    age: int
    gender: int | None
    """Index into `GENDERS`."""
    race: int | None
    """Index into `RACES`."""


def detect(root: Path) -> bool:
    """Whether the folder has this layout."""
    return first_existing(root, IMAGES) is not None


def read_layout(root: Path, *, schema: LabelSchema | None = None) -> Layout:
    """What is in the folder; `schema` plays no part, the maps have one schema only.

    Raises:
        DataError: if the pictures or all landmarks are missing, or a landmark or split file is wrong.
    """
    folder = first_existing(root, IMAGES)
    if folder is None:
        raise DataError(f"{root} has neither the folder {IMAGES[0]} nor {IMAGES[1]}, so it is not UTKFace.")
    files = {plain_name(file): file for file in list_pictures(folder, (".jpg", ".png")).values()}
    points = read_landmark_lists(root)
    whole = own_splits(root, [*files, *(Path(file).stem for file in files.values())])
    splits = {plain_name(name): split for name, split in whole.items()}
    identities = read_identities(root)
    rows, problems = [], []
    for name, file in files.items():
        try:
            group = age_group(parse_name(file).age)
        except DataError as error:
            problems.append(f"{folder / file}: {error}")
            continue
        if name in points:
            one_hot = tuple(float(index == group) for index in range(len(AGE_GROUPS)))
            split, person = splits.get(name, ""), identities.get(name, "")
            age = parse_name(file).age
            rows.append(Row(name, f"{folder.name}/{file}", name, one_hot, split, age=age, identity=person))
    left_out = len(files) - len(problems) - len(rows)
    return Layout(
        SCHEMA,
        tuple(rows),
        LandmarkReader(root, points, tuple(sorted(root.glob(LANDMARKS)))),
        tuple(f"age_{name}" for name in AGE_GROUPS),
        attribute_kind="exclusive",
        problems=tuple(problems),
        notes=(f"{left_out} of {len(files)} pictures have no landmarks and are left out.",) if left_out else (),
        marks=lambda name: Marks(landmarks=points[name]),
        landmarks=IBUG_68,
        age_groups=LGCGAN_GROUPS,
    )


def parse_name(file: str) -> Labels:
    """Age, gender and race of a file name; a few names of the original lack a field: what follows the age is unknown.

    Raises:
        DataError: if the name does not begin with an age from 0 to 116.
    """
    parts = plain_name(file).split("_")
    if not is_number(parts[0]) or int(parts[0]) > MAX_AGE:
        raise DataError(f'The name "{file}" does not begin with an age from 0 to {MAX_AGE}.')
    whole = len(parts) == 4
    gender = int(parts[1]) if whole and parts[1] in ("0", "1") else None
    race = int(parts[2]) if whole and parts[2] in ("0", "1", "2", "3", "4") else None
    return Labels(int(parts[0]), gender, race)


def plain_name(picture: str | Path) -> str:
    """The name of a picture without its suffixes, of which UTKFace's have three: "1_0_0_2017.jpg.chip.jpg"."""
    name = Path(picture).name
    while Path(name).suffix.lower() in _SUFFIXES:
        name = Path(name).stem
    return name


def age_group(age: float) -> int:
    """Index into `AGE_GROUPS` of an age in years; a fraction counts to the years completed."""
    found = group_of(min(age, MAX_AGE), LGCGAN_GROUPS)
    return 0 if found is None else found  # below 0 years


def read_landmark_lists(root: Path) -> dict[str, npt.NDArray[np.float64]]:
    """Picture name without suffixes -> (68, 2) points x, y in pixels, from all `landmark_list*.txt`.

    Raises:
        DataError: if there is no list, or a line is not a name and 136 numbers.
    """
    paths = sorted(root.glob(LANDMARKS))
    if not paths:
        raise DataError(f"{root} has no {LANDMARKS}: the landmarks of UTKFace are needed.")
    return {name: points for path in paths for name, points in read_landmark_list(path).items()}


def read_landmark_list(path: Path) -> dict[str, npt.NDArray[np.float64]]:
    """Picture name without suffixes -> (68, 2) points x, y in pixels, of one list.

    Raises:
        DataError: if a line is not a name and 136 numbers.
    """
    points = {}
    for number, line in enumerate(read_lines(path), start=1):
        name, *cells = line.split() or [""]
        try:
            if name:
                points[plain_name(name)] = _points(cells)
        except ValueError as error:
            raise DataError(f"{path} needs a name and {2 * NUM_LANDMARKS} numbers in line {number}.") from error
    return points


def read_identities(root: Path) -> dict[str, str]:
    """Picture name without suffixes -> person, from `identity.csv`; empty if there is none, as in the original.

    Raises:
        DataError: if the header or a row is wrong.
    """
    path = root / "identity.csv"
    if not path.exists():
        return {}
    rows = [row for row in csv.reader(read_lines(path)) if row]
    if not rows or rows[0] != ["name", "identity"] or any(len(row) != 2 for row in rows):
        raise DataError(f"{path} must have the header name,identity and two cells in every row.")
    return {plain_name(name): identity for name, identity in rows[1:]}


def _points(cells: list[str]) -> npt.NDArray[np.float64]:
    points = np.array([float(cell) for cell in cells]).reshape(NUM_LANDMARKS, 2)
    if not (np.abs(points) <= FAR_PX).all():
        raise ValueError
    return points
