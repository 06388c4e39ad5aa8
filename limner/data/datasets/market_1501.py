"""Market-1501: Zheng et al., ICCV 2015, with key points and pairs in the form of pose transfer (scagan.md 7.2).

```
bounding_box_train/0002_c1s1_000451_03.jpg   crops of 64x128: person, camera, frame, box (also _test)
market-annotation-train.csv                  name:keypoints_y:keypoints_x (also -test)
market-pairs-train.csv                       from,to (also -test); may be missing
```
Distractors (people 0000 and -1) are left out. Without a table for the test part a tenth of the people is held out.
Where eyes and ears are never given, the first point is taken for the top of the head (schema market-14, as in layumi's
annotation), else for the nose (openpose-18): the two must never be mixed.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from limner.data.datasets.deepfashion_inshop import read_pairs
from limner.data.datasets.files import PictureReader, list_pictures
from limner.data.keypoints import read_keypoints
from limner.data.manifest import Layout, Row, hash_split
from limner.data.marks import Marks
from limner.data.point_schema import MARKET_14, OPENPOSE_18
from limner.data.schema import LabelSchema
from limner.errors import DataError

SPLITS = ("train", "test")
_DISTRACTORS = ("0000", "-1")


def detect(root: Path) -> bool:
    """Whether the folder has this layout."""
    return (root / "bounding_box_train").is_dir() and (root / "market-annotation-train.csv").exists()


def read_layout(root: Path, *, schema: LabelSchema | None = None) -> Layout:
    """What is in the folder; `schema` plays no part.

    Raises:
        DataError: if crops or key points are missing, or a table is wrong.
    """
    if not detect(root):
        raise DataError(f"{root} needs bounding_box_train and market-annotation-train.csv to be Market-1501.")
    tables = [root / f"market-annotation-{split}.csv" for split in SPLITS]
    points: dict[str, npt.NDArray[np.float64]] = {}
    rows, problems, files = [], [], {}
    for split, table in zip(SPLITS, tables, strict=True):
        folder = root / f"bounding_box_{split}"
        found = read_keypoints(table) if table.exists() else {}
        crops = list_pictures(folder, (".jpg", ".png")) if folder.is_dir() else {}
        there = set(crops.values())
        problems += [f"{table} has {file}, but {folder} does not." for file in found if file not in there]
        for name, file in crops.items():
            person = name.split("_")[0]
            if file not in found or person in _DISTRACTORS:
                continue
            whose = split if tables[1].exists() else hash_split(person, val_share=0.0)
            rows.append(Row(name, f"{folder.name}/{file}", split=whose, identity=person))
            points[name], files[file] = found[file], name
    no_faces = bool(points) and all(bool(np.isnan(array[14:]).all()) for array in points.values())
    keypoints = MARKET_14 if no_faces else OPENPOSE_18
    listed = [root / f"market-pairs-{split}.csv" for split in SPLITS]
    named = [pair for path in listed if path.exists() for pair in read_pairs(path)]
    pairs = tuple((files[first], files[second]) for first, second in named if first in files and second in files)
    if len(pairs) < len(named):
        problems.append(f"{root} has {len(named) - len(pairs)} pairs of crops that are not there.")
    return Layout(
        None,
        tuple(rows),
        PictureReader(root, tuple(table for table in tables if table.exists())),
        fit="pad",
        problems=tuple(problems),
        notes=("Eyes and ears are never given: the first point is the top of the head.",) if no_faces else (),
        marks=lambda name: Marks(keypoints=points[name][: len(keypoints)]),
        keypoints=keypoints,
        pairs=pairs,
    )
