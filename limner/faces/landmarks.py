"""Eyes and mouth of the face in any photo, found by dlib (extra `landmarks`).

dlib's model of five points is dedicated to the public domain. Its model of 68 points lies in the same package, but was
trained on pictures that exclude commercial use, so it is not touched.
"""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from limner.errors import DataError, MissingExtraError
from limner.optional import optional

EXTRA = "landmarks"
SIDE = 640  # pixels of the longer side at which faces are looked for; the detector sees those of 80 pixels and more
MOUTH = 1.37
"""Way from the eyes to the mouth, in units of the way to where the nose ends: measured with dlib's points on 160 photos
of CelebAMask-HQ, so that the found mouth fits the template of `alignment`."""

_MODELS = "face_recognition_models"
_FILE = "shape_predictor_5_face_landmarks.dat"


def find_landmarks(photo: npt.NDArray[np.uint8], where: str) -> npt.NDArray[np.float64]:
    """The eye on the image's left, the other eye, and the mouth.

    Args:
        photo: (height, width, 3) RGB.
        where: what it is called in messages.

    Returns:
        (3, 2) positions (x, y) as `Alignment.of_landmarks` takes them.

    Raises:
        DataError: if no face is found, or several.
        MissingExtraError: if dlib or its model is not installed.
    """
    dlib, predict = _load()
    height, width = photo.shape[:2]
    scale = SIDE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    pixels = np.asarray(Image.fromarray(photo).resize(size, Image.Resampling.BICUBIC))
    faces = dlib.get_frontal_face_detector()(pixels, 0)
    if not faces:
        raise DataError(
            f"No face that looks forward and stands upright is found in {where}; turn the photo, cut out the face, or "
            "give its landmarks."
        )
    if len(faces) > 1:
        raise DataError(f"{where} shows {len(faces)} faces; cut out the one to edit, or give its landmarks.")
    # Corners of the eye on the image's right, corners of the other, and where the nose ends.
    points = np.array([(point.x, point.y) for point in predict(pixels, faces[0]).parts()], dtype=np.float64)
    right, left, nose = points[0:2].mean(0), points[2:4].mean(0), points[4]
    middle = (left + right) / 2
    found = np.stack([left, right, middle + MOUTH * (nose - middle)])
    shrink = np.array([width, height]) / size
    moved: npt.NDArray[np.float64] = (found + 0.5) * shrink - 0.5
    return moved


@lru_cache(maxsize=1)
def _load() -> tuple[Any, Any]:
    """dlib, and the function from a picture and a face to five points."""
    dlib = optional("dlib", extra=EXTRA)
    # The package with the models imports one that newer Pythons lack, so only its files are used.
    package = importlib.util.find_spec(_MODELS)
    file = Path(next(iter((package and package.submodule_search_locations) or []), "")) / "models" / _FILE
    if not file.is_file():
        raise MissingExtraError(
            f'This needs the package "{_MODELS}", which is not installed. '
            f'Install it with: pip install "limner[{EXTRA}]"'
        )
    return dlib, dlib.shape_predictor(str(file))
