"""A plain folder of one's own pictures.

```
images/cat.jpg ...   photos
labels/cat.png ...   label maps, the same file names
schema.json          what the ids mean (docs/data.md); {"name": "celebamask-19"} is enough for a schema of Limner
attributes.csv       name,First,Second and rows of 1 / 0 (or attributes.txt in CelebA's form); may be missing
splits.csv           name,split (train, val or test); may be missing
```
"""

from __future__ import annotations

from pathlib import Path

from limner.data.attributes import AttributeTable, joined, own_splits, read_celeba_attributes, read_csv_attributes
from limner.data.datasets.files import PairReader, list_pictures
from limner.data.image_io import LABEL_SUFFIXES, PHOTO_SUFFIXES, noted_schema
from limner.data.manifest import Layout, Row
from limner.data.schema import SCHEMAS, LabelSchema, read_schema
from limner.errors import DataError


def detect(root: Path) -> bool:
    """Whether the folder has this layout."""
    return (root / "images").is_dir() and (root / "labels").is_dir()


def read_layout(root: Path, *, schema: LabelSchema | None = None) -> Layout:
    """What is in the folder.

    What the maps are is said by `schema.json`, else by the maps themselves, if Limner wrote them; where nothing says
    it, they are taken to be of `schema`, to which they are to be converted.

    Raises:
        DataError: if a folder is missing, no schema is known, or an attribute or split file is wrong.
    """
    for folder in ("images", "labels"):
        if not (root / folder).is_dir():
            raise DataError(f"{root / folder} is missing: a plain data set has the folders images and labels.")
    photos, maps = list_pictures(root / "images", PHOTO_SUFFIXES), list_pictures(root / "labels", LABEL_SUFFIXES)
    labels = root / "labels"
    own = _schema_of(root, [labels / file for file in maps.values()]) or schema
    if own is None:
        raise DataError(
            f'{root} does not say what the ids in its label maps mean: write {{"name": "celebamask-19"}}, or another '
            f"of {', '.join(SCHEMAS)}, or classes of your own (docs/data.md) into {root / 'schema.json'}."
        )
    problems = [f"{labels / name}.png is missing: every photo needs a map." for name in photos if name not in maps]
    problems += [f"{labels / maps[name]} has no photo of that name." for name in maps if name not in photos]
    path, names, table = _attributes(root)
    values_of = joined(path, table, photos) if path else {}
    splits = own_splits(root, photos)
    rows = []
    for name, file in photos.items():
        values = values_of.get(name)
        if path and values is None:
            problems.append(f"{path} has no row for {file}.")
            values = (float("nan"),) * len(names)
        label = maps.get(name, f"{name}.png")
        rows.append(Row(name, f"images/{file}", f"labels/{label}", values or (), splits.get(name, "")))
    return Layout(own, tuple(rows), PairReader(root, own), names, problems=tuple(problems))


def _schema_of(root: Path, maps: list[Path]) -> LabelSchema | None:
    """The schema of `schema.json`, else that which the first map notes."""
    if (root / "schema.json").exists():
        return read_schema(root / "schema.json")
    try:
        return noted_schema(maps[0]) if maps else None
    except DataError:  # a map that cannot be read is reported where it is read
        return None


def _attributes(root: Path) -> tuple[Path | None, tuple[str, ...], AttributeTable]:
    if (root / "attributes.csv").exists():
        return root / "attributes.csv", *read_csv_attributes(root / "attributes.csv")
    if (root / "attributes.txt").exists():
        return root / "attributes.txt", *read_celeba_attributes(root / "attributes.txt")
    return None, (), AttributeTable()
