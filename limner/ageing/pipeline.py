"""What the pipelines of all ageing systems share: reading faces, and drawing plans of ages."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from limner.ageing.data import face_mask
from limner.ageing.inputs import Align, FacePhoto, paste_change, read_face_photo
from limner.ageing.plans import MIDDLES, AgeInput, ages_in_direction, check_direction
from limner.ageing.shapes import AgeShapes
from limner.errors import ConfigError, DataError, counted
from limner.inputs import PhotoInput
from limner.pipelines import Pipeline

LandmarksInput = npt.ArrayLike | Sequence[npt.ArrayLike | None]
"""Landmarks of one photo, (68, 2) pixels; or of several, None where they are not known."""


def shapes_of(pipeline: Pipeline) -> AgeShapes:
    """Its mean shapes."""
    shapes = pipeline.components["shapes"]
    assert isinstance(shapes, AgeShapes)  # by `network_classes`
    return shapes


def middles_of(pipeline: Pipeline) -> tuple[float, ...]:
    """The age that each group stands for: the mean of the training pictures, or the middle where there were none."""
    shapes = shapes_of(pipeline)
    number, years = shapes.number.tolist(), shapes.years.tolist()
    middles = [float(found) if count else middle for found, count, middle in zip(years, number, MIDDLES, strict=True)]
    return tuple(middles) if all(a < b for a, b in pairwise(middles)) else MIDDLES


def read_faces(
    pipeline: Pipeline,
    photo: PhotoInput | Sequence[PhotoInput],
    *,
    landmarks: Any = None,
    align: Align = "auto",
) -> list[FacePhoto]:
    """One or several photos, each cut as the networks know faces; see `read_face_photo`.

    Args:
        pipeline: whose sizes and mean shape they are brought to.
        photo: one or a list.
        landmarks: of one photo (68, 2), or a list with one entry a photo.
        align: whether photos are cut and turned.

    Raises:
        ConfigError: if there are none, or not as many landmarks as photos.
        DataError, ShapeError: if one cannot be used.
    """
    several = isinstance(photo, list | tuple)
    photos: list[Any] = list(photo) if isinstance(photo, list | tuple) else [photo]
    if not photos:
        raise ConfigError("At least one photo is needed.")
    if len(photos) == 1 and isinstance(landmarks, np.ndarray) and landmarks.ndim == 2:
        several = False  # the points of the one photo in the list
    marks: list[Any] = [None] * len(photos) if landmarks is None else list(landmarks) if several else [landmarks]
    if len(marks) != len(photos):
        found, wanted = counted(len(marks), "face"), counted(len(photos), "photo")
        raise ConfigError(f"There are landmarks for {found}, but {wanted}; give None where unknown.")
    mean = shapes_of(pipeline).mean_shape().double().cpu().numpy()
    return [
        read_face_photo(
            one, image_size=pipeline.image_size, mean_shape=mean, landmarks=points, align=align, fit=pipeline.fit
        )
        for one, points in zip(photos, marks, strict=True)
    ]


def paste_back(face: FacePhoto, aged: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The whole photo with the face at another age: what changed within the head's outline is added to it."""
    mask = face_mask(torch.from_numpy(face.landmarks)[None], aged.shape[0])[0].float()
    soft = nn.functional.avg_pool2d(mask[None, None], 5, stride=1, padding=2)[0, 0]
    return paste_change(face, aged, soft.numpy())


def source_age_of(path: str | Path) -> float | None:
    """The age that a file's name says as in UTKFace; None where it says none."""
    first, underscore, _ = Path(path).name.partition("_")
    return float(first) if underscore and first.isdecimal() and int(first) <= 116 else None


def ages_from(pipeline: Pipeline, photo: Any, from_age: AgeInput | None, direction: str) -> list[str]:
    """The groups that are older, or younger, than the face in a photo, the nearest first.

    Args:
        pipeline: of an ageing system.
        photo: as the user gave it.
        from_age: its age; none: what the file's name says, as in UTKFace.
        direction: "older" or "younger".

    Raises:
        ConfigError: if the direction is unknown, the age is not known, or nobody is older or younger.
        DataError: if that is so because of the name of the photo's file.
    """
    if direction not in ("older", "younger"):
        raise ConfigError(f'direction is "{direction}"; it must be older or younger.')
    age = known_age(photo, from_age)
    try:
        group = check_direction(direction, age, middles_of(pipeline))
    except ConfigError as error:
        if from_age is not None or not isinstance(photo, str | Path):
            raise
        raise DataError(f"{photo} cannot be made {direction}: {error}") from error
    return ages_in_direction(direction, group)


def known_age(photo: Any, from_age: AgeInput | None) -> AgeInput:
    """The age of a source: what the user says, or the name of its file.

    Raises:
        ConfigError: if a picture without a name has none.
        DataError: if the file's name says none.
    """
    if from_age is not None:
        return from_age
    if not isinstance(photo, str | Path):
        raise ConfigError("The age in the photo is not known: give from_age=, in years or as a group.")
    found = source_age_of(photo)
    if found is None:  # of this file alone: the others of its folder may say theirs
        raise DataError(
            f"{photo} does not say an age in its name, as 34_photo.jpg does: rename it, or give --from-age "
            "(from_age=), in years or as a group."
        )
    return found


def heat(image: Tensor, mask: Tensor) -> Tensor:
    """A mask (b, 1, h, w) in [0, 1] over the grey picture: red where it is open, blue where it is closed."""
    mask = nn.functional.interpolate(mask.float(), size=image.shape[-2:], mode="bilinear").clamp(0, 1)
    grey = 0.35 * image.mean(1, keepdim=True)
    color = torch.cat([2 * mask - 1, torch.full_like(mask, -0.6), 1 - 2 * mask], dim=1)
    return (grey + 0.65 * color).clamp(-1, 1)
