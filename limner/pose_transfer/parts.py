"""The eight parts of a person that ADGAN paints one by one, and SCA-GAN's ablation moves in place of edges."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from limner.data.colors import Colors, get_colors
from limner.data.image_io import noted_schema, read_label_map
from limner.data.manifest import Manifest
from limner.data.schema import SCHEMAS
from limner.errors import DataError, ShapeError
from limner.pose_transfer.inputs import PersonPhoto

SCHEMA = SCHEMAS["body-20"]
PARTS = ("background", "hair", "face", "upper", "pants", "arms", "legs", "skirt")
"""Men et al., CVPR 2020: classes of human parsing, merged; which of body-20 goes where is our reading."""
_MERGED = {
    "background": "background", "hat": "hair", "hair": "hair", "gloves": "arms", "glasses": "face",
    "upper_clothes": "upper", "dress": "upper", "coat": "upper", "socks": "legs", "pants": "pants",
    "torso_skin": "face", "scarf": "upper", "skirt": "skirt", "face": "face", "l_arm": "arms", "r_arm": "arms",
    "l_leg": "legs", "r_leg": "legs", "l_shoe": "legs", "r_shoe": "legs",
}  # fmt: skip
_TABLE = np.array([PARTS.index(_MERGED[name]) for name in SCHEMA.classes], np.uint8)
_GREY = 255 // (len(PARTS) - 1)


def to_parts(label_map: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Ids of body-20, any shape -> numbers of `PARTS`."""
    return _TABLE[label_map]


def part_masks(parts: npt.NDArray[np.uint8] | Tensor) -> Float[Tensor, "b 8 h w"]:
    """Numbers of parts (b, h, w) -> one mask a part."""
    ids = parts.long() if isinstance(parts, Tensor) else torch.from_numpy(parts.astype(np.int64))
    return functional.one_hot(ids, len(PARTS)).permute(0, 3, 1, 2).float()


def as_grey(parts: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Numbers of parts as shades of grey, 0 the background, for patches that are moved joint by joint."""
    return parts * np.uint8(_GREY)


def check_parsing(manifest: Manifest) -> None:
    """Raises: DataError if the label maps of a data set are not of body-20, such as those painted from key points."""
    if manifest.spec.labels != SCHEMA:
        raise DataError(f"{manifest.root} has no body parsing ({SCHEMA.name}), which parts of people are taken from.")


def parts_of(
    person: PersonPhoto, parsing: Any, *, system: str, colors: str | Path | Colors | None = None
) -> npt.NDArray[np.uint8]:
    """Parts (H, W) of a photo from its label map.

    Args:
        person: the photo.
        parsing: file of a map of body-20, or ids (h, w); as large as the photo.
        system: who needs it, for the message.
        colors: how a coloured map is read; see `limner.data.colors.get_colors`.

    Raises:
        DataError: if there is none, or it is not of this photo.
        ShapeError: if an array is no label map.
    """
    if parsing is None:
        raise DataError(
            f"{person.where} comes without a label map of its parts, which {system} needs: give one of {SCHEMA.name} "
            "(--parsing FILE, in Python parsing=)."
        )
    where = str(parsing) if isinstance(parsing, str | Path) else "The label map"
    is_file = isinstance(parsing, str | Path)
    if is_file:
        noted = noted_schema(parsing)
        if noted is not None and noted != SCHEMA:
            raise DataError(f'{where} is a label map of "{noted.name}", as its file says; give one of {SCHEMA.name}.')
        photo = person.source if isinstance(person.source, str | Path) else None
        ids = read_label_map(parsing, SCHEMA, photo=photo, colors=get_colors(colors))
    else:
        ids = np.asarray(parsing)
    if ids.ndim != 2 or ids.dtype != np.uint8 or (ids.size and int(ids.max()) >= SCHEMA.num_classes):
        raise ShapeError(
            f"The label map is {ids.dtype} {ids.shape}; it must be uint8 (height, width) of {SCHEMA.name}."
        )
    if ids.shape != tuple(person.photo_size):
        raise DataError(
            f"{where} is {ids.shape[1]}x{ids.shape[0]}, but the photo {person.photo_size}: give its own map."
        )
    return to_parts(person.cut(ids))
