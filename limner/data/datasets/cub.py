"""CUB-200-2011 with captions: Wah et al. 2011; captions by Reed et al., CVPR 2016; the box as in AttnGAN (hfgan.md 7).

```
CUB_200_2011/images.txt            number and path below images
CUB_200_2011/images/001.Black_footed_Albatross/....jpg
CUB_200_2011/bounding_boxes.txt    number, x, y, width, height in pixels; may be missing: then pictures stay whole
text_c10/001.Black_footed_Albatross/....txt         ten captions a picture, one a line (or the folder text)
splits.csv, or train|test/filenames.pickle           may be missing: then whole species are held out
```
`train_test_split.txt` divides every species and is not read: text to image holds out whole species.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from limner.data.attributes import read_lines
from limner.data.datasets.files import PictureReader, first_existing
from limner.data.datasets.text import TEXT_FOLDERS, CaptionFiles, missing_captions, splits_of, vocabulary_of
from limner.data.manifest import Layout, Row
from limner.data.schema import LabelSchema
from limner.errors import DataError

FOLDER = "CUB_200_2011"
_REACH = 0.75  # half side of the cut, in longer sides of the box

Box = tuple[float, float, float, float]


def detect(root: Path) -> bool:
    """Whether the folder has this layout."""
    return (root / FOLDER / "images.txt").exists() and first_existing(root, TEXT_FOLDERS) is not None


def read_layout(root: Path, *, schema: LabelSchema | None = None) -> Layout:
    """What is in the folder; `schema` plays no part.

    Raises:
        DataError: if lists or captions are missing or wrong.
    """
    text = first_existing(root, TEXT_FOLDERS)
    if text is None or not (root / FOLDER / "images.txt").exists():
        raise DataError(f"{root} needs {FOLDER}/images.txt and the folder {TEXT_FOLDERS[0]} to be CUB with captions.")
    paths = _table(root / FOLDER / "images.txt", 1)
    boxes_file = root / FOLDER / "bounding_boxes.txt"
    boxes = _boxes(boxes_file) if boxes_file.exists() else {}
    names = {number: Path(cells[0]).stem for number, cells in paths.items()}
    captions = {path.stem: path for path in sorted(text.glob("*/*.txt"))}
    categories = {names[number]: Path(cells[0]).parent.name for number, cells in paths.items()}
    splits, note = splits_of(root, categories, names.values())
    rows, problems = [], missing_captions(names.values(), captions, text)
    for number, (file,) in paths.items():
        name = names[number]
        if not (root / FOLDER / "images" / file).exists():
            problems.append(f"{root / FOLDER / 'images' / file} is missing, but images.txt names it.")
        elif name in captions:
            image = f"{FOLDER}/images/{file}"
            rows.append(Row(name, image, split=splits.get(name, ""), category=categories[name]))
    by_name = {names[number]: box for number, box in boxes.items() if number in names}
    return Layout(
        None,
        tuple(rows),
        BirdReader(root, (boxes_file,) if boxes else (), boxes=by_name),
        fit="crop",
        problems=tuple(problems),
        notes=(note,) if note else (),
        marks=CaptionFiles(captions),
        captions=True,
        vocabulary=vocabulary_of(root),
    )


@dataclass(frozen=True)
class BirdReader(PictureReader):
    """Pictures cut to a square about the bird, as far as the picture goes."""

    boxes: Mapping[str, Box] | None = None
    """Name -> x, y, width, height in pixels."""

    def read_image(self, row: Row) -> npt.NDArray[np.uint8]:
        """(H, W, 3) uint8 RGB."""
        image = super().read_image(row)
        box = (self.boxes or {}).get(row.name)
        return image if box is None else cut_to_box(image, box)


def cut_to_box(image: npt.NDArray[np.uint8], box: Box) -> npt.NDArray[np.uint8]:
    """The part of an image (H, W, 3) within three quarters of the box's longer side of its centre."""
    x, y, width, height = box
    reach = int(_REACH * max(width, height))
    middle_x, middle_y = int(x + width / 2), int(y + height / 2)
    top, left = max(0, middle_y - reach), max(0, middle_x - reach)
    cut = image[top : middle_y + reach, left : middle_x + reach]
    return cut if cut.size else image


def _table(path: Path, num_cells: int) -> dict[str, list[str]]:
    """First cell -> the others, of a file of cells between blanks."""
    table = {}
    for line, text in enumerate(read_lines(path), start=1):
        if text.strip():
            number, *cells = text.split()
            if len(cells) != num_cells:
                raise DataError(f"{path} has {len(cells)} values after the number in line {line}, not {num_cells}.")
            table[number] = cells
    return table


def _boxes(path: Path) -> dict[str, Box]:
    try:
        found = {number: tuple(map(float, cells)) for number, cells in _table(path, 4).items()}
    except ValueError as error:
        raise DataError(f"{path} has a value that is no number: {error}.") from error
    for number, box in found.items():
        if not all(np.isfinite(box)) or min(box[2:]) <= 0:
            raise DataError(f"{path} has a box without a size for the picture {number}.")
    return {number: (box[0], box[1], box[2], box[3]) for number, box in found.items()}
