"""Poses of the body as in fashion pictures: rotations of joints for `limner.people.body`.

Arms are posed by where their wrists go and where the elbow points, in the frame of the chest; two-bone inverse
kinematics on the average adult turns that into rotations. All else is given as angles. Lengths are metres in the frame
between the average adult's eyes (x left, y back, z up), angles radians about these axes.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt

from limner.errors import ConfigError, nearest
from limner.people.body import BodyShape, body_model
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
}
PAIRS: dict[tuple[str, str], float] = {
    ("hanging", "hanging"): 0.36,
    ("pocket", "pocket"): 0.10,
    ("pocket", "hanging"): 0.12,
    ("hip", "hanging"): 0.12,
    ("hip", "hip"): 0.06,
    ("behind", "behind"): 0.05,
    ("folded", "folded"): 0.05,
    ("bag", "hanging"): 0.06,
    ("raised", "hanging"): 0.04,
    ("collar", "hanging"): 0.04,
}
"""What the two arms do, and how often."""
LEGS = {"straight": 0.36, "contrapposto": 0.38, "walking": 0.18, "apart": 0.08}
FACINGS = {"front": 0.58, "side": 0.22, "back": 0.20}

LIMITS: dict[str, tuple[Turn, Turn]] = {
    # bone (without its side) -> least and largest turn about each axis of a left limb
    "root": ((-0.3, -0.2, -np.pi), (0.3, 0.2, np.pi)),
    "spine": ((-0.2, -0.15, -0.25), (0.3, 0.15, 0.25)),
    "clavicle": ((-0.2, -0.35, -0.3), (0.2, 0.15, 0.3)),
    "upperleg01": ((-1.7, -0.6, -0.6), (0.5, 0.25, 0.4)),
    "lowerleg01": ((0.0, -0.1, -0.1), (2.2, 0.1, 0.1)),
    "foot": ((-0.6, -0.3, -0.3), (0.6, 0.3, 0.3)),
}
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


def sample_pose(dice: Dice, *, facing: str | None = None) -> Joints:
    """A standing or walking pose: rotations of joints for `BodyModel.pose`, but for head, neck and eyes.

    Args:
        dice: where chance comes from.
        facing: one of FACINGS; None: as often as they say there.

    Raises:
        ConfigError: if the facing is unknown.
    """
    facing = facing or dice.pick(FACINGS)
    if facing not in FACINGS:
        raise ConfigError(f'A pose cannot face "{facing}".{nearest(facing, FACINGS)}')
    mirrored = dice.chance(0.5)
    legs = dice.pick(LEGS)
    joints = _legs(legs, dice)
    if legs == "walking":
        joints |= _arms(("back", "forward"), dice)
    else:
        joints |= _arms(dice.pick(PAIRS), dice)
    yaw = {"front": dice.normal(0, 0.22), "side": 1.35 + dice.normal(0, 0.25), "back": np.pi + dice.normal(0, 0.25)}
    joints["root"] = (joints["root"][0], joints["root"][1], yaw[facing])
    joints = limited(joints)
    return mirror(joints) if mirrored else joints


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
        # A hanging arm draws the shoulder down and a lifted one raises it.
        lift = (0.05 if kind != "raised" else -0.2) + dice.normal(0, 0.02)
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
