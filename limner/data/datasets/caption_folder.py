"""A folder of one's own pictures with captions.

```
images/cat.jpg ...   pictures
text/cat.txt ...     captions of the same name, one a line
splits.csv           name,split; or train.txt and test.txt with one name a line; may be missing
facts.jsonl          what is true of each picture and stated by each caption (docs/people.md); may be missing
```
or pictures and texts of the same name side by side in one folder.
"""

from __future__ import annotations

from pathlib import Path

from limner.data.datasets.files import PictureReader, list_pictures
from limner.data.datasets.text import CaptionFiles, missing_captions, splits_of, vocabulary_of
from limner.data.facts import FILE
from limner.data.image_io import PHOTO_SUFFIXES
from limner.data.manifest import Layout, Row, hash_split
from limner.data.schema import LabelSchema
from limner.errors import DataError

_LISTS = ("train.txt", "val.txt", "test.txt")


def detect(root: Path) -> bool:
    """Whether the folder has this layout."""
    if (root / "images").is_dir() and (root / "text").is_dir():
        return True
    texts = {path.stem for path in root.glob("*.txt") if path.name not in _LISTS}
    return any(path.stem in texts and path.suffix.lower() in PHOTO_SUFFIXES for path in root.iterdir())


def read_layout(root: Path, *, schema: LabelSchema | None = None) -> Layout:
    """What is in the folder; `schema` plays no part.

    Raises:
        DataError: if it is not of this layout, or a split cannot be read.
    """
    if not detect(root):
        raise DataError(f"{root} needs the folders images and text, or texts beside pictures of the same name.")
    apart = (root / "images").is_dir() and (root / "text").is_dir()
    images, text = (root / "images", root / "text") if apart else (root, root)
    photos = list_pictures(images, PHOTO_SUFFIXES)
    captions = {path.stem: path for path in sorted(text.glob("*.txt")) if path.name not in _LISTS}
    splits, note = splits_of(root, {}, photos)
    if note is not None:
        splits = {name: hash_split(name) for name in photos}
    prefix = "images/" if apart else ""
    rows = tuple(
        Row(name, f"{prefix}{file}", split=splits.get(name, "")) for name, file in photos.items() if name in captions
    )
    problems = missing_captions(photos, captions, text)
    return Layout(
        None,
        rows,
        PictureReader(root),
        fit="crop",
        problems=tuple(problems),
        marks=CaptionFiles(captions, facts=root / FILE),
        captions=True,
        vocabulary=vocabulary_of(root),
    )
