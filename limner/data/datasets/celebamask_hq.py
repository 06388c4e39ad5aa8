"""CelebAMask-HQ: Lee et al., "MaskGAN: Towards Diverse and Interactive Facial Image Manipulation", CVPR 2020.

```
CelebA-HQ-img/0.jpg ...                       photos
CelebAMaskHQ-mask/0.png ...                   merged maps, or
CelebAMask-HQ-mask-anno/0/00000_skin.png ...  one 0/255 file per part that is there, 2000 pictures per folder
CelebAMask-HQ-attribute-anno.txt              attributes (or mask-derived-attributes.txt); may be missing
splits.csv                                    name,split; or CelebA's list_eval_partition.txt together with
CelebA-HQ-to-CelebA-mapping.txt               the names that the pictures have in CelebA; may be missing
landmarks68.csv, captions/0.txt ...           points and sentences for `limner data show`; in sets made by code
```
Where merged maps and part files are both there, the merged maps are read: they are one file instead of up to 18.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from limner.data.attributes import (
    AttributeTable,
    is_number,
    joined,
    own_splits,
    read_celeba_attributes,
    read_eval_partition,
    read_lines,
)
from limner.data.datasets.files import PairReader, first_existing, list_pictures
from limner.data.image_io import read_part_mask, read_photo, turn_with_photo
from limner.data.manifest import Layout, Reader, Row
from limner.data.marks import FileMarks
from limner.data.schema import SCHEMAS, LabelSchema
from limner.errors import DataError

IMAGES = "CelebA-HQ-img"
PARTS = "CelebAMask-HQ-mask-anno"
MERGED = ("CelebAMaskHQ-mask", "CelebAMask-HQ-mask")
ATTRIBUTES = ("CelebAMask-HQ-attribute-anno.txt", "mask-derived-attributes.txt")
PARTITION = "list_eval_partition.txt"
MAPPING = "CelebA-HQ-to-CelebA-mapping.txt"
SCHEMA = SCHEMAS["celebamask-19"]


def detect(root: Path) -> bool:
    """Whether the folder has this layout."""
    return (root / IMAGES).is_dir()


def read_layout(root: Path, *, schema: LabelSchema | None = None) -> Layout:
    """What is in the folder; `schema` plays no part, the maps have one schema only.

    Raises:
        DataError: if there are no maps at all, or an attribute or split file is wrong.
    """
    if not detect(root):
        raise DataError(f"{root} has no folder {IMAGES}, so it is not CelebAMask-HQ.")
    photos = list_pictures(root / IMAGES, (".jpg", ".png"))
    merged = first_existing(root, MERGED)
    reader: Reader
    if merged is not None:
        labels = {name: f"{merged.name}/{name}.png" for name in photos}
        reader = PairReader(root, SCHEMA)
        there = list_pictures(merged, (".png",))
        problems = [f"{merged / name}.png is missing: every photo needs a map." for name in photos if name not in there]
    elif (root / PARTS).is_dir():
        labels = {name: f"{PARTS}/{_part_prefix(name, root)}" for name in photos}
        reader = PartsReader(root)
        problems = _part_problems(root, labels)
    else:
        raise DataError(f"{root} has neither {MERGED[0]} (merged maps) nor {PARTS} (part masks) beside {IMAGES}.")
    path = first_existing(root, ATTRIBUTES)
    names, table = read_celeba_attributes(path) if path else ((), AttributeTable())
    values = joined(path, table, photos, may_exceed=True) if path else {}
    if path:
        problems += [f"{path} has no row for {file}." for name, file in photos.items() if name not in values]
    splits = _splits(root, photos)
    unknown = (float("nan"),) * len(names)
    rows = tuple(
        Row(name, f"{IMAGES}/{file}", labels[name], values.get(name, unknown), splits.get(name, ""))
        for name, file in photos.items()
    )
    marks = FileMarks(root)
    return Layout(
        SCHEMA,
        rows,
        reader,
        names,
        problems=tuple(problems),
        marks=marks,
        landmarks=marks.landmarks,
        captions=marks.captions,
    )


@dataclass(frozen=True)
class PartsReader:
    """Photos and part masks; `Row.label` is the part files' common beginning below `root`."""

    root: Path

    def read_image(self, row: Row) -> npt.NDArray[np.uint8]:
        """(H, W, 3) uint8 RGB."""
        return read_photo(self.root / row.image)

    def read_label_map(self, row: Row) -> npt.NDArray[np.uint8]:
        """(H, W) uint8 ids of celebamask-19."""
        parts = self._parts(row)
        if not parts:
            raise DataError(f"{self.root / row.label}*.png are missing: every photo needs its part masks.")
        merged = merge_parts(parts)
        return turn_with_photo(merged, SCHEMA, self.root / row.image, where=f"{self.root / row.label}*.png")

    def files(self, row: Row) -> tuple[Path, ...]:
        """The photo and those of its 18 part files that exist."""
        return self.root / row.image, *self._parts(row).values()

    def _parts(self, row: Row) -> dict[str, Path]:
        paths = {part: self.root / f"{row.label}{part}.png" for part in SCHEMA.classes[1:]}
        return {part: path for part, path in paths.items() if path.exists()}


def merge_parts(parts: dict[str, Path]) -> npt.NDArray[np.uint8]:
    """Paint part masks over each other in the order of the class ids: hair over skin, hat over hair.

    Args:
        parts: class name of celebamask-19 -> file with that part's mask; at least one.

    Returns:
        (H, W) uint8 ids of celebamask-19.

    Raises:
        DataError: if there is no part, a file cannot be used, or sizes differ.
    """
    masks = {part: read_part_mask(parts[part]) for part in SCHEMA.classes if part in parts}
    if not masks:
        raise DataError(f"There is no part mask to merge: the parts are {', '.join(SCHEMA.classes[1:])}.")
    shape = next(iter(masks.values())).shape
    merged = np.zeros(shape, dtype=np.uint8)
    for part, mask in masks.items():
        if mask.shape != shape:
            raise DataError(
                f"{parts[part]} is {mask.shape[1]}x{mask.shape[0]}, but the other parts of this face are "
                f"{shape[1]}x{shape[0]}: all parts of a face must have one size."
            )
        merged[mask] = SCHEMA.id(part)
    return merged


def _part_prefix(name: str, root: Path) -> str:
    if not is_number(name):
        raise DataError(f'{root / IMAGES} has the photo "{name}", but with part masks photos are named by numbers.')
    return f"{int(name) // 2000}/{int(name):05d}_"


def _part_problems(root: Path, labels: dict[str, str]) -> list[str]:
    """What is wrong with the part files, from one listing of their folders."""
    parts: dict[str, set[str]] = {}
    problems = []
    for folder in sorted(path for path in (root / PARTS).iterdir() if path.is_dir()):
        for file in sorted(os.listdir(folder)):
            stem, suffix = os.path.splitext(file)
            if suffix != ".png" or file.startswith("."):
                continue
            number, _, part = stem.partition("_")
            if part not in SCHEMA.classes[1:]:
                problems.append(f'{folder / file} is of the unknown part "{part}": rename or remove it.')
            parts.setdefault(f"{PARTS}/{folder.name}/{number}_", set()).add(part)
    for prefix in labels.values():
        if prefix not in parts:
            problems.append(f"{root / prefix}*.png are missing: every photo needs its part masks.")
        elif "skin" not in parts[prefix]:
            problems.append(f"{root / prefix}skin.png is missing: every face has skin, so part files were lost.")
    return problems


def _splits(root: Path, names: Iterable[str]) -> dict[str, str]:
    if (root / "splits.csv").exists():
        return own_splits(root, names)
    if not (root / PARTITION).exists():
        return {}
    if not (root / MAPPING).exists():
        raise DataError(f"{root / PARTITION} has the names of CelebA: put {MAPPING} beside it, or remove it.")
    by_original = read_eval_partition(root / PARTITION)
    splits = {}
    for line in read_lines(root / MAPPING):
        cells = line.split()  # index in CelebA-HQ, index in CelebA, file in CelebA
        if len(cells) == 3 and is_number(cells[0]):
            if cells[2] not in by_original:
                raise DataError(f"{root / PARTITION} has no row for {cells[2]}, which {MAPPING} names.")
            splits[cells[0]] = by_original[cells[2]]
    return joined(root / MAPPING, splits, names, may_exceed=True)
