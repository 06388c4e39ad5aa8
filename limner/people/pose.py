"""Poses of the body as in fashion pictures: rotations of joints for `limner.people.body`.

Arms are posed by where their wrists go and where the elbow points, in the frame of the chest; two-bone inverse
kinematics on the average adult turns that into rotations. All else is given as angles. Lengths are metres in the frame
between the average adult's eyes (x left, y back, z up), angles radians about these axes.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt

from limner.errors import ConfigError, nearest
from limner.people.body import BodyShape, body_model, rotation_matrices
from limner.people.dice import Dice

Vector = npt.NDArray[np.float64]
Turn = tuple[float, float, float]
Joints = dict[str, Turn]
Place = tuple[float, float, float]

ARMS: dict[str, tuple[Place, Place]] = {
    # wrist and direction of the elbow of a left arm
    "hanging": ((0.262, 0.085, -0.765), (0.3, 1.0, 0.0)),
    "forward": ((0.250, -0.060, -0.735), (0.3, 1.0, 0.0)),
    "back": ((0.262, 0.200, -0.745), (0.3, 1.0, 0.0)),
    "pocket": ((0.222, 0.045, -0.690), (0.8, 1.0, 0.0)),
    "hip": ((0.218, 0.070, -0.590), (1.0, 0.55, -0.1)),
    "behind": ((0.060, 0.275, -0.640), (1.0, 0.2, 0.0)),
    "folded": ((-0.085, -0.085, -0.430), (0.9, 0.2, -0.6)),
    "bag": ((0.190, -0.100, -0.455), (0.5, 0.4, -1.0)),
    "raised": ((0.310, -0.040, -0.020), (0.6, 0.1, -1.0)),
    "collar": ((0.085, -0.120, -0.300), (0.6, 0.0, -1.0)),
    "crossed": ((-0.030, -0.105, -0.395), (1.0, 0.15, -0.5)),
    "overhead": ((0.190, 0.030, 0.245), (1.0, 0.1, 0.0)),
    "wide": ((0.470, 0.040, 0.150), (0.3, 0.6, -1.0)),
    "out": ((0.640, 0.080, -0.200), (0.0, 1.0, -0.4)),
    "nape": ((0.140, 0.130, -0.030), (1.0, -0.1, 0.3)),
    "ahead": ((0.180, -0.360, -0.260), (0.4, 0.2, -1.0)),
    "thigh": ((0.190, -0.230, -0.590), (0.9, 0.5, -0.2)),
    "lap": ((0.045, -0.210, -0.590), (1.0, 0.4, -0.2)),
    "seat": ((0.330, 0.170, -0.640), (0.5, 1.0, 0.0)),
}
RAISED = ("overhead", "wide", "out", "nape", "raised")
"""Arms that lift the shoulder."""
PAIRS: dict[tuple[str, str], float] = {
    ("hanging", "hanging"): 0.26,
    ("pocket", "pocket"): 0.07,
    ("pocket", "hanging"): 0.09,
    ("hip", "hanging"): 0.09,
    ("hip", "hip"): 0.05,
    ("behind", "behind"): 0.04,
    ("folded", "folded"): 0.04,
    ("crossed", "crossed"): 0.08,
    ("bag", "hanging"): 0.04,
    ("raised", "hanging"): 0.04,
    ("collar", "hanging"): 0.03,
    ("overhead", "overhead"): 0.03,
    ("overhead", "hip"): 0.02,
    ("wide", "wide"): 0.03,
    ("out", "out"): 0.02,
    ("out", "hanging"): 0.02,
    ("nape", "nape"): 0.02,
    ("nape", "hip"): 0.02,
    ("ahead", "ahead"): 0.01,
}
"""What the two arms do, and how often."""
SEATED_PAIRS: dict[tuple[str, str], float] = {
    ("thigh", "thigh"): 0.34,
    ("lap", "lap"): 0.16,
    ("lap", "thigh"): 0.12,
    ("crossed", "crossed"): 0.12,
    ("seat", "seat"): 0.08,
    ("thigh", "nape"): 0.06,
    ("raised", "thigh"): 0.06,
    ("overhead", "overhead"): 0.06,
}
"""The same of people who sit."""
LEGS = {"straight": 0.36, "contrapposto": 0.38, "walking": 0.18, "apart": 0.08}
SEATED_LEGS = {"seated": 0.45, "perched": 0.3, "legs crossed": 0.25}
FACINGS = {"front": 0.58, "side": 0.22, "back": 0.20}
SITS = 0.22
"""Share of the people who sit where they may."""
TURNED = 0.45
"""Share of those seen from behind who stand half aside or turn their chest back to the camera."""

LIMITS: dict[str, tuple[Turn, Turn]] = {
    # bone (without its side) -> least and largest turn about each axis of a left limb
    "root": ((-0.3, -0.2, -np.pi), (0.3, 0.2, np.pi)),
    "spine": ((-0.2, -0.15, -0.25), (0.3, 0.15, 0.25)),
    "clavicle": ((-0.2, -0.35, -0.3), (0.2, 0.15, 0.3)),
    "upperleg01": ((-1.7, -0.6, -0.6), (0.5, 0.25, 0.4)),
    "lowerleg01": ((0.0, -0.1, -0.1), (2.2, 0.1, 0.1)),
    "foot": ((-0.6, -0.3, -0.3), (0.6, 0.3, 0.3)),
}
SEATED_HIP = -0.7
"""Flexion of both hips from which a pose sits, radians about the axis to the left."""
ELBOW_LIMIT = 2.5
"""Largest angle between upper arm and forearm."""


@lru_cache(maxsize=1)
def _arm() -> tuple[Vector, Vector, Vector]:
    """Shoulder, elbow and wrist of the average adult's left arm."""
    body = body_model().pose(BodyShape())
    names = ("upperarm01.L", "lowerarm01.L", "wrist.L")
    shoulder, elbow, wrist = (body.head.to_local(body.joints[name].origin).astype(np.float64) for name in names)
    return shoulder, elbow, wrist


def reach(target: Place, elbow_towards: Place, side: Literal["L", "R"] = "L") -> Joints:
    """Rotations of an arm that bring its wrist to a place, or as near as the arm is long.

    Args:
        target: of the wrist, in the frame of the chest; for the right arm mirrored.
        elbow_towards: direction in which the elbow points.
        side: whose arm, the subject's.
    """
    shoulder, elbow, wrist = _arm()
    upper, fore = elbow - shoulder, wrist - elbow
    lengths = np.linalg.norm(upper), np.linalg.norm(fore)
    way = np.array(target) - shoulder
    nearest_reach = np.sqrt(lengths[0] ** 2 + lengths[1] ** 2 + 2 * lengths[0] * lengths[1] * np.cos(ELBOW_LIMIT))
    distance = np.clip(np.linalg.norm(way), nearest_reach, 0.998 * sum(lengths))
    way = way / np.linalg.norm(way)
    pole = np.array(elbow_towards) - way * (way @ np.array(elbow_towards))
    pole /= np.linalg.norm(pole)
    opening = np.arccos((lengths[0] ** 2 + distance**2 - lengths[1] ** 2) / (2 * lengths[0] * distance))
    new_upper = np.cos(opening) * way + np.sin(opening) * pole
    new_fore = (distance * way - lengths[0] * new_upper) / lengths[1]

    before, after = _frame(upper, fore), _frame(new_upper, new_fore)
    bend = _angle(new_upper, new_fore) - _angle(upper, fore)
    turns = {"upperarm01": rotation_vector(after @ before.T), "lowerarm01": bend * before[:, 1]}
    mirror = np.array([1, 1, 1] if side == "L" else [1, -1, -1])  # a mirrored rotation keeps its turn about x
    return {f"{name}.{side}": _turn(mirror * turn) for name, turn in turns.items()}


def _frame(upper: Vector, fore: Vector) -> Vector:
    """Columns: along the upper arm, the axis of the elbow, across both."""
    along = upper / np.linalg.norm(upper)
    axis = np.cross(upper, fore)
    axis /= np.linalg.norm(axis)
    return np.stack([along, axis, np.cross(along, axis)], axis=1)


def _angle(first: Vector, second: Vector) -> float:
    cosine = first @ second / (np.linalg.norm(first) * np.linalg.norm(second))
    return float(np.arccos(np.clip(cosine, -1, 1)))


def rotation_vector(matrix: Vector) -> Vector:
    """Axis times angle (3,) of a rotation matrix (3, 3); the inverse of `body.rotation_matrices` below half a turn."""
    axis = np.array([matrix[2, 1] - matrix[1, 2], matrix[0, 2] - matrix[2, 0], matrix[1, 0] - matrix[0, 1]])
    length = np.linalg.norm(axis)
    angle = np.arctan2(length, np.trace(matrix) - 1)
    return axis * (angle / length) if length > 1e-9 else np.zeros(3)


def _turn(vector: Vector) -> Turn:
    x, y, z = (round(float(value), 5) for value in vector)
    return x, y, z


def sample_pose(dice: Dice, *, facing: str | None = None, may_sit: bool = False) -> Joints:
    """A pose that stands, walks or sits: rotations of joints for `BodyModel.pose`, but for head, neck and eyes.

    Args:
        dice: where chance comes from.
        facing: one of FACINGS; None: as often as they say there.
        may_sit: whether the pose may sit; not for people in skirts and dresses, which hang down from the waist.

    Raises:
        ConfigError: if the facing is unknown.
    """
    facing = facing or dice.pick(FACINGS)
    if facing not in FACINGS:
        raise ConfigError(f'A pose cannot face "{facing}".{nearest(facing, FACINGS)}')
    mirrored = dice.chance(0.5)
    seated = dice.chance(SITS) and may_sit
    legs = dice.pick(SEATED_LEGS if seated else LEGS)
    joints = _seated_legs(legs, dice) if seated else _legs(legs, dice)
    if legs == "walking":
        joints |= _arms(("back", "forward"), dice)
    else:
        joints |= _arms(dice.pick(SEATED_PAIRS if seated else PAIRS), dice)
    yaw = {"front": dice.normal(0, 0.22), "side": 1.35 + dice.normal(0, 0.25), "back": np.pi + dice.normal(0, 0.25)}
    if facing == "back" and dice.chance(TURNED):
        yaw["back"] = np.pi - dice.uniform(0.3, 0.65)
        for bone in ("spine05", "spine03", "spine02"):
            x, y, z = joints[bone]
            joints[bone] = (x, y, z - dice.uniform(0.0, 0.08))
    joints["root"] = (joints["root"][0], joints["root"][1], yaw[facing])
    joints = limited(joints)
    return mirror(joints) if mirrored else joints


def is_seated(joints: Mapping[str, Turn]) -> bool:
    """Whether a pose sits: both thighs point forwards."""
    return all(joints.get(f"upperleg01.{side}", (0.0, 0.0, 0.0))[0] < SEATED_HIP for side in "LR")


def relaxed_arms(dice: Dice) -> Joints:
    """Arms and shoulders of a portrait: both hang, each a little in its own way."""
    return limited(_arms(("hanging", "hanging"), dice))


def _arms(pair: tuple[str, str], dice: Dice) -> Joints:
    joints: Joints = {}
    for kind, side in zip(pair, ("L", "R"), strict=True):
        wrist, elbow = ARMS[kind]
        loose = 0.02 if kind in ("hanging", "forward", "back", "raised", "bag") else 0.008
        wrist = (
            wrist[0] + dice.normal(0, loose),
            wrist[1] + dice.normal(0, 1.5 * loose),
            wrist[2] + dice.normal(0, loose),
        )
        if kind == "folded" and side == "R":  # the second forearm lies before the first
            wrist = (wrist[0], wrist[1] - 0.045, wrist[2] - 0.035)
        joints |= reach(wrist, elbow, side)  # type: ignore[arg-type]  # "L" or "R"
        if kind == "crossed" and side == "R":
            wrist = (wrist[0], wrist[1] - 0.05, wrist[2] + 0.035)
        # A hanging arm draws the shoulder down and a lifted one raises it.
        lift = (0.05 if kind not in RAISED else -0.2) + dice.normal(0, 0.02)
        joints[f"clavicle.{side}"] = (0.0, lift if side == "L" else -lift, dice.normal(0, 0.03))
    return joints


def _legs(kind: str, dice: Dice) -> Joints:
    """Legs, pelvis and spine; the weight is on the left leg where there is a difference."""
    splay = dice.uniform(0.0, 0.12)
    closed = 0.065 + dice.normal(0, 0.012)  # the model stands with its legs apart
    hips, knees, tilt, bend = (0.0, 0.0), (0.03, 0.03), 0.0, dice.normal(0, 0.03)
    if kind == "contrapposto":
        tilt, knee = dice.uniform(0.03, 0.08), dice.uniform(0.15, 0.5)
        hips, knees = (0.0, -0.45 * knee), (0.0, knee)
    elif kind == "walking":
        stride = dice.uniform(0.2, 0.4)
        hips, knees = (-stride, 0.55 * stride), (0.12 * stride, dice.uniform(0.8, 1.4) * stride)
    elif kind == "apart":
        closed -= dice.uniform(0.05, 0.15)
    twist = dice.normal(0, 0.06)
    joints: Joints = {"root": (0.0, tilt, 0.0)}
    for bone in ("spine05", "spine03", "spine02"):
        joints[bone] = (bend / 3, -1.1 * tilt / 3, twist / 3)
    for side, hip, knee, sign in zip("LR", hips, knees, (1, -1), strict=True):
        joints[f"upperleg01.{side}"] = (hip, sign * closed - tilt, sign * splay)
        joints[f"lowerleg01.{side}"] = (knee, 0.0, 0.0)
        joints[f"foot.{side}"] = (-hip - knee if kind != "walking" else -0.4 * (hip + knee), 0.0, 0.0)
    return joints


def _seated_legs(kind: str, dice: Dice) -> Joints:
    """Legs, pelvis and spine of somebody who sits: upright, perched on something high, or with the left leg on top."""
    hip, knee = {"seated": (-1.46, 1.42), "perched": (-0.95, 0.95), "legs crossed": (-1.45, 1.45)}[kind]
    hip, knee = hip + dice.normal(0, 0.05), knee + dice.normal(0, 0.1)
    apart, splay = dice.uniform(-0.12, 0.03), dice.uniform(0.0, 0.1)
    lean, bend = dice.normal(0.02, 0.08), dice.normal(0.04, 0.06)
    twist = dice.normal(0, 0.08)
    joints: Joints = {"root": (lean, 0.0, 0.0)}
    for bone in ("spine05", "spine03", "spine02"):
        joints[bone] = ((bend - 0.5 * lean) / 3, 0.0, twist / 3)
    for side, sign in (("L", 1), ("R", -1)):
        over = kind == "legs crossed" and side == "L"
        own_hip = hip - lean - (0.22 if over else 0.0)
        inward = (0.42 if over else 0.1) if kind == "legs crossed" else 0.065 + apart - splay
        # First the flexion, then the thigh turns inwards about the vertical.
        flexed, turned = rotation_matrices([(own_hip, 0.0, 0.0), (0.0, 0.0, -sign * inward)]).astype(np.float64)
        joints[f"upperleg01.{side}"] = _turn(rotation_vector(turned @ flexed))
        joints[f"lowerleg01.{side}"] = (knee - (0.1 if over else 0.0), 0.0, 0.0)
        joints[f"foot.{side}"] = (0.2 if over else -own_hip - knee - lean, 0.0, 0.0)
    return joints


def limited(joints: Joints) -> Joints:
    """The joints with their turns kept within LIMITS; bones that have none stay as they are."""
    found = {}
    for name, turn in joints.items():
        stem, _, side = name.partition(".")
        low, high = LIMITS.get("spine" if stem.startswith("spine") else stem, ((-np.inf,) * 3, (np.inf,) * 3))
        mirror_sign = np.array([1, -1, -1]) if side == "R" else np.ones(3)
        found[name] = _turn(mirror_sign * np.clip(mirror_sign * np.array(turn), low, high))
    return found


def mirror(joints: Joints) -> Joints:
    """The mirrored pose: left and right change places."""
    swap = {"L": "R", "R": "L"}
    return {
        f"{name[:-1]}{swap[name[-1]]}" if name[-2:] in (".L", ".R") else name: (x, -y, -z)
        for name, (x, y, z) in joints.items()
    }
