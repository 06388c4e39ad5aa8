"""Clothing Co-Parsing: Yang, Luo, Lin, "Clothing Co-Parsing by Joint Image Segmentation and Labeling", CVPR 2014.

```
photos/0001.jpg ...                   photos, taller than wide
annotations/pixel-level/0001.png ...  ids 0..58 as PNG, or the original 0001.mat with the array `groundtruth`
label_list.json                       the 59 names; may be missing
tags.csv                              photo,labels: the ids in each photo, as attributes; may be missing
splits.csv                            name,split; may be missing
```
Photos without a pixel map (there are 1094 in the full set) are left out. Photos are padded to a square about their
centre. The maps are merged from 59 classes to the 7 of `ccp-7` unless another schema is asked for.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from limner.data.attributes import AttributeTable, is_number, joined, own_splits, read_lines
from limner.data.datasets.files import PairReader, list_pictures
from limner.data.manifest import Layout, Row
from limner.data.schema import SCHEMAS, LabelSchema
from limner.errors import DataError
from limner.files import open_regular, read_json
from limner.optional import optional

MAPS = "annotations/pixel-level"
SCHEMA = SCHEMAS["ccp-59"]


def detect(root: Path) -> bool:
    """Whether the folder has this layout."""
    return (root / "photos").is_dir() and (root / MAPS).is_dir()


def read_layout(root: Path, *, schema: LabelSchema | None = None) -> Layout:
    """What is in the folder; `schema` plays no part, the maps have one schema only.

    Raises:
        DataError: if a folder is missing, or the list of labels, tags or splits is wrong.
    """
    for folder in ("photos", MAPS):
        if not (root / folder).is_dir():
            raise DataError(f"{root / folder} is missing, so it is not Clothing Co-Parsing.")
    _check_label_list(root / "label_list.json")
    photos, maps = list_pictures(root / "photos", (".jpg", ".png")), list_pictures(root / MAPS, (".png", ".mat"))
    tags = root / "tags.csv"
    table = joined(tags, _tags(tags), photos, may_exceed=True) if tags.exists() else None
    names = SCHEMA.classes[1:] if table is not None else ()
    splits = own_splits(root, photos)
    pairs = {name: file for name, file in photos.items() if name in maps}
    problems = [f"{root / MAPS / maps[name]} has no photo of that name." for name in maps if name not in photos]
    if table is not None:
        problems += [f"{root / 'tags.csv'} has no row for {name}." for name in pairs if name not in table]
    unknown = (float("nan"),) * len(names)
    rows = tuple(
        Row(name, f"photos/{file}", f"{MAPS}/{maps[name]}", (table or {}).get(name, unknown), splits.get(name, ""))
        for name, file in pairs.items()
    )
    left_out = len(photos) - len(pairs)
    return Layout(
        SCHEMA,
        rows,
        GarmentReader(root, SCHEMA),
        names,
        default_schema=SCHEMAS["ccp-7"],
        fit="pad",
        problems=tuple(problems),
        notes=(f"{left_out} of {len(photos)} photos have no pixel map and are left out.",) if left_out else (),
    )


@dataclass(frozen=True)
class GarmentReader(PairReader):
    """Photos with maps as PNG or as MATLAB files."""

    def read_label_map(self, row: Row) -> npt.NDArray[np.uint8]:
        """(H, W) uint8 ids of ccp-59."""
        path = self.root / row.label
        return _read_mat(path) if path.suffix == ".mat" else super().read_label_map(row)


def _read_mat(path: Path) -> npt.NDArray[np.uint8]:
    scipy_io = optional("scipy.io", extra="data")
    try:
        with open_regular(path) as file:
            label_map = np.asarray(scipy_io.loadmat(file)["groundtruth"])
    except KeyError as error:
        raise DataError(f"{path} has no array named groundtruth.") from error
    except (OSError, ValueError, TypeError, NotImplementedError) as error:
        raise DataError(f"{path} cannot be read as a MATLAB file ({error}): copy or download it again.") from error
    if label_map.ndim != 2:
        raise DataError(f"{path} has a groundtruth of shape {label_map.shape}, but a map has a height and a width.")
    SCHEMA.check_ids(label_map, str(path))
    return label_map.astype(np.uint8)


def _check_label_list(path: Path) -> None:
    if not path.exists():
        return
    names = read_json(path)
    if names != list(SCHEMA.classes):
        raise DataError(f"{path} does not list the {SCHEMA.num_classes} classes of {SCHEMA.name} in their order.")


def _tags(path: Path) -> AttributeTable:
    rows = [row for row in csv.reader(read_lines(path)) if row]
    if not rows or rows[0] != ["photo", "labels"]:
        raise DataError(f"{path} must begin with the header: photo,labels")
    table: AttributeTable = {}
    for number, row in enumerate(rows[1:], start=2):
        ids = row[1].split() if len(row) == 2 else ["?"]
        wrong = [cell for cell in ids if not is_number(cell) or int(cell) >= SCHEMA.num_classes]
        if wrong or row[0] in table:
            fault = f'the label "{wrong[0]}"' if wrong else f'"{row[0]}" a second time'
            raise DataError(f"{path} has {fault} in line {number}, but needs one row per photo with ids 0..58.")
        present = set(map(int, ids))
        table[row[0]] = tuple(float(index in present) for index in range(1, SCHEMA.num_classes))
    return table
