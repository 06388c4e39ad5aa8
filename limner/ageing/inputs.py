"""Faces as users give them: any photo, cut and turned as the networks know faces, with 68 landmarks.

Landmarks come from the user, from dlib (extra `landmarks`: eyes and mouth, to which the mean face is fitted), or are
those of the mean face, which the user is told.
"""

from __future__ import annotations

import importlib.util
import logging
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
from numpy.typing import NDArray
from PIL import Image

from limner.ageing.presence import check_photo
from limner.data.config import Fit
from limner.errors import ConfigError, DataError, ShapeError
from limner.faces.alignment import Alignment, eyes_and_mouth, turn_landmarks
from limner.faces.landmarks import find_landmarks
from limner.inputs import PhotoInput, read_pixels, square

Align = Literal["auto", "always", "never"]
"""Whether a photo is cut and turned: where its face is not in its place yet, always, or never."""
NEAR = 0.07
"""Eyes and mouth this near to their places, as a share of the side, need no alignment."""
MAX_MISFIT = 0.3
"""How far the 68 points lie from the mean face, in distances between the eyes, root mean square; faces in profile have
up to half of that, points in another order two and more."""
MIN_EYES_PX = 4
"""Distance between the eyes below which nothing of a face is to be seen."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class FacePhoto:
    """A face as the networks take it, and where it came from.

    Attributes:
        name: of the file, or "photo".
        image: (S, S, 3) uint8, the crop.
        landmarks: (68, 2) float32, shares of the crop's side.
        measured: whether the landmarks are this face's own.
        photo: (H, W, 3) uint8, as it was given.
        alignment: where the crop lies in it.
    """

    name: str
    image: NDArray[np.uint8]
    landmarks: NDArray[np.float32]
    measured: bool
    photo: NDArray[np.uint8]
    alignment: Alignment


def read_face_photo(
    photo: PhotoInput,
    *,
    image_size: int,
    mean_shape: npt.NDArray[np.float64],
    landmarks: npt.ArrayLike | None = None,
    align: Align = "auto",
    fit: Fit = "refuse",
    framing: str = "UTKFace",
) -> FacePhoto:
    """A photo of one face, cut as the networks know faces.

    Where neither the caller nor dlib knows its landmarks, a parser of faces looks whether it shows one upright face.

    Args:
        photo: a file, a picture or an array.
        image_size: side of the crop.
        mean_shape: (68, 2) shares of the side: where the training faces have their landmarks.
        landmarks: 68 positions (x, y) in the photo, pixels, iBUG order; none: they are looked for.
        align: whether it is cut and turned.
        fit: how one that is not square and not cut to its face becomes square: refused, cropped or padded.
        framing: data set whose pictures show faces so, for a warning.

    Raises:
        ConfigError: if `align` is unknown.
        DataError: if the photo cannot be used: too small, no face, several, one that is not upright, landmarks outside
            or in another order.
        ShapeError: if the landmarks are no 68 finite points.
    """
    if not isinstance(align, str) or align not in ("auto", "always", "never"):
        raise ConfigError(f'align is "{align}"; it must be auto, always or never.')
    pixels, where = read_pixels(photo)
    if min(pixels.shape[:2]) < image_size // 4:
        raise DataError(
            f"{where} is {pixels.shape[1]}x{pixels.shape[0]}, too small to see a face; its sides must be at least "
            f"{image_size // 4} pixels."
        )
    template = eyes_and_mouth(mean_shape, "The mean shape")
    points, found = None, None
    if landmarks is not None:
        if isinstance(photo, str | Path | Image.Image):
            landmarks = turn_landmarks(landmarks, photo, where)
        points = checked_landmarks(landmarks, pixels.shape[:2], mean_shape, where)
        found = eyes_and_mouth(points, where)
    elif _has_finder():
        found = find_landmarks(pixels, where)
    alignment = _alignment(pixels, found, template, image_size, align, fit, where)
    if found is None:
        _check_unknown(pixels, fit, where, template, image_size)
        # Behind the check: of a photo that is refused one sentence is said.
        _log.warning(
            "%s: its landmarks are not known, so those of the mean face are taken; the face must look forward, stand "
            "upright and fill the square as in %s. Give --landmarks, or install limner[landmarks].",
            where,
            framing,
        )
    if points is None:
        points = _fitted(mean_shape, found, template, alignment, where)
    moved = (points + 0.5) @ alignment.matrix[:, :2].T + alignment.matrix[:, 2]
    return FacePhoto(
        name=Path(photo).stem if isinstance(photo, str | Path) else "photo",
        image=alignment.crop(pixels),
        landmarks=(moved / image_size).astype(np.float32),
        measured=found is not None,
        photo=pixels,
        alignment=alignment,
    )


def _check_unknown(
    pixels: NDArray[np.uint8], fit: Fit, where: str, template: npt.NDArray[np.float64], image_size: int
) -> None:
    """Refuse a photo in which no upright face is seen; of a small one, its size is the likely cause."""
    try:
        check_photo(square(pixels, fit, where), where, template=template)
    except DataError as error:
        if min(pixels.shape[:2]) >= image_size // 2:
            raise
        raise DataError(
            f"{where} is {pixels.shape[1]}x{pixels.shape[0]}, too small for its face to be seen; give a larger photo, "
            "or its landmarks."
        ) from error


def checked_landmarks(
    landmarks: npt.ArrayLike, size: tuple[int, ...], mean_shape: npt.NDArray[np.float64], where: str
) -> npt.NDArray[np.float64]:
    """68 landmarks (68, 2), if they can be those of a face in a picture of that height and width.

    Raises:
        DataError: if they lie outside, on one spot, or in another order.
        ShapeError: if they are no 68 finite points.
    """
    try:
        points = np.asarray(landmarks, dtype=np.float64)
    except (TypeError, ValueError):
        raise ShapeError(f"{where}: the landmarks are no table; they must be 68 points (x, y).") from None
    if points.shape != (68, 2):
        raise ShapeError(f"{where}: the landmarks have shape {points.shape}; they must be 68 points (x, y).")
    eyes_and_mouth(points, where)  # refuses NaN, one spot and mirrored faces
    height, width = size[:2]
    span = np.array([width, height])
    middle = points.mean(axis=0)
    if (middle < 0).any() or (middle >= span).any() or (np.ptp(points, axis=0) > 2 * span).any():
        raise DataError(
            f"{where}: the landmarks lie outside the picture of {width}x{height} pixels; they must be in its pixels."
        )
    left, right, _ = eyes_and_mouth(points, where)
    eyes = float(np.linalg.norm(right - left))
    if eyes < MIN_EYES_PX:
        raise DataError(
            f"{where}: the eyes are {eyes:.1f} pixels apart; landmarks must be in pixels, and the face larger."
        )
    misfit = _misfit(points, mean_shape) / eyes
    if misfit > MAX_MISFIT:
        raise DataError(
            f"{where}: the landmarks have not the shape of a face ({misfit:.2f} distances between the eyes from the "
            "mean one); they must be the 68 of iBUG in their order: jaw, brows, nose, eyes, lips."
        )
    return points


def _misfit(points: npt.NDArray[np.float64], mean_shape: npt.NDArray[np.float64]) -> float:
    """Root mean square distance to the mean shape after turn, size and shift, in pixels."""
    goal = points[:, 0] + 1j * points[:, 1]
    source = mean_shape[:, 0] + 1j * mean_shape[:, 1]
    goal, source = goal - goal.mean(), source - source.mean()
    factor = (source.conj() @ goal) / (source.conj() @ source)
    return float(np.sqrt((np.abs(goal - factor * source) ** 2).mean()))


def _has_finder() -> bool:
    return all(importlib.util.find_spec(name) is not None for name in ("dlib", "face_recognition_models"))


def _alignment(
    pixels: NDArray[np.uint8],
    found: npt.NDArray[np.float64] | None,
    template: npt.NDArray[np.float64],
    image_size: int,
    align: Align,
    fit: Fit,
    where: str,
) -> Alignment:
    height, width = pixels.shape[:2]
    is_square = height == width
    as_it_is = Alignment.of_middle(
        (height, width), min(height, width) if fit == "crop" else max(height, width), image_size
    )
    if found is None:
        if align == "always" or (not is_square and fit == "refuse"):
            reason = "align is always" if align == "always" else f"it is {width}x{height}"
            raise DataError(
                f"{where} must be cut to its face ({reason}), but where that lies is not known: give its landmarks, "
                "make it square (--fit crop or pad, in Python: pipe.fit), or install dlib with: "
                'pip install "limner[landmarks]"'
            )
        return as_it_is
    in_place = is_square and bool(np.abs((found + 0.5) / width - template).max() <= NEAR)
    if align == "never" or (align == "auto" and in_place):
        if not is_square and fit == "refuse":
            raise DataError(
                f"{where} is {width}x{height}, but must be square where align is never: cut it, or say --fit crop or "
                "pad (in Python: pipe.fit)."
            )
        _refuse_tilted(found, where)
        return as_it_is
    return Alignment.of_landmarks(found, image_size, where=where, template=template)


def _refuse_tilted(found: npt.NDArray[np.float64], where: str) -> None:
    left, right, _ = found
    tilt = abs(math.degrees(math.atan2(right[1] - left[1], right[0] - left[0])))
    if tilt > 45:
        raise DataError(
            f"{where} shows a face that does not stand upright (it is turned by {tilt:.0f} degrees); turn it, or "
            "let it be aligned."
        )


def _fitted(
    mean_shape: npt.NDArray[np.float64],
    found: npt.NDArray[np.float64] | None,
    template: npt.NDArray[np.float64],
    alignment: Alignment,
    where: str,
) -> npt.NDArray[np.float64]:
    """The mean face's landmarks in the photo's pixels: brought to the found eyes and mouth, or as in any square."""
    to_face = alignment
    if found is not None:
        to_face = Alignment.of_landmarks(found, 1, where=where, template=template)
    inverse = np.linalg.inv(np.vstack([to_face.matrix, [0.0, 0.0, 1.0]]))
    moved: npt.NDArray[np.float64] = (mean_shape * to_face.image_size) @ inverse[:2, :2].T + inverse[:2, 2] - 0.5
    return moved


def paste_change(face: FacePhoto, aged: NDArray[np.uint8], mask: npt.NDArray[np.floating]) -> NDArray[np.uint8]:
    """The photo with what ageing changed of its crop added to it, so that all finer detail stays.

    Args:
        face: the photo and its crop.
        aged: (S, S, 3), the crop at another age.
        mask: (S, S) in [0, 1], where the change counts; it fades out at the border of the crop.
    """
    size = aged.shape[0]
    ramp = np.clip(np.minimum(np.arange(size) + 0.5, size - 0.5 - np.arange(size)) / max(1.0, 0.06 * size), 0, 1)
    weight = mask * np.minimum(ramp[:, None], ramp)
    change = (aged.astype(np.float32) - face.image) * weight[..., None]
    height, width = face.photo.shape[:2]
    data = tuple(face.alignment.matrix.ravel().tolist())
    channels = [
        Image.fromarray(np.ascontiguousarray(change[..., channel], np.float32)).transform(
            (width, height), Image.Transform.AFFINE, data, resample=Image.Resampling.BILINEAR
        )
        for channel in range(3)
    ]
    whole = face.photo + np.stack([np.asarray(channel) for channel in channels], axis=2)
    return np.asarray(np.clip(np.round(whole), 0, 255), np.uint8)
