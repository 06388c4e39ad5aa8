"""Where everything lies in a drawn face: outlines and the 68 landmarks, from the parameters alone.

The head is a flattened ellipsoid seen from the front. `Head.surface` turns points on it (eyes, nose, mouth, hairline)
with the pose; `Head.silhouette` places outlines, which slide a little instead of turning. Head coordinates have their
origin between the eyes and the nose, x to the picture's right, y down, in fractions of the picture at scale 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from limner.data.drawn.canvas import Array, spline
from limner.data.drawn.parameters import MOUTH_OPEN, FaceParameters

# Right half of the head's outline, from the crown to the chin: x, y, depth. The depth is what the outline slides by.
_OUTLINE = np.array(
    [
        (0.0, -0.298, -0.05),
        (0.085, -0.285, -0.05),
        (0.152, -0.236, -0.05),
        (0.191, -0.152, -0.04),
        (0.204, -0.055, -0.03),
        (0.199, 0.030, -0.02),
        (0.185, 0.100, 0.0),
        (0.157, 0.166, 0.03),
        (0.109, 0.224, 0.07),
        (0.055, 0.257, 0.10),
        (0.0, 0.266, 0.11),
    ],
    np.float32,
)
_EAR_LEVEL = 4  # the outline point where the jaw landmarks begin
CROWN_DEPTH = -0.05


class Head:
    """Pose of the head: from head coordinates to the picture and back."""

    def __init__(self, p: FaceParameters) -> None:
        self._parameters = p
        self._sin_yaw, self._cos_yaw = np.sin(p.yaw), np.cos(p.yaw)
        self._sin_pitch = np.sin(p.pitch)
        cos, sin = np.cos(p.roll), np.sin(p.roll)
        self._turn = np.array([[cos, sin], [-sin, cos]], np.float32)  # for row vectors
        self._center = np.array([p.center_x, p.center_y], np.float32)
        self.half_width = 0.204 * p.face_width

    def surface(self, points: npt.ArrayLike, lift: npt.ArrayLike = 0.0) -> Array:
        """Points (n x 2) on the front of the head, raised by `lift`, turned with the pose -> picture, n x 2."""
        x, y = np.asarray(points, np.float32).T
        round_head = np.maximum(0.0, 1 - (x / (1.1 * self.half_width)) ** 2 - (y / 0.36) ** 2)
        depth = 0.16 * np.sqrt(round_head) + np.asarray(lift, np.float32)
        turned_x = x * self._cos_yaw + depth * self._sin_yaw
        turned_y = y + (depth - 0.08) * self._sin_pitch
        return self._place(turned_x, turned_y)

    def silhouette(self, points: npt.ArrayLike, depth: npt.ArrayLike = CROWN_DEPTH) -> Array:
        """Outline points (n x 2) that slide by `depth` with the pose -> picture, n x 2."""
        x, y = np.asarray(points, np.float32).T
        depth = np.asarray(depth, np.float32)
        return self._place(x + depth * self._sin_yaw, y + depth * self._sin_pitch * 0.5)

    def local(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Head coordinates of picture positions, for shading outlines: the inverse of `silhouette` at CROWN_DEPTH."""
        p = self._parameters
        dx, dy = (x - self._center[0]) / np.float32(p.scale), (y - self._center[1]) / np.float32(p.scale)
        cos, sin = self._turn[0]
        local_x = cos * dx + sin * dy - np.float32(CROWN_DEPTH * self._sin_yaw)
        local_y = cos * dy - sin * dx - np.float32(CROWN_DEPTH * self._sin_pitch * 0.5)
        return local_x, local_y

    def _place(self, x: Array, y: Array) -> Array:
        placed = np.stack([x, y], -1) @ self._turn
        return (self._center + np.float32(self._parameters.scale) * placed).astype(np.float32)


@dataclass(frozen=True)
class Eye:
    """One eye; `side` is +1 on the picture's right, which is the subject's left eye. Curves run from nose to temple."""

    side: int
    upper: Array
    lower: Array
    center: Array
    iris: Array  # its centre
    iris_radius: float
    crease: Array
    brow_upper: Array
    brow_lower: Array

    @property
    def opening(self) -> Array:
        return np.concatenate([self.upper, self.lower[::-1]])

    @property
    def brow(self) -> Array:
        return np.concatenate([self.brow_upper, self.brow_lower[::-1]])


@dataclass(frozen=True)
class Mouth:
    """Curves from the picture's left to its right; the inner ones coincide when the mouth is closed."""

    outer_upper: Array
    inner_upper: Array
    inner_lower: Array
    outer_lower: Array

    @property
    def upper_lip(self) -> Array:
        return np.concatenate([self.outer_upper, self.inner_upper[::-1]])

    @property
    def lower_lip(self) -> Array:
        return np.concatenate([self.outer_lower, self.inner_lower[::-1]])

    @property
    def inside(self) -> Array:
        return np.concatenate([self.inner_upper, self.inner_lower[::-1]])


@dataclass(frozen=True)
class Ear:
    """One ear, `side` as for the eyes; `lobe` is where an earring hangs."""

    side: int
    outline: Array
    inner: Array
    lobe: Array
    visible: bool


@dataclass(frozen=True)
class Anatomy:
    """All outlines of one face, in fractions of the picture; `landmarks` is 68 x 2 in iBUG order."""

    head: Head
    outline: Array
    jaw: Array  # the lower part of the outline, from the picture's left ear to its right ear
    ears: tuple[Ear, Ear]
    eyes: tuple[Eye, Eye]  # the picture's left one first
    nose: Array
    nose_wings: tuple[Array, Array]
    nostrils: Array  # 2 x 2
    nose_tip: Array
    mouth: Mouth
    landmarks: Array


def build_anatomy(p: FaceParameters) -> Anatomy:
    """The outlines and landmarks of the face with parameters `p`."""
    head = Head(p)
    outline, jaw = _head_outline(head, p)
    left, left_marks, left_brow = _eye(head, p, -1)
    right, right_marks, right_brow = _eye(head, p, 1)
    mouth, mouth_marks = _mouth(head, p)
    width, length = 0.037 * p.nose_width, 0.093 * p.nose_length
    bridge = head.surface([(0, -0.035), (0, 0.0), (0, 0.035), (0, length - 0.022)], (0.01, 0.025, 0.045, 0.07))
    base_x = np.array([-1.0, -0.5, 0.0, 0.5, 1.0]) * width
    base_y = length + np.array([-0.006, 0.003, 0.008, 0.003, -0.006])
    base = head.surface(np.stack([base_x, base_y], -1), (0.02, 0.035, 0.045, 0.035, 0.02))
    half = [
        (0.016, -0.03),
        (0.015, 0.005),
        (0.021, 0.042),
        (width * 0.95, length - 0.036),
        (width * 1.12, length - 0.012),
    ]
    lifts = [0.01, 0.02, 0.03, 0.022, 0.018]
    side = np.array([*half, (width * 0.62, length + 0.004)])
    lift = np.array([*lifts, 0.035])
    nose = head.surface(
        np.concatenate([side, [(0, length + 0.009)], side[::-1] * (-1, 1)]), np.concatenate([lift, [0.045], lift[::-1]])
    )
    wing = np.array([(width * 0.8, length - 0.036), (width * 1.1, length - 0.02), (width * 1.0, length - 0.003)])
    marks = [_along(jaw, 17), left_brow[::-1], right_brow, bridge, base, left_marks, right_marks, mouth_marks]
    return Anatomy(
        head=head,
        outline=outline,
        jaw=jaw,
        ears=(_ear(head, p, -1), _ear(head, p, 1)),
        eyes=(left, right),
        nose=spline(nose, closed=True, steps=5),
        nose_wings=(spline(head.surface(wing * (-1, 1), 0.02)), spline(head.surface(wing, 0.02))),
        nostrils=head.surface([(-0.5 * width, length - 0.001), (0.5 * width, length - 0.001)], 0.035),
        nose_tip=head.surface([(0.0, length - 0.02)], 0.065)[0],
        mouth=mouth,
        landmarks=np.concatenate(marks).astype(np.float32),
    )


def _head_outline(head: Head, p: FaceParameters) -> tuple[Array, Array]:
    half = _OUTLINE.copy()
    below = np.clip((half[:, 1] - 0.02) / 0.15, 0, 1)
    half[:, 0] *= p.face_width * (1 + (p.jaw_width - 1) * below)
    half[:, 1] += (p.chin_length + 0.012 * p.mouth_open) * np.clip((half[:, 1] - 0.08) / 0.18, 0, 1)
    points = np.concatenate([half, half[-2:0:-1] * np.array([-1, 1, 1], np.float32)])
    steps = 6
    curve = spline(head.silhouette(points[:, :2], points[:, 2]), closed=True, steps=steps)
    jaw = curve[_EAR_LEVEL * steps : (len(points) - _EAR_LEVEL) * steps + 1]
    return curve, jaw[::-1]


def _along(curve: Array, count: int) -> Array:
    """`count` points at equal arc lengths on a polyline, its ends included."""
    lengths = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(curve, axis=0), axis=1))])
    wanted = np.linspace(0, lengths[-1], count)
    return np.stack([np.interp(wanted, lengths, curve[:, i]) for i in range(2)], -1).astype(np.float32)


def _eye(head: Head, p: FaceParameters, side: int) -> tuple[Eye, Array, Array]:
    """The eye, its six landmarks in iBUG order and its brow's five from the nose outwards."""
    center_x, center_y = 0.098 * p.eye_spacing * p.face_width, -0.028
    half_width = 0.048 * p.eye_size
    half_height = 0.030 * p.eye_size * p.eye_open * (1 - 0.22 * max(0.0, p.smile))

    def lid(t: npt.NDArray[np.float64], height: float, skew: float, power: float) -> Array:
        y = center_y - height * (1 - t**2) ** power * (1 + skew * t) - p.eye_tilt * half_width * t
        return np.stack([side * (center_x + half_width * t), y], -1).astype(np.float32)

    t = np.linspace(-1, 1, 17)
    upper, lower = head.surface(lid(t, half_height, 0.15, 0.62)), head.surface(lid(t, -0.72 * half_height, 0.1, 0.72))
    crease = head.surface(lid(np.linspace(-0.9, 1.05, 11).clip(-1, 1), half_height * 1.35 + 0.006, 0.15, 0.5))
    pair = np.array([-0.4, 0.4])
    high = head.surface(lid(pair, half_height, 0.15, 0.62))
    low = head.surface(lid(pair, -0.72 * half_height, 0.1, 0.72))
    corners = upper[[0, -1]]
    if side < 0:  # from the temple: outer corner, lid outwards to inwards, inner corner, lower lid back
        marks = np.stack([corners[1], high[1], high[0], corners[0], low[0], low[1]])
    else:
        marks = np.stack([corners[0], high[0], high[1], corners[1], low[1], low[0]])

    radius = 0.0275 * p.eye_size
    gaze_x = side * center_x + 0.016 * p.gaze + 0.012 * np.sin(p.yaw)
    iris = head.surface([(gaze_x, center_y - 0.22 * half_height)])[0]

    middle_y = center_y - 0.068 * p.brow_height - 0.2 * half_height
    t = np.linspace(0, 1, 13)
    x = 0.040 * p.eye_spacing + 0.128 * p.face_width * t
    y = middle_y - 0.026 * p.brow_arch * np.sin(np.pi * t**1.25) + 0.010 * t + p.brow_tilt * 0.16 * (t - 0.5)
    thickness = (
        0.0135 * p.brow_thickness * np.minimum(1, 0.62 + 1.6 * t) * (1 - 0.72 * np.clip((t - 0.45) / 0.55, 0, 1))
    )
    brow_upper = head.surface(np.stack([side * x, y - thickness], -1))
    brow_lower = head.surface(np.stack([side * x, y + thickness * 0.8], -1))
    eye = Eye(
        side=side,
        upper=upper,
        lower=lower,
        center=head.surface([(side * center_x, center_y)])[0],
        iris=iris,
        iris_radius=radius * p.scale,
        crease=crease,
        brow_upper=brow_upper,
        brow_lower=brow_lower,
    )
    return eye, marks, brow_upper[[0, 3, 6, 9, 12]]


def _mouth(head: Head, p: FaceParameters) -> tuple[Mouth, Array]:
    """The mouth and its landmarks 48 to 67."""
    center_y = 0.166 + p.mouth_height + 0.45 * p.chin_length
    half_width = 0.068 * p.mouth_width * (1 + 0.2 * max(0.0, p.smile)) * (1 - 0.08 * p.mouth_open)
    gap = 0.058 * p.mouth_open if p.mouth_open >= MOUTH_OPEN else 0.0
    inner_part = 0.86

    def line(t: npt.NDArray[np.float64], offset: npt.NDArray[np.float64], reach: float = 1.0) -> Array:
        # The whole mouth bends with the smile: the corners rise.
        bend = -0.026 * p.smile * (np.abs(t * reach) ** 1.8 - 0.4)
        return np.stack([half_width * reach * t, center_y + bend + offset], -1).astype(np.float32)

    def round_off(t: npt.NDArray[np.float64], power: float) -> npt.NDArray[np.float64]:
        return np.maximum(1 - t**2, 0) ** power

    def outer_upper(t: npt.NDArray[np.float64]) -> Array:
        bow = 1 - 0.24 * np.exp(-((t / 0.2) ** 2))
        height = (0.0215 * p.upper_lip * bow + 0.22 * gap) * round_off(t, 0.8)
        return head.surface(line(t, -height), 0.012)

    def outer_lower(t: npt.NDArray[np.float64]) -> Array:
        return head.surface(line(t, (0.027 * p.lower_lip + 0.8 * gap) * round_off(t, 0.72)), 0.012)

    def inner_upper(t: npt.NDArray[np.float64]) -> Array:
        return head.surface(line(t, -0.24 * gap * round_off(t, 0.7), inner_part), 0.01)

    def inner_lower(t: npt.NDArray[np.float64]) -> Array:
        return head.surface(line(t, 0.78 * gap * round_off(t, 0.6), inner_part), 0.01)

    t = np.linspace(-1, 1, 25)
    mouth = Mouth(outer_upper(t), inner_upper(t), inner_lower(t), outer_lower(t))
    inner = np.array([-0.45, 0.0, 0.45])
    marks = [
        outer_upper(np.array([-1, -0.62, -0.26, 0, 0.26, 0.62, 1.0])),
        outer_lower(np.array([0.62, 0.26, 0, -0.26, -0.62])),
        inner_upper(np.array([-1.0, *inner, 1.0])),
        inner_lower(inner[::-1]),
    ]
    return mouth, np.concatenate(marks)


def _ear(head: Head, p: FaceParameters, side: int) -> Ear:
    # The ear on the side that the face turns to disappears behind the cheek.
    away = side * np.sin(p.yaw)
    size = p.ear_size
    root = head.half_width - 0.012
    reach = 0.052 * size * (1 - 1.6 * max(0.0, away) + 0.25 * max(0.0, -away))
    outline = np.array(
        [
            (root - 0.02, -0.055 * size),
            (root + 0.55 * reach, -0.066 * size),
            (root + 1.0 * reach, -0.035 * size),
            (root + 0.86 * reach, 0.02 * size),
            (root + 0.5 * reach, 0.066 * size),
            (root - 0.005, 0.072 * size),
            (root - 0.03, 0.02 * size),
        ]
    )
    inner = np.array(
        [
            (root + 0.28 * reach, -0.04 * size),
            (root + 0.72 * reach, -0.038 * size),
            (root + 0.66 * reach, 0.0),
            (root + 0.35 * reach, 0.03 * size),
        ]
    )
    flip = np.array([side, 1])
    return Ear(
        side=side,
        outline=spline(head.silhouette(outline * flip), closed=True, steps=5),
        inner=spline(head.silhouette(inner * flip), steps=5),
        lobe=head.silhouette(np.array([(root + 0.4 * reach, 0.07 * size)]) * flip)[0],
        visible=bool(reach > 0.018),
    )
