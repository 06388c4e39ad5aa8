"""COCO captions: Chen et al., "Microsoft COCO Captions", 2015; and other sets in its form, such as Flickr8k.

```
annotations/captions_train2014.json ...   {"images": [{id, file_name}], "annotations": [{image_id, caption}]}
images/*.jpg                              photos (or train2014, val2014, Images)
splits.csv                                name,split; may be missing
```
A file with "train" or "val" in its name is that split, and COCO's val is the test split here, as in the papers. Files
captions*.json beside the pictures are read too.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from limner.data.attributes import own_splits
from limner.data.datasets.files import PictureReader
from limner.data.manifest import Layout, Row
from limner.data.marks import Marks
from limner.data.schema import LabelSchema
from limner.errors import DataError
from limner.files import read_json

IMAGES = ("images", "Images", "train2014", "val2014", "")
MOST = 5
"""Captions of a picture that are read (hfgan.md 7)."""
_MAX_BYTES = 1 << 30  # those of COCO's training part have 66 MB


def detect(root: Path) -> bool:
    """Whether the folder has this layout."""
    return bool(_lists(root))


def read_layout(root: Path, *, schema: LabelSchema | None = None) -> Layout:
    """What is in the folder; `schema` plays no part.

    Raises:
        DataError: if there is no list of captions, or one is not in COCO's form.
    """
    lists = _lists(root)
    if not lists:
        raise DataError(f"{root} has no annotations/captions_*.json, so it is not COCO captions.")
    captions: dict[str, list[str]] = {}
    rows: dict[str, Row] = {}
    problems = []
    folders = [root / folder for folder in IMAGES if (root / folder).is_dir()]
    for path in lists:
        files, sentences = _read(path)
        split = "train" if "train" in path.stem else "test" if "val" in path.stem else ""
        for number, file in files.items():
            name = Path(file).stem
            place = next((folder / file for folder in folders if (folder / file).exists()), None)
            if place is None:
                problems.append(f"{path} names {file}, which is in none of the folders of pictures.")
            elif sentences.get(number):
                rows[name] = Row(name, place.relative_to(root).as_posix(), split=split)
                captions.setdefault(name, []).extend(sentences[number])
    named = own_splits(root, rows)
    rows = {name: dataclasses.replace(row, split=named.get(name, row.split)) for name, row in rows.items()}
    return Layout(
        None,
        tuple(rows.values()),
        PictureReader(root, tuple(lists)),
        fit="crop",
        problems=tuple(problems),
        marks=lambda name: Marks(captions=tuple(captions.get(name, ())[:MOST])),
        captions=True,
    )


def _lists(root: Path) -> list[Path]:
    found = sorted((root / "annotations").glob("captions_*.json"))
    return found or sorted(root.glob("captions*.json"))


def _read(path: Path) -> tuple[dict[Any, str], dict[Any, list[str]]]:
    """Number of a picture -> its file, and -> its captions."""
    content = read_json(path, most=_MAX_BYTES)
    try:
        files = {entry["id"]: str(entry["file_name"]) for entry in content["images"]}
        captions: dict[Any, list[str]] = {}
        for entry in content["annotations"]:
            captions.setdefault(entry["image_id"], []).append(" ".join(str(entry["caption"]).split()))
    except (KeyError, TypeError) as error:
        raise DataError(f"{path} is not in the form of COCO's captions (images, annotations): {error}.") from error
    for file in files.values():
        if Path(file).is_absolute() or ".." in Path(file).parts:
            raise DataError(f"{path} names {file}, which lies outside of the data set.")
    return files, captions
