"""From a photo of any size to the crop that the networks know, and back."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from limner.arguments import as_array
from limner.data.image_io import turn_points_with_photo
from limner.data.point_schema import FAR_PX
from limner.data.transforms import zoom_box
from limner.errors import DataError, ShapeError

FloatArray = npt.NDArray[np.float64]
UInt8Array = npt.NDArray[np.uint8]

TEMPLATE = np.array([(97.0, 122.0), (159.0, 122.0), (128.0, 190.0)]) / 256
"""Middles (x, y) of the image's left eye, its right eye and the mouth in a crop of CelebAMask-HQ, as shares of its
side; measured on its label maps."""
_FINE = 2**20  # side of a picture in which the box of a zoom is exact
EDGE = 0.06  # share of the side over which a pasted face fades out at the border of its crop
REACH = 0.03  # how far beyond the face the photo is replaced, as a share of the side
MAX_SHRINK = 2.0  # a photo is averaged down before it is sampled at steps of more pixels than this


_GROUPS: dict[int, tuple[list[int], list[int], list[int]]] = {
    68: (list(range(36, 42)), list(range(42, 48)), [48, 54]),
    5: ([0], [1], [3, 4]),
    3: ([0], [1], [2]),
}
"""Number of points -> those of the eye on the image's left, of the other eye, of the mouth."""


@dataclass(frozen=True)
class Alignment:
    """Where a crop lies in a photo.

    Attributes:
        matrix: (2, 3); takes positions (x, y) in the photo to positions in the crop, both in pixels, with (0, 0) at
            the corner of the first pixel.
        image_size: side of the crop in pixels.
    """

    matrix: FloatArray
    image_size: int

    @classmethod
    def of_square(cls, side: int, image_size: int) -> Alignment:
        """The whole of a square photo."""
        scale = image_size / side
        return cls(np.array([[scale, 0.0, 0.0], [0.0, scale, 0.0]]), image_size)

    def zoomed(self, zoom: float) -> Alignment:
        """The crop of a network whose data were seen `zoom` times as large; see `limner.data.config.DataConfig`."""
        if zoom == 1:
            return self
        top, left, side, _ = zoom_box(_FINE, _FINE, zoom)
        matrix = self.matrix.copy()
        matrix[:, 2] -= np.array([left, top]) * self.image_size / _FINE
        return Alignment(matrix * (_FINE / side), self.image_size)

    @classmethod
    def of_middle(cls, size: tuple[int, int], side: int, image_size: int) -> Alignment:
        """The square of a side about the middle of a photo (height, width); it may reach beyond the photo."""
        height, width = size
        scale = image_size / side
        left, top = (width - side) // 2, (height - side) // 2
        return cls(np.array([[scale, 0.0, -scale * left], [0.0, scale, -scale * top]]), image_size)

    @classmethod
    def of_landmarks(
        cls,
        landmarks: npt.ArrayLike,
        image_size: int,
        *,
        where: str = "The photo",
        template: FloatArray = TEMPLATE,
    ) -> Alignment:
        """Turn, size and place that bring eyes and mouth to where a data set has them, by least squares.

        Args:
            landmarks: 68 in iBUG's order, or five (eye, eye, nose, one corner of the mouth, the other), or three (eye,
                eye, mouth): positions (x, y) in the photo, (0, 0) at the middle of the first pixel; the eye on the
                image's left comes first.
            image_size: side of the crop.
            where: for the message.
            template: (3, 2) middles of the eye on the image's left, of the other eye and of the mouth in a crop, as
                shares of its side; those of CelebAMask-HQ unless others are given.

        Raises:
            ShapeError: if there is another number of points, or one is not finite.
            DataError: if they lie on one spot, or are mirrored, so that the eye on the image's right comes first.
        """
        source, goal = eyes_and_mouth(landmarks, where) + 0.5, template * image_size
        # x' = a x - b y + c, y' = b x + a y + d: linear in a, b, c, d.
        rows = [row for x, y in source for row in ((x, -y, 1.0, 0.0), (y, x, 0.0, 1.0))]
        (a, b, c, d), _, rank, _ = np.linalg.lstsq(np.array(rows), goal.ravel(), rcond=None)
        if rank < 4 or math.hypot(a, b) < 1e-6:
            raise DataError(f"{where}: the landmarks lie on one spot; give those of the face.")
        return cls(np.array([[a, -b, c], [b, a, d]]), image_size)

    def crop(self, photo: UInt8Array) -> UInt8Array:
        """The crop (image_size, image_size, 3) of a photo (height, width, 3); what lies outside repeats its edge."""
        matrix = self.matrix
        shrink = 1 / math.hypot(matrix[0, 0], matrix[1, 0])
        picture = Image.fromarray(photo)
        if shrink > MAX_SHRINK:
            factor = int(shrink)
            picture = picture.reduce(factor)
            matrix = matrix * np.array([factor, factor, 1.0])
        inverse = _inverse(matrix)
        margin = _margin(inverse, picture.size, self.image_size)
        padded = Image.fromarray(np.pad(np.asarray(picture), ((margin, margin), (margin, margin), (0, 0)), mode="edge"))
        inverse[:, 2] += margin
        size = (self.image_size, self.image_size)
        data = tuple(inverse.ravel().tolist())
        return np.asarray(padded.transform(size, Image.Transform.AFFINE, data, resample=Image.Resampling.BICUBIC))

    def paste(self, photo: UInt8Array, crop: UInt8Array, face: npt.NDArray[np.bool_]) -> UInt8Array:
        """The photo with a crop put back where the face was or is.

        Args:
            photo: (height, width, 3), the one that was cropped.
            crop: (image_size, image_size, 3).
            face: (image_size, image_size), what the crop shows of the face and of what it replaces.
        """
        picture = Image.fromarray(photo)
        left, top, right, bottom = self._box(picture.size)
        # Only the crop's box is sampled, and blended in whole numbers: a photo may be a hundred times as large.
        if left < right and top < bottom:
            matrix = self.matrix.copy()
            matrix[:, 2] += matrix[:, :2] @ (left, top)
            data = tuple(matrix.ravel().tolist())

            def enlarge(pixels: UInt8Array) -> Image.Image:
                size = (right - left, bottom - top)
                small = Image.fromarray(pixels)
                return small.transform(size, Image.Transform.AFFINE, data, resample=Image.Resampling.BICUBIC)

            picture.paste(enlarge(crop), (left, top), enlarge(_soft_mask(face)))
        return np.asarray(picture)

    def _box(self, size: tuple[int, int]) -> tuple[int, int, int, int]:
        """Left, top, right and bottom of the pixels of a photo (width, height) that the crop shows."""
        places = _corners(self.image_size) @ _inverse(self.matrix).T
        left, top = np.clip(np.floor(places.min(0)), 0, size).astype(int).tolist()
        right, bottom = np.clip(np.ceil(places.max(0)), 0, size).astype(int).tolist()
        return left, top, right, bottom


def eyes_and_mouth(landmarks: npt.ArrayLike, where: str) -> FloatArray:
    """Middles (3, 2) of the eye on the image's left, of the other eye and of the mouth.

    Raises:
        ShapeError, DataError: as `Alignment.of_landmarks`.
    """
    try:
        points = as_array(landmarks, f"{where}: the table of landmarks", np.float64)
    except (TypeError, ValueError):
        raise ShapeError(f"{where}: the landmarks are no table; they must be 68, 5 or 3 points (x, y).") from None
    if points.ndim != 2 or points.shape[1] != 2 or len(points) not in _GROUPS:
        raise ShapeError(f"{where}: the landmarks have shape {points.shape}; they must be 68, 5 or 3 points (x, y).")
    if not (np.abs(points) < FAR_PX).all():
        raise ShapeError(
            f"{where}: the landmarks hold NaN, infinite or enormous values; they must be positions in pixels."
        )
    left, right, mouth = (points[group].mean(0) for group in _GROUPS[len(points)])
    if left[0] == right[0] and left[1] == right[1]:
        raise DataError(f"{where}: the landmarks lie on one spot; give those of the face.")
    # The mouth must lie below the eyes as one looks from the left one to the right one, or the face is mirrored.
    across, down = right - left, mouth - (left + right) / 2
    if across[0] * down[1] - across[1] * down[0] <= 0:
        raise DataError(f"{where}: the landmarks are not of a face: the eye on the image's left comes first.")
    return np.stack([left, right, mouth])


def turn_landmarks(landmarks: npt.ArrayLike, photo: str | Path | Image.Image, where: str) -> npt.ArrayLike:
    """Landmarks turned as their photo is by its EXIF orientation, where they are of the pixels as they are stored.

    Raises:
        DataError: if nothing says which they are of.
    """
    try:
        points = as_array(landmarks, f"{where}: the table of landmarks", np.float64)
    except (TypeError, ValueError):
        return landmarks  # refused by who checks them
    if points.ndim != 2 or points.shape[1:] != (2,):
        return landmarks
    return turn_points_with_photo(points, photo, uprightness=uprightness, where=f"The landmarks of {where}")


def uprightness(landmarks: FloatArray) -> float:
    """How upright 68, 5 or 3 points of a face stand: 1 upright, -1 upside down, 0 lying or mirrored; NaN for others."""
    if len(landmarks) not in _GROUPS or not np.isfinite(landmarks).all():
        return math.nan
    left, right, mouth = (landmarks[group].mean(0) for group in _GROUPS[len(landmarks)])
    across, down = right - left, mouth - (left + right) / 2
    return float(across[0] / max(math.hypot(*across), 1e-9) + down[1] / max(math.hypot(*down), 1e-9)) / 2


def _inverse(matrix: FloatArray) -> FloatArray:
    whole = np.linalg.inv(np.vstack([matrix, [0.0, 0.0, 1.0]]))
    return whole[:2].copy()


def _corners(side: int) -> FloatArray:
    """The corners (x, y, 1) of a square."""
    return np.array([[0, 0, 1], [side, 0, 1], [0, side, 1], [side, side, 1]], dtype=float)


def _margin(inverse: FloatArray, size: tuple[int, int], image_size: int) -> int:
    """How many pixels of padding the crop's corners need, at most one side of the picture."""
    places = _corners(image_size) @ inverse.T
    outside = max(float(-places.min()), float((places - np.array(size)).max()), 0.0)
    return min(math.ceil(outside) + 2, max(size))


def _soft_mask(face: npt.NDArray[np.bool_]) -> UInt8Array:
    """255 on the face and a little beyond, falling to 0, and 0 at the border of the crop."""
    size = face.shape[0]
    reach = max(1, round(REACH * size))
    mask = Image.fromarray((face * 255).astype(np.uint8)).filter(ImageFilter.MaxFilter(2 * reach + 1))
    mask = mask.filter(ImageFilter.GaussianBlur(reach / 2))
    places = np.arange(size)
    from_border = np.minimum(places, size - 1 - places)
    ramp = np.clip(from_border / max(1.0, EDGE * size), 0, 1)
    faded: UInt8Array = (np.asarray(mask) * np.minimum(ramp[:, None], ramp)).astype(np.uint8)
    return faded
