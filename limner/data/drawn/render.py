"""From parameters to a picture with its label map, attributes and landmarks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from limner.data.drawn.anatomy import Anatomy, build_anatomy
from limner.data.drawn.background import paint_background
from limner.data.drawn.canvas import Canvas, rgb
from limner.data.drawn.face import Palette, paint_ear, paint_eye, paint_head, paint_mouth
from limner.data.drawn.hair import build_hair, paint_hair_back, paint_hair_front
from limner.data.drawn.hats import paint_hat
from limner.data.drawn.parameters import FaceParameters
from limner.data.drawn.wardrobe import (
    Body,
    paint_clothes,
    paint_earrings,
    paint_glasses,
    paint_neck,
    paint_necklace,
)
from limner.errors import ShapeError


@dataclass(frozen=True)
class DrawnFace:
    """One drawn portrait with exact labels.

    Attributes:
        image: uint8, size x size x 3, RGB.
        label_map: uint8, size x size, ids of CelebAMask-HQ's 19 classes; left and right are the subject's.
        attributes: name -> 0 or 1, in the order of `ATTRIBUTES`.
        landmarks: float32, 68 x 2, (x, y) in iBUG order in pixels; (0, 0) is the centre of the upper left pixel.
        name: the face's name in its collection.
    """

    image: npt.NDArray[np.uint8]
    label_map: npt.NDArray[np.uint8]
    attributes: dict[str, int]
    landmarks: npt.NDArray[np.float32]
    name: str


def render(parameters: FaceParameters, size: int = 128, *, name: str = "") -> DrawnFace:
    """Draw the face with these parameters at `size` x `size` pixels; a pure function of its arguments.

    Raises:
        ShapeError: if `size` is not within 16 to 2048.
    """
    check_size(size)
    p = parameters
    canvas = Canvas(size, oversample=4 if size <= 128 else 3 if size <= 320 else 2)
    anatomy, palette = build_anatomy(p), Palette(p)
    body = Body(p, anatomy)
    hair = build_hair(canvas, p, anatomy)
    paint_background(canvas, p)
    paint_hair_back(canvas, hair, p, palette, anatomy)
    paint_neck(canvas, p, palette, anatomy, body)
    paint_clothes(canvas, p, body)
    if p.necklace != "none":
        paint_necklace(canvas, p, body)
    for ear in anatomy.ears:
        paint_ear(canvas, ear, p, palette, anatomy)
    head = paint_head(canvas, p, palette, anatomy)
    for eye in anatomy.eyes:
        paint_eye(canvas, eye, p, palette)
    paint_mouth(canvas, p, palette, anatomy)
    if p.glasses != "none":
        paint_glasses(canvas, p, anatomy)
    paint_hair_front(canvas, hair, p, palette, anatomy, head)
    if p.earrings != "none":
        paint_earrings(canvas, p, anatomy)
    if p.hat != "none":
        paint_hat(canvas, p, anatomy, hair.thickness)
    canvas.image *= rgb((1 + 0.07 * p.warmth, 1.0, 1 - 0.08 * p.warmth))
    return DrawnFace(canvas.finish(), canvas.label_map, p.attributes(), landmarks_in_pixels(anatomy, size), name)


def check_size(size: int) -> None:
    """Refuse a size at which no face can be drawn.

    Raises:
        ShapeError: if `size` is not within 16 to 2048.
    """
    if not 16 <= size <= 2048:
        raise ShapeError(f"A drawn face cannot be {size} pixels wide: the size must lie within 16 to 2048.")


def landmarks_in_pixels(anatomy: Anatomy, size: int) -> npt.NDArray[np.float32]:
    """The 68 landmarks as `DrawnFace` has them."""
    return anatomy.landmarks * np.float32(size) - np.float32(0.5)


def draw_face(seed: int, index: int, *, size: int = 128) -> DrawnFace:
    """Face `index` of the collection `seed`: a pure function of its arguments, the same person at every size."""
    return render(FaceParameters.sample(seed, index), size, name=str(index))
