"""Poses as users give them: 18 key points in OpenPose's order, from files of several kinds, an array, or a table.

Accepted files (docs/pose-transfer.md):

- JSON of OpenPose: `{"people": [{"pose_keypoints_2d": [x, y, confidence, ...]}]}` with 18 or 25 points;
- JSON by name: `{"points": {"nose": [44, 11], "l_wrist": null, ...}, "width": 88, "height": 128}`;
- JSON by number: a list of 18 `[x, y]`, null or `[-1, -1]` where a point is not seen;
- a table `name:keypoints_y:keypoints_x` as data sets of pose transfer have it.

x and y are pixels, (0, 0) the middle of the first one; a point that is not seen is NaN. No torch.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from limner.data.keypoints import LIMBS, NAMES, NUM_KEYPOINTS, read_keypoints
from limner.data.point_schema import FAR_PX, OPENPOSE_18
from limner.data.size import Size
from limner.errors import ConfigError, DataError, ShapeError, nearest, quoted
from limner.files import at_home, read_json, write_text_atomically
from limner.tasks import input_files

_log = logging.getLogger(__name__)

Points = npt.NDArray[np.float64]
Interpolation = Literal["linear", "cubic"]

TABLE_SUFFIX = ".csv"
MAX_BYTES = 20_000_000
_UPPER = tuple(
    NAMES.index(name) for name in ("nose", "neck", "r_shoulder", "l_shoulder", "r_eye", "l_eye", "r_ear", "l_ear")
)
_LOWER = tuple(NAMES.index(name) for name in ("r_hip", "r_knee", "r_ankle", "l_hip", "l_knee", "l_ankle"))
TORSO = tuple(NAMES.index(name) for name in ("r_shoulder", "l_shoulder", "r_hip", "l_hip"))
"""A pose without two of these says too little of a body."""
MAX_POSES = 2_000
_NECK = NAMES.index("neck")
_FROM_BODY_25 = (*range(8), *range(9, 19))
"""Points of OpenPose's BODY_25 in the order of its COCO model: the middle of the hips and the feet are left out."""
MIN_EXTENT = 0.05
"""A pose that is smaller, as a share of its picture's height, shows nobody."""


@dataclass(frozen=True, eq=False)
class Pose:
    """Key points, and the picture that they are measured in.

    Attributes:
        points: (18, 2) x and y in pixels, NaN where not seen.
        size: height and width of their picture; none: that of the photo that they are used with.
        name: what messages and files call it.
        is_table: whether a table of a data set gave them, where square pictures have margins that do not count.
    """

    points: Points
    size: Size | None = None
    name: str = "pose"
    is_table: bool = False


PoseInput = str | Path | Pose | npt.ArrayLike
"""A file, a `Pose`, or 18 points (x, y)."""


def read_pose(value: PoseInput) -> Pose:
    """A pose in any accepted form.

    Raises:
        DataError: if a file is missing, of no known form, of several people, or has nobody in it.
        ShapeError: if an array is no 18 points.
    """
    if isinstance(value, Pose):
        return Pose(_checked_array(value.points), value.size, value.name, value.is_table)
    if not isinstance(value, str | Path):
        return Pose(_checked_array(value))
    poses = read_poses(value)
    if len(poses) != 1:
        raise DataError(f"{value} has {len(poses)} poses; name a file with one, or use it as a sequence.")
    return poses[0]


def read_poses(value: str | Path) -> list[Pose]:
    """The poses of a file in its order: one of a JSON file of a pose, all rows of a table, all of a list of poses.

    A folder is its JSON files, sorted by name.

    Raises:
        DataError: if there is none, there are too many, or a file cannot be used.
    """
    path = at_home(value)
    if path.is_dir():
        files = input_files([str(path)], (".json",), "file of poses")
        _refuse_many(len(files), path)
        return [pose for file in files for pose in read_poses(file)]
    if path.suffix.lower() == TABLE_SUFFIX:
        rows = read_keypoints(path)
        if not rows:
            raise DataError(f"{path} has no row.")
        _refuse_many(len(rows), path)
        return [Pose(points, name=Path(name).stem, is_table=True) for name, points in rows.items()]
    if path.suffix.lower() != ".json":
        raise DataError(f"{path} is no file of poses: it must end in .json or .csv.")
    data = read_json(path, most=MAX_BYTES)
    return [_from_json(one, path) for one in (data if _is_list_of_poses(data) else [data])]


def _refuse_many(number: int, path: Path) -> None:
    if number > MAX_POSES:
        raise DataError(f"{path} has {number} poses; a sequence has at most {MAX_POSES}.")


def pose_to_json(pose: Pose) -> dict[str, Any]:
    """The form by name, which `read_pose` reads."""
    points = {
        name: [round(float(x), 3), round(float(y), 3)] if np.isfinite([x, y]).all() else None
        for name, (x, y) in zip(NAMES, pose.points, strict=True)
    }
    size = {} if pose.size is None else {"width": pose.size.width, "height": pose.size.height}
    return {"points": points, **size}


def write_pose(path: str | Path, pose: Pose) -> None:
    """Write a pose as JSON by name."""
    write_text_atomically(at_home(path), json.dumps(pose_to_json(pose), indent=1) + "\n")


def with_swapped_sides(points: Points) -> Points:
    """Left and right exchanged by name: for files that count the sides as the viewer sees them."""
    return points[OPENPOSE_18.flip_permutation()]


def checked_pose(
    points: Points, size: Size, *, what: str, swap_sides: bool = False, given_in: Size | None = None
) -> Points:
    """A pose in the pixels of a picture: points outside of it count as not seen; one that says too little is refused.

    Args:
        points: (18, 2).
        size: of the picture.
        what: what messages call the pose.
        swap_sides: exchange left and right first; where they are surely right already they stay, with a warning, for
            photo and pose may come from two programs.
        given_in: size of the picture in whose pixels the user gave them, for messages; none: `size`.

    Raises:
        DataError: if most points lie outside, all lie on nearly one spot, fewer than two shoulders and hips are seen,
            or left and right have changed places throughout.
    """
    points, shown = (with_swapped_sides(points) if swap_sides else points.copy()), given_in or size
    seen = np.isfinite(points).all(axis=1)
    points[~seen] = np.nan
    low, high = np.array([-0.5, -0.5]), np.array([size.width, size.height]) - 0.5
    inside = np.asarray(seen & (points >= low).all(axis=1) & (points <= high).all(axis=1))
    if not seen.any():
        raise DataError(f"{what} has no point that is seen.")
    if inside.sum() * 2 < seen.sum():
        raise DataError(
            f"{what}: {int(seen.sum() - inside.sum())} of {int(seen.sum())} points lie outside of the picture "
            f"({shown.width}x{shown.height}); give them in pixels of that picture, or say the size of their own "
            "(width, height) in the file."
        )
    points[~inside] = np.nan
    extent = float(np.ptp(points[inside], axis=0).max())
    if inside.sum() > 1 and extent < MIN_EXTENT * size.height:  # of shares of the sides, say
        raise DataError(
            f"{what}: all points lie within {extent * shown.height / size.height:.1f} pixels of each other, in a "
            f"picture of {shown.width}x{shown.height}; give them in pixels, not in shares of its sides."
        )
    if inside[list(TORSO)].sum() < 2:
        raise DataError(
            f"{what} shows {_what_is_seen(inside)}; at least two of the shoulders and hips must be seen in the picture."
        )
    if not _is_mirrored(points):
        return points
    if swap_sides:
        _log.warning("%s has left and right where they belong: they are not exchanged.", what)
        return with_swapped_sides(points)
    raise DataError(
        f"{what}: the face is seen, but eyes, shoulders and hips all lie on the wrong sides; left and right are "
        "the person's own, so exchange them (--swap-sides, in Python swap_sides=True)."
    )


def uprightness(points: Points) -> float:
    """How upright 18 points stand: 1 upright, -1 upside down, 0 lying; NaN where head or legs are not seen."""
    upper, lower = (points[list(group)] for group in (_UPPER, _LOWER))
    upper, lower = (group[np.isfinite(group).all(axis=1)] for group in (upper, lower))
    if not len(upper) or not len(lower):
        return math.nan
    down = lower.mean(axis=0) - upper.mean(axis=0)
    return float(down[1] / max(math.hypot(*down), 1e-9))


def between(poses: Sequence[Points], steps: int, interpolation: Interpolation = "linear") -> list[Points]:
    """A way through key poses: `steps` poses from each to the next, and the last one.

    A point that one of two poses lacks is seen on the half of the way nearer to the other, and moves there with
    the joint from which its limb goes out: people keep their arms and legs on the way, and begin and end in the key
    poses. The cubic way (Catmull-Rom) has no corners at the key poses; where a neighbour of the two is missing or lacks
    a point, it is taken to be in line with them.

    Raises:
        ConfigError: if there are too few poses or steps, too many of both, or the interpolation is unknown.
    """
    if interpolation not in ("linear", "cubic"):
        raise ConfigError(f'The interpolation is "{interpolation}"; it must be linear or cubic.')
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        raise ConfigError(f"steps is {quoted(steps)}; it must be a whole number, 1 or more.")
    if not poses or (len(poses) - 1) * steps + 1 > MAX_POSES:
        raise ConfigError(
            f"{len(poses)} poses with {steps} steps between them are not possible; it takes one pose, and at most "
            f"{MAX_POSES} pictures."
        )
    found = []
    for number in range(len(poses) - 1):
        first, second = _completed(poses[number], poses[number + 1])
        before = poses[number - 1] if number else np.full_like(first, np.nan)
        after = poses[number + 2] if number + 2 < len(poses) else np.full_like(first, np.nan)
        before = np.where(np.isfinite(before), before, 2 * first - second)
        after = np.where(np.isfinite(after), after, 2 * second - first)
        for share in np.arange(steps) / steps:
            points, nearer = _at(share, before, first, second, after, interpolation), number + int(share >= 0.5)
            found.append(np.where(np.isfinite(poses[nearer]), points, np.nan))
    return [*found, poses[-1].copy()]


def _completed(first: Points, second: Points) -> tuple[Points, Points]:
    """Two poses, each with the points that the other one has: moved with the joint from which their limb goes out."""
    first, second = first.copy(), second.copy()
    both = np.isfinite(first) & np.isfinite(second)
    usual = (second - first)[both.all(axis=1)].mean(axis=0) if both.all(axis=1).any() else np.zeros(2)
    for parent, joint in ((_NECK, _NECK), *LIMBS):  # from the neck outwards
        moved = second[parent] - first[parent]
        moved = moved if np.isfinite(moved).all() else usual
        second[joint] = np.where(np.isfinite(second[joint]), second[joint], first[joint] + moved)
        first[joint] = np.where(np.isfinite(first[joint]), first[joint], second[joint] - moved)
    return first, second


def _at(share: float, before: Points, first: Points, second: Points, after: Points, interpolation: str) -> Points:
    if interpolation == "linear":
        return (1 - share) * first + share * second
    square, cube = share**2, share**3
    return 0.5 * (
        2 * first
        + (second - before) * share
        + (2 * before - 5 * first + 4 * second - after) * square
        + (3 * first - before - 3 * second + after) * cube
    )


def _checked_array(value: npt.ArrayLike) -> Points:
    try:
        points = np.array(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ShapeError(f"A pose is {NUM_KEYPOINTS} points (x, y), NaN where one is not seen.") from error
    if points.shape != (NUM_KEYPOINTS, 2):
        raise ShapeError(f"A pose has the shape {points.shape}; it must be {NUM_KEYPOINTS} points (x, y).")
    if np.abs(points[np.isfinite(points)]).max(initial=0) > FAR_PX or np.isinf(points).any():
        raise ShapeError("A pose has a point without end; points are pixels, NaN where one is not seen.")
    points[(points == -1).all(axis=1)] = np.nan
    points[np.isnan(points).any(axis=1)] = np.nan
    return points


def _is_list_of_poses(data: Any) -> bool:
    """A list whose entries are poses, not points."""
    if not isinstance(data, list) or not data or len(data) > MAX_POSES:
        return False
    return all(isinstance(one, Mapping) or (isinstance(one, list) and len(one) == NUM_KEYPOINTS) for one in data)


def _from_json(data: Any, path: Path) -> Pose:
    try:
        if isinstance(data, Mapping) and "people" in data:
            points = _from_openpose(data["people"], path)
        elif isinstance(data, Mapping) and "points" in data:
            points = (
                _from_names(data["points"], path) if isinstance(data["points"], Mapping) else _listed(data["points"])
            )
        elif isinstance(data, list):
            points = _listed(data)
        else:
            raise ValueError("neither people nor points")
        points = _checked_array(points)
        given = data if isinstance(data, Mapping) else {}
        width, height = (given.get(name, given.get(f"canvas_{name}")) for name in ("width", "height"))
        size = None if width is None or height is None else Size.of((int(height), int(width)))
    except (ValueError, TypeError, KeyError, OverflowError, ShapeError, ConfigError) as error:
        raise DataError(
            f"{path} is no pose: it must have OpenPose's people, or {NUM_KEYPOINTS} points (x, y), by name or in order."
        ) from error
    return Pose(points, size, path.stem)


def _listed(points: Any) -> Points:
    return np.array([[np.nan, np.nan] if point is None else point for point in points], dtype=np.float64)


def _from_names(points: Mapping[str, Any], path: Path) -> Points:
    for name in points:
        if name not in NAMES:
            raise DataError(f'{path} has the point "{name}", which is unknown.{nearest(name, NAMES)}')
    return _listed([points.get(name) for name in NAMES])


def _from_openpose(people: Any, path: Path) -> Points:
    if len(people) != 1:
        raise DataError(
            f"{path} has {len(people) or 'no'} {'people' if len(people) != 1 else 'person'}; there must be one: keep "
            "the one who is meant."
        )
    numbers = np.array(people[0]["pose_keypoints_2d"], dtype=np.float64).reshape(-1, 3)
    if len(numbers) == 25:
        numbers = numbers[list(_FROM_BODY_25)]
    if len(numbers) != NUM_KEYPOINTS:
        raise ValueError(f"{len(numbers)} points")
    numbers[numbers[:, 2] <= 0] = np.nan
    return numbers[:, :2]


def _is_mirrored(points: Points) -> bool:
    """Whether nose and eyes are seen, as from the front, but every pair is on the sides of a back."""
    pairs = [(NAMES.index(f"r_{part}"), NAMES.index(f"l_{part}")) for part in ("eye", "shoulder", "hip")]
    if not np.isfinite(points[[NAMES.index("nose"), *(point for pair in pairs for point in pair)]]).all():
        return False
    return all(points[right, 0] > points[left, 0] for right, left in pairs)


def _what_is_seen(inside: npt.NDArray[np.bool_]) -> str:
    names = {name.removeprefix("r_").removeprefix("l_") for name, seen in zip(NAMES, inside, strict=True) if seen}
    if names <= {"nose", "eye", "ear", "neck"}:
        return "a face only"
    return f"only {', '.join(sorted(names))}"
