"""A collection of drawn faces on disk, in the layout of CelebAMask-HQ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from limner.data.collection import Files, Progress, Record, write_collection
from limner.data.drawn.parameters import ATTRIBUTES
from limner.data.drawn.render import check_size, draw_face
from limner.data.face_files import attribute_table, face_files, landmark_table
from limner.data.manifest import hash_split
from limner.errors import ConfigError


def write_drawn_faces(
    out: str | Path,
    *,
    num: int,
    size: int = 128,
    seed: int = 0,
    start: int = 0,
    image_format: Literal["png", "jpg"] = "png",
    part_masks: bool = False,
    progress: Progress | None = None,
    workers: int = 1,
) -> list[Record]:
    """Write faces `start` to `start + num - 1` of the collection `seed`.

    Faces that are there are skipped; see `limner.data.collection.write_collection`.

    ```
    CelebA-HQ-img/{i}.png               pictures
    CelebAMaskHQ-mask/{i}.png           palette pictures whose values are class ids
    CelebAMask-HQ-mask-anno/{i//2000}/{i:05d}_{part}.png   0/255, with `part_masks`
    CelebAMask-HQ-attribute-anno.txt    1 / -1
    splits.csv                          train, val, test: 80 / 10 / 10 % by a hash of the name
    landmarks68.csv                     name, x0, y0 ... x67, y67 in pixels
    drawn.json                          the arguments
    records.jsonl                       what is finished
    ```

    Args:
        out: folder, made if missing.
        num: number of faces, at least 1.
        size: width and height in pixels, 16 to 2048.
        seed: of the collection, at least 0.
        start: index of the first face, at least 0.
        image_format: of the pictures; the label maps are always PNG.
        part_masks: also write one mask file a part, as the original data set has them.
        progress: wraps the faces as they are finished, as `tqdm` does.
        workers: number of processes; more than one needs an importable main module.

    Returns:
        The records of all faces.

    Raises:
        ConfigError: if an argument is out of range or the folder holds a collection made with other ones.
        DataError: if a file cannot be written.
    """
    check_size(size)
    for name, value, low in (("num", num, 1), ("seed", seed, 0), ("start", start, 0)):
        if value < low:
            raise ConfigError(f"{name} is {value}, but must be at least {low}.")
    if image_format not in ("png", "jpg"):
        raise ConfigError(f'image_format is "{image_format}", but must be png or jpg.')
    maker = DrawnFaces(seed, start, size, image_format, part_masks)
    return write_collection(Path(out), maker, range(start, start + num), workers=workers, progress=progress)


@dataclass(frozen=True)
class DrawnFaces:
    """A `limner.data.collection.Maker`."""

    noun: ClassVar[str] = "drawn faces"
    settings_file: ClassVar[str] = "drawn.json"

    seed: int
    start: int
    size: int
    image_format: str
    part_masks: bool

    def settings(self) -> dict[str, Any]:
        """The fields."""
        return asdict(self)

    def make(self, index: int) -> tuple[Files, Record]:
        """Draw one face."""
        face = draw_face(self.seed, index, size=self.size)
        files = face_files(index, face.image, face.label_map, suffix=self.image_format, part_masks=self.part_masks)
        landmarks = np.round(face.landmarks.astype(np.float64), 3)
        return files, {"attributes": face.attributes, "landmarks": landmarks.ravel().tolist()}

    def tables(self, records: Sequence[Record]) -> dict[str, str]:
        """Attributes, splits and landmarks."""
        indices = [record["index"] for record in records]
        splits = [f"{index},{hash_split(str(index), seed=self.seed, val_share=0.1)}" for index in indices]
        return {
            "CelebAMask-HQ-attribute-anno.txt": attribute_table(
                ATTRIBUTES, [(f"{record['index']}.{self.image_format}", record["attributes"]) for record in records]
            ),
            "landmarks68.csv": landmark_table([(str(record["index"]), record["landmarks"]) for record in records]),
            "splits.csv": "\n".join(["name,split", *splits]) + "\n",
        }
