"""Pinhole cameras, and where they stand to frame a face or a body like the pictures of the real data sets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from limner.people.surface import Floats

if TYPE_CHECKING:
    from limner.people.body import PosedBody
    from limner.people.scene import Camera

CONTENT_WIDTH = 176 / 256
"""Share of the canvas that the pictures of DeepFashion In-shop fill: they are 176 pixels wide on a square of 256."""
BODY_HEIGHT = 0.9
"""Share of the canvas between the crown and the soles."""
BUST_HEIGHT = 2.3
"""Height of a "bust" picture in heads, chin to crown."""


@dataclass(frozen=True, eq=False)
class Pinhole:
    """A camera without lens errors that takes square pictures.

    Attributes:
        origin: (3,) metres.
        axes: (3, 3), the rows are the unit vectors to the picture's right, down and into it.
        focal: focal length in picture widths.
        center: (2,) where the axis meets the picture, in picture widths from the upper left corner.
    """

    origin: Floats
    axes: Floats
    focal: float
    center: Floats

    def project(self, points: Floats, size: int) -> tuple[Floats, Floats]:
        """Where points (N, 3) appear in a picture of `size` pixels.

        Returns:
            (N, 2) x and y in pixels, (0, 0) being the centre of the upper left pixel, and (N,) depth along the axis in
            metres.
        """
        inside = (points - self.origin) @ self.axes.T
        depth = inside[:, 2]
        widths = self.focal * inside[:, :2] / depth[:, None] + self.center
        return (widths * size - 0.5).astype(np.float32), depth.astype(np.float32)

    def framed(self, corner: npt.ArrayLike, across: npt.ArrayLike, side: float) -> Pinhole:
        """The same camera, its picture cut to a turned square.

        Args:
            corner: (2,) upper left corner of the square, in picture widths.
            across: (2,) unit vector along its upper edge.
            side: its side in picture widths.
        """
        turn = np.array([across, (-np.asarray(across)[1], np.asarray(across)[0])])
        axes = np.concatenate([turn @ self.axes[:2], self.axes[2:]])
        center = turn @ (self.center - np.asarray(corner)) / side
        return Pinhole(self.origin, axes.astype(np.float32), self.focal / side, center.astype(np.float32))


def stand_before(target: Floats, *, distance: float, yaw: float, pitch: float) -> Pinhole:
    """A camera that looks at `target` from `distance` metres; `yaw` goes to the subject's left, `pitch` up, radians.

    Its focal length is one picture width, its axis meets the middle of the picture.
    """
    away = np.array([np.sin(yaw) * np.cos(pitch), -np.cos(yaw) * np.cos(pitch), np.sin(pitch)])
    right = np.array([np.cos(yaw), np.sin(yaw), 0.0])
    axes = np.stack([right, -np.cross(away, right), -away])
    origin = np.asarray(target) + distance * away
    return Pinhole(origin.astype(np.float32), axes.astype(np.float32), 1.0, np.full(2, 0.5, np.float32))


def place_camera(camera: Camera, body: PosedBody) -> Pinhole:
    """The camera of a scene before a body."""
    if camera.framing == "body":
        points = np.concatenate([body.part("head").vertices, body.part("body").vertices])
    else:
        points = body.landmarks68
    target = (points.min(axis=0) + points.max(axis=0)) / 2
    pinhole = stand_before(target, distance=camera.distance, yaw=camera.yaw, pitch=camera.pitch)
    flat, _ = pinhole.project(points, 1)
    flat = flat + 0.5
    if camera.framing == "face":
        middle, across, side = face_square(flat)
    elif camera.framing == "bust":
        middle, across, side = bust_square(flat)
    else:
        middle, across, side = body_square(flat)
    turn = np.array([[np.cos(camera.roll), -np.sin(camera.roll)], [np.sin(camera.roll), np.cos(camera.roll)]])
    across, side = turn @ across, side / camera.zoom
    down = np.array([-across[1], across[0]])
    corner = middle - side * ((0.5 + camera.shift_x) * across + (0.5 + camera.shift_y) * down)
    return pinhole.framed(corner, across, side)


def face_square(landmarks: Floats) -> tuple[Floats, Floats, float]:
    """The crop of CelebA-HQ: middle (2,), direction of the upper edge (2,) and side of the square.

    Karras et al., "Progressive growing of GANs", ICLR 2018, arXiv:1710.10196, appendix C, with the middles of the eyes'
    outlines for its eye points.

    Args:
        landmarks: (68, 2) in iBUG order, any unit.
    """
    right_eye, left_eye = landmarks[36:42].mean(axis=0), landmarks[42:48].mean(axis=0)
    between_eyes, mouth = (right_eye + left_eye) / 2, (landmarks[48] + landmarks[54]) / 2
    eyes, height = left_eye - right_eye, between_eyes - mouth
    # A quarter turn of the eyes-to-mouth vector points like the one from eye to eye; their sum is the upper edge.
    across = eyes - np.array([height[1], -height[0]])
    side = max(4.0 * np.linalg.norm(eyes), 3.6 * np.linalg.norm(height))
    return between_eyes - 0.1 * height, across / np.linalg.norm(across), float(side)


def bust_square(landmarks: Floats) -> tuple[Floats, Floats, float]:
    """An upright square of head and chest: middle (2,), direction of the upper edge (2,) and side."""
    brow, chin = landmarks[17:27].mean(axis=0), landmarks[8]
    head = 1.75 * abs(chin[1] - brow[1])  # chin to crown
    side = BUST_HEIGHT * head
    middle = np.array([brow[0], chin[1] - 1.25 * head + side / 2])
    return middle.astype(np.float32), np.array([1.0, 0.0], np.float32), float(side)


def body_square(outline: Floats) -> tuple[Floats, Floats, float]:
    """An upright square with the whole body in the middle columns: middle (2,), direction of the edge (2,) and side."""
    low, high = outline.min(axis=0), outline.max(axis=0)
    width, height = high - low
    side = max(height / BODY_HEIGHT, width / (0.97 * CONTENT_WIDTH))
    return (low + high) / 2, np.array([1.0, 0.0], np.float32), float(side)
