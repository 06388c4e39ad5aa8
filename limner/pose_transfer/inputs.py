"""Photos of people as systems of pose transfer see them: cut to the networks' proportions, with their key points.

Key points of a photo are those that are given, else those beside it (`photo.json`, or a row of a table of its data
set), else those that a pose detector finds, where one is installed.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from limner.data.datasets.deepfashion_inshop import content_columns
from limner.data.geometry import Geometry
from limner.data.image_io import PHOTO_SUFFIXES, turn_points_with_photo
from limner.data.keypoints import NAMES, read_keypoints
from limner.data.point_schema import OPENPOSE_18
from limner.data.size import Size
from limner.data.transforms import resize_image, resize_label_map
from limner.errors import DataError
from limner.files import at_home, open_regular, resolved
from limner.inputs import PhotoInput, read_pixels
from limner.metrics.judges import JUDGES, open_judge
from limner.pose_transfer.poses import Points, Pose, PoseInput, checked_pose, read_pose, uprightness

DETECTOR = "mediapipe-pose"
"""Judge that finds key points where none are given."""
_HEAD_BYTES = 256  # the first line of a table of key points is shorter
_MARGIN = "edge"  # beyond a photo its last pixels go on


@dataclass(frozen=True, eq=False)
class PersonPhoto:
    """A photo of one person.

    Attributes:
        image: (H, W, 3) uint8 RGB, of the networks' size.
        points: (18, 2) in its pixels, NaN where not seen.
        name: of the file, or "photo".
        window: left, top, right, bottom in the photo of what is shown; may reach beyond it.
        size: of the networks' pictures.
        photo_size: of the whole photo.
        where: what messages call it.
        source: its file or picture, where it was none in memory.
    """

    image: npt.NDArray[np.uint8]
    points: Points
    name: str
    window: tuple[int, int, int, int]
    size: Size
    photo_size: Size
    where: str
    source: str | Path | Image.Image | None = None

    @property
    def placed(self) -> Geometry:
        """From the photo's pixels to those of `image`."""
        left, top, right, bottom = self.window
        return Geometry.cut((left, top, right, bottom), self.size)

    def cut(self, label_map: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """A map (h, w) of the photo, cut and resized like it; 0 beyond it."""
        return resize_label_map(_window(label_map, self.window, mode="constant"), self.size)


def read_person(
    photo: PhotoInput, *, size: Size, pose: PoseInput | None = None, swap_sides: bool = False
) -> PersonPhoto:
    """A photo with its key points.

    Args:
        photo: a file, a picture or an array.
        size: of the networks' pictures.
        pose: its key points, in its pixels; none: they are looked for, see the module.
        swap_sides: left and right of these points are to be exchanged.

    Raises:
        DataError: if the photo cannot be read or is too small to see anything, nobody says where its joints are, or
            these say too little.
        ShapeError: if an array is no picture, or no 18 points.
    """
    pixels, where = read_pixels(photo)
    if pixels.shape[0] < size.height // 4 or pixels.shape[1] < size.width // 4:
        raise DataError(
            f"{where} is {pixels.shape[1]}x{pixels.shape[0]}, too small to see anything; it must have at least "
            f"{size.width // 4}x{size.height // 4} pixels."
        )
    path = at_home(photo) if isinstance(photo, str | Path) else None
    whole = Size(*pixels.shape[:2])
    given = read_pose(pose) if pose is not None else None if path is None else _pose_beside(path)
    if given is None:
        given = _detected(path, pixels, where)
    elif isinstance(photo, str | Path | Image.Image):
        given = _turned(given, photo, whole, where)
    window = window_of(given, whole, size)
    points = _in_photo(given, whole) + _origin(given, whole)
    image = resize_image(_window(pixels, window, mode=_MARGIN), size)
    placed = Geometry.cut(window, size).move(points, OPENPOSE_18)
    what = f"The pose of {where[0].lower() + where[1:] if path is None else where}"
    found = checked_pose(placed, size, what=what, swap_sides=swap_sides, given_in=whole)
    source = photo if isinstance(photo, str | Path | Image.Image) else None
    return PersonPhoto(image, found, "photo" if path is None else path.stem, window, size, whole, where, source)


def _turned(given: Pose, photo: str | Path | Image.Image, whole: Size, where: str) -> Pose:
    """Key points turned as their photo is by its EXIF orientation, where they are of the pixels as they are stored."""
    if given.size not in (None, whole, Size(whole.width, whole.height)):
        return given  # of another size, with which they are scaled or refused
    what = f"The key points of {where[0].lower() + where[1:] if where == 'The picture' else where}"
    points = turn_points_with_photo(given.points, photo, uprightness=uprightness, where=what)
    return given if points is given.points else replace(given, points=points, size=whole)


def target_pose(pose: PoseInput, person: PersonPhoto, *, swap_sides: bool = False) -> tuple[str, Points]:
    """Name and points of a wanted pose, in the networks' pixels.

    A pose whose file says how large its picture is, and the key points of another photo, are brought to the networks'
    picture as that picture would be; others are in pixels of the person's photo.

    Args:
        pose: a file of a pose, a photo with key points, or points.
        person: who will take it.
        swap_sides: left and right are to be exchanged.

    Raises:
        DataError: if it cannot be read, or says too little.
        ShapeError: if an array is no 18 points.
    """
    if isinstance(pose, str | Path) and Path(pose).suffix.lower() in PHOTO_SUFFIXES:
        other = read_person(pose, size=person.size, swap_sides=swap_sides)
        return other.name, other.points
    given = read_pose(pose)
    what = f"The pose {given.name}" if given.name != "pose" else "The pose"
    placed = person.placed
    if given.size is not None:
        placed = Geometry.cut(window_of(given, given.size, person.size), person.size)
    points = placed.move(given.points + _origin(given, person.photo_size), OPENPOSE_18)
    given_in = given.size or person.photo_size
    return given.name, checked_pose(points, person.size, what=what, swap_sides=swap_sides, given_in=given_in)


def window_of(pose: Pose, photo: Size, size: Size) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of the part of a photo that has the networks' proportions.

    The whole photo where it has them; a photo that is too wide is cut at full height about the person, one that is too
    high is continued to both sides.
    """
    if pose.is_table:
        left, columns = content_columns(photo.width, photo.height)
    else:
        left, columns = 0, photo.width
    wanted = round(photo.height * size.width / size.height)
    if abs(wanted - columns) <= 1:
        return left, 0, left + columns, photo.height
    if wanted > columns:
        first = left - (wanted - columns) // 2
    else:
        seen = pose.points[np.isfinite(pose.points).all(axis=1)]
        middle = (seen[:, 0].min() + seen[:, 0].max()) / 2 if len(seen) else columns / 2
        first = left + min(max(0, round(middle - wanted / 2)), columns - wanted)
    return first, 0, first + wanted, photo.height


def detect_pose(pixels: npt.NDArray[np.uint8], where: str) -> Pose:
    """Key points of the person in a picture, by the pose detector.

    Raises:
        MissingExtraError: if it is not installed.
        DataError: if it sees nobody.
    """
    judge = open_judge(DETECTOR).network
    image = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
    points = to_openpose(judge.keypoints(image)[0].double().numpy(), judge.names)
    if not np.isfinite(points).any():
        raise DataError(f"{where} shows nobody whom {DETECTOR} could find; give the key points.")
    return Pose(points, Size(*pixels.shape[:2]))


def to_openpose(points: npt.NDArray[np.floating], names: Sequence[str]) -> Points:
    """A judge's points (n, 2) by name -> the 18; the neck is the middle of the shoulders where it has none."""
    known = {name: points[number] for number, name in enumerate(names)}
    if "neck" not in known:
        known["neck"] = (known["r_shoulder"] + known["l_shoulder"]) / 2
    return np.array([known.get(name, np.full(2, np.nan)) for name in NAMES], dtype=np.float64)


def _origin(pose: Pose, photo: Size) -> Points:
    """Where a table's points begin to count in a photo: behind the white margin of a square one."""
    return np.array([content_columns(photo.width, photo.height)[0] if pose.is_table else 0.0, 0.0])


def _in_photo(pose: Pose, photo: Size) -> Points:
    """Points in a photo's pixels; those of a picture of another size are scaled with it."""
    if pose.size is None or pose.size == photo:
        return pose.points
    if abs(pose.size.width * photo.height - pose.size.height * photo.width) > max(photo.height, pose.size.height):
        raise DataError(
            f"The key points are of a picture of {pose.size.width}x{pose.size.height}, but the photo is "
            f"{photo.width}x{photo.height}: give those of this photo."
        )
    return Geometry.resized(pose.size, photo).move(pose.points, OPENPOSE_18)


def _detected(path: Path | None, pixels: npt.NDArray[np.uint8], where: str) -> Pose:
    entry = JUDGES[DETECTOR]
    if importlib.util.find_spec(entry.package) is None:
        own = "" if path is None else f", put them into {path.with_suffix('.json').name} beside it"
        raise DataError(
            f"{where} comes without key points: give them (--source-pose FILE, in Python source_pose=){own}, or "
            f"install a detector: {entry.install}."
        )
    return detect_pose(pixels, where)


def _pose_beside(path: Path) -> Pose | None:
    """The key points of `photo.jpg` in `photo.json`, or in a table of its folder or the one above."""
    if path.with_suffix(".json").is_file():
        return read_pose(path.with_suffix(".json"))
    for folder in (path.parent, resolved(path).parent.parent):
        for table in sorted(folder.glob("*.csv")):
            if _is_table(table):
                rows = _table(table, table.stat().st_mtime_ns)
                if path.name in rows:
                    return Pose(rows[path.name], name=path.stem, is_table=True)
    return None


@lru_cache(maxsize=4)
def _table(path: Path, changed: int) -> dict[str, Points]:
    return read_keypoints(path)


def _is_table(path: Path) -> bool:
    """Whether the file begins as a table of key points does."""
    try:
        with open_regular(path) as file:
            first = file.read(_HEAD_BYTES).decode("utf-8-sig", errors="replace").splitlines()[:1]
    except OSError:
        return False
    return [cell.strip() for line in first for cell in line.split(":")] == ["name", "keypoints_y", "keypoints_x"]


def _window(pixels: npt.NDArray[np.uint8], window: tuple[int, int, int, int], *, mode: str) -> npt.NDArray[np.uint8]:
    left, top, right, bottom = window
    height, width = pixels.shape[:2]
    margins = [(max(0, -top), max(0, bottom - height)), (max(0, -left), max(0, right - width))]
    margins += [(0, 0)] * (pixels.ndim - 2)
    inner = pixels[max(0, top) : bottom, max(0, left) : right]
    found: npt.NDArray[np.uint8] = np.pad(inner, margins, mode=mode)  # type: ignore[call-overload]
    return found
