"""The files of faces made by code, as CelebAMask-HQ has them: `limner.data.datasets.celebamask_hq` reads them."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from limner.data.collection import Files
from limner.data.datasets.celebamask_hq import IMAGES, MERGED, PARTS, SCHEMA
from limner.data.image_io import save_label_map
from limner.data.schema import LabelSchema

UInt8Array = npt.NDArray[np.uint8]


def encode_picture(pixels: UInt8Array, suffix: str) -> bytes:
    """(H, W, 3) RGB or (H, W) grey uint8 as the content of a "png" or "jpg" file.

    Encoded in memory: Pillow, writing a JPEG to a disk that fills up, cuts it off and raises nothing.
    """
    content = io.BytesIO()
    if suffix == "png":
        Image.fromarray(pixels).save(content, "PNG", compress_level=6)
    else:
        Image.fromarray(pixels).save(content, "JPEG", quality=95, subsampling=0)
    return content.getvalue()


def encode_label_map(label_map: UInt8Array, schema: LabelSchema) -> bytes:
    """Ids (H, W) as the content of a palette PNG."""
    content = io.BytesIO()
    save_label_map(content, label_map, schema)
    return content.getvalue()


def face_files(index: int, image: UInt8Array, label_map: UInt8Array, *, suffix: str, part_masks: bool) -> Files:
    """The part masks if wanted, the label map, and last the picture.

    Args:
        index: number of the face, its name.
        image: (S, S, 3) uint8 RGB.
        label_map: (S, S) ids of celebamask-19.
        suffix: of the picture, "png" or "jpg".
        part_masks: also one 0/255 file per part that is there, as the original data set has them.
    """
    files: Files = {}
    for class_id in np.unique(label_map).tolist() if part_masks else ():
        if class_id:
            mask = ((label_map == class_id) * 255).astype(np.uint8)
            files[f"{PARTS}/{index // 2000}/{index:05d}_{SCHEMA.classes[class_id]}.png"] = encode_picture(mask, "png")
    files[f"{MERGED[0]}/{index}.png"] = encode_label_map(label_map, SCHEMA)
    files[f"{IMAGES}/{index}.{suffix}"] = encode_picture(image, suffix)
    return files


def attribute_table(names: Sequence[str], rows: Iterable[tuple[str, Mapping[str, object]]]) -> str:
    """CelebA's form: the number of rows, the names, then a file name and 1 or -1 per name.

    Args:
        names: of the columns.
        rows: file name, attributes; a name that is missing or false becomes -1.
    """
    lines = [f"{file} {' '.join('1' if values.get(name) else '-1' for name in names)}" for file, values in rows]
    return "\n".join([str(len(lines)), " ".join(names), *lines]) + "\n"


def landmark_table(rows: Iterable[tuple[str, Sequence[float]]]) -> str:
    """CSV that `limner.data.landmarks.read_landmarks` reads: a name, then x0, y0 ... x67, y67 in pixels."""
    header = "name," + ",".join(f"{axis}{index}" for index in range(68) for axis in "xy")
    return "\n".join([header, *(f"{name},{','.join(f'{value:.3f}' for value in xy)}" for name, xy in rows)]) + "\n"
