"""Oxford-102: Nilsback, Zisserman 2008; captions by Reed et al., "Learning Deep Representations of Fine-Grained Visual
Descriptions", CVPR 2016.

```
jpg/image_00001.jpg ...                       photos of flowers
text_c10/class_00001/image_06734.txt ...      ten captions a photo, one a line (or the folder text)
splits.csv, or train|test/filenames.pickle    may be missing: then whole classes are held out
```
The class of a photo is the folder of its captions; `imagelabels.mat` says the same and is not read.
"""

from __future__ import annotations

from pathlib import Path

from limner.data.datasets.files import PictureReader, first_existing, list_pictures
from limner.data.datasets.text import TEXT_FOLDERS, CaptionFiles, missing_captions, splits_of, vocabulary_of
from limner.data.manifest import Layout, Row
from limner.data.schema import LabelSchema
from limner.errors import DataError


def detect(root: Path) -> bool:
    """Whether the folder has this layout."""
    text = first_existing(root, TEXT_FOLDERS)
    return (root / "jpg").is_dir() and text is not None and any(text.glob("class_*"))


def read_layout(root: Path, *, schema: LabelSchema | None = None) -> Layout:
    """What is in the folder; `schema` plays no part.

    Raises:
        DataError: if the folders are not there, or a split cannot be read.
    """
    text = first_existing(root, TEXT_FOLDERS)
    if text is None or not (root / "jpg").is_dir():
        raise DataError(f"{root} needs the folders jpg and {TEXT_FOLDERS[0]} to be Oxford-102.")
    photos = list_pictures(root / "jpg", (".jpg", ".png"))
    captions = {path.stem: path for path in sorted(text.glob("class_*/*.txt"))}
    categories = {name: captions[name].parent.name for name in photos if name in captions}
    splits, note = splits_of(root, categories, photos)
    rows = tuple(
        Row(name, f"jpg/{file}", split=splits.get(name, ""), category=categories[name])
        for name, file in photos.items()
        if name in captions
    )
    return Layout(
        None,
        rows,
        PictureReader(root),
        fit="crop",
        problems=tuple(missing_captions(photos, captions, text)),
        notes=(note,) if note else (),
        marks=CaptionFiles(captions),
        captions=True,
        vocabulary=vocabulary_of(root),
    )
