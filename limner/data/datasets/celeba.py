"""CelebA, aligned and cropped: Liu et al., "Deep Learning Face Attributes in the Wild", ICCV 2015; SCGAN's layout.

```
images/000001.jpg ...         photos of 178x218 (or the folder img_align_celeba)
segmentation/000001.png ...   maps with the ids of scgan-celeba-7, as large as the photos, or
landmarks68.csv               name,x0,y0,...,x67,y67 in pixels of the photo: the maps are painted from them
list_attr_celeba_s.txt        attributes (or list_attr_celeba.txt); may be missing
list_eval_partition.txt       CelebA's own split; may be missing
```
Photos without a map or landmarks are left out, as in the paper: no face was found in them. The middle 178x178 is used.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from limner.data.attributes import AttributeTable, joined, own_splits, read_celeba_attributes, read_eval_partition
from limner.data.datasets.files import LandmarkReader, PairReader, first_existing, list_pictures
from limner.data.image_io import PHOTO_SUFFIXES
from limner.data.landmarks import read_landmarks
from limner.data.manifest import Layout, Reader, Row
from limner.data.marks import Marks
from limner.data.point_schema import IBUG_68
from limner.data.schema import SCHEMAS, LabelSchema
from limner.errors import DataError

IMAGES = ("images", "img_align_celeba")
MAPS = "segmentation"
LANDMARKS = "landmarks68.csv"
ATTRIBUTES = ("list_attr_celeba_s.txt", "list_attr_celeba.txt")
PARTITION = "list_eval_partition.txt"
SCHEMA = SCHEMAS["scgan-celeba-7"]


def detect(root: Path) -> bool:
    """Whether the folder has this layout."""
    marks = ("img_align_celeba", MAPS, LANDMARKS, *ATTRIBUTES)
    return first_existing(root, IMAGES) is not None and first_existing(root, marks) is not None


def read_layout(root: Path, *, schema: LabelSchema | None = None) -> Layout:
    """What is in the folder; `schema` plays no part, the maps have one schema only.

    Raises:
        DataError: if photos or maps are missing altogether, or an attribute or split file is wrong.
    """
    folder = first_existing(root, IMAGES)
    if folder is None:
        raise DataError(f"{root} has neither the folder {IMAGES[0]} nor {IMAGES[1]}, so it is not CelebA.")
    photos = list_pictures(folder, PHOTO_SUFFIXES)
    reader: Reader
    if (root / MAPS).is_dir():
        labels = {name: f"{MAPS}/{file}" for name, file in list_pictures(root / MAPS, (".png",)).items()}
        reader = PairReader(root, SCHEMA)
    elif (root / LANDMARKS).exists():
        points = {Path(name).stem: value for name, value in read_landmarks(root / LANDMARKS).items()}
        labels = {name: name for name in points}
        reader = LandmarkReader(root, points, (root / LANDMARKS,))
    else:
        raise DataError(f"{root} has neither {MAPS} (label maps) nor {LANDMARKS} to paint them from.")
    path = first_existing(root, ATTRIBUTES)
    names, table = read_celeba_attributes(path) if path else ((), AttributeTable())
    splits = _splits(root, photos)
    values = joined(path, table, photos, may_exceed=True) if path else {}
    faces = {name: file for name, file in photos.items() if name in labels}
    problems = [f"{path} has no row for {file}." for name, file in faces.items() if path and name not in values]
    unknown = (float("nan"),) * len(names)
    rows = tuple(
        Row(name, f"{folder.name}/{file}", labels[name], values.get(name, unknown), splits.get(name, ""))
        for name, file in faces.items()
    )
    left_out = len(photos) - len(faces)
    notes = (f"{left_out} of {len(photos)} photos have no map or landmarks and are left out.",) if left_out else ()
    found = reader.points if isinstance(reader, LandmarkReader) else None
    return Layout(
        SCHEMA,
        rows,
        reader,
        names,
        fit="crop",
        problems=tuple(problems),
        notes=notes,
        marks=None if found is None else lambda name: Marks(landmarks=found[name]),
        landmarks=None if found is None else IBUG_68,
    )


def _splits(root: Path, names: Iterable[str]) -> dict[str, str]:
    if (root / "splits.csv").exists():
        return own_splits(root, names)
    if (root / PARTITION).exists():
        return joined(root / PARTITION, read_eval_partition(root / PARTITION), names, may_exceed=True)
    return {}
