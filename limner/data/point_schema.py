"""Point schemas: what the numbered points of a face or a body mean, which change places in a mirror, which are joined.

Left and right are the subject's in every schema here, as in the data sets they come from. No torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from limner.errors import ConfigError, DataError, nearest

FAR_PX = 1e6
"""No key point or landmark lies farther away, in pixels of its picture."""


@dataclass(frozen=True)
class PointGroup:
    """Points that belong together, such as those of a nose or of one limb."""

    name: str
    lines: tuple[tuple[int, ...], ...]
    """Polylines by the numbers of their points; a closed one ends with its first point."""

    @property
    def points(self) -> tuple[int, ...]:
        """Numbers of all points of the group, sorted."""
        return tuple(sorted({point for line in self.lines for point in line}))


@dataclass(frozen=True)
class PointSchema:
    """Named points in a fixed order: point `i` of `points` is row `i` of every array."""

    name: str
    """Unique name, used in messages, checkpoints and on the command line."""
    points: tuple[str, ...]
    """Names in order."""
    flip_pairs: tuple[tuple[str, str], ...] = ()
    """Points that change places when the picture is mirrored."""
    groups: tuple[PointGroup, ...] = ()
    """Parts with the lines that join their points; a point may be in several or in none."""

    def __post_init__(self) -> None:
        if not self.points or len(set(self.points)) != len(self.points):
            raise ConfigError(f'The point schema "{self.name}" must name at least one point, and none twice.')
        paired = [name for pair in self.flip_pairs for name in pair]
        for name in paired:
            self.index(name)
        if len(set(paired)) != len(paired):
            raise ConfigError(f'The point schema "{self.name}" has a point in two flip pairs.')
        numbers = {point for group in self.groups for point in group.points}
        if numbers and not (min(numbers) >= 0 and max(numbers) < len(self.points)):
            raise ConfigError(f'The point schema "{self.name}" has lines between points that it does not have.')

    def __len__(self) -> int:
        return len(self.points)

    def index(self, name: str) -> int:
        """The number of a point.

        Raises:
            ConfigError: if there is no such point.
        """
        if name not in self.points:
            raise ConfigError(f'The point schema "{self.name}" has no point "{name}".{nearest(name, self.points)}')
        return self.points.index(name)

    @property
    def lines(self) -> tuple[tuple[int, ...], ...]:
        """The lines of all groups."""
        return tuple(line for group in self.groups for line in group.lines)

    def flip_permutation(self) -> npt.NDArray[np.int64]:
        """Table of `len(self)` numbers: where each point of a mirrored picture comes from."""
        table = np.arange(len(self), dtype=np.int64)
        for first, second in self.flip_pairs:
            i, j = self.index(first), self.index(second)
            table[i], table[j] = j, i
        return table

    def to_json(self) -> dict[str, Any]:
        """Plain data from which `from_json` makes an equal schema."""
        return {
            "name": self.name,
            "points": list(self.points),
            "flip_pairs": [list(pair) for pair in self.flip_pairs],
            "groups": [{"name": group.name, "lines": [list(line) for line in group.lines]} for group in self.groups],
        }

    @classmethod
    def from_json(cls, data: Any) -> PointSchema:
        """The reverse of `to_json`.

        Raises:
            DataError: if a field is missing or of the wrong kind.
        """
        try:
            groups = tuple(
                PointGroup(str(group["name"]), tuple(tuple(map(int, line)) for line in group["lines"]))
                for group in data["groups"]
            )
            pairs = tuple((str(first), str(second)) for first, second in data["flip_pairs"])
            return cls(str(data["name"]), tuple(map(str, data["points"])), pairs, groups)
        except (KeyError, TypeError, ValueError, ConfigError) as error:
            raise DataError(f"The point schema cannot be used: {error}") from error


def _sides(points: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """The pairs of a schema in which sides begin with `r_` and `l_`."""
    return tuple((name, f"l{name[1:]}") for name in points if name.startswith("r_"))


def _numbered(name: str, num: int) -> tuple[str, ...]:
    return tuple(f"{name}_{index}" for index in range(num))


def _ibug_68() -> PointSchema:
    """The 68 points of iBUG 300-W; the subject's right side lies on the image's left and comes first."""
    names = (
        *_numbered("jaw", 17), *_numbered("r_brow", 5), *_numbered("l_brow", 5), *_numbered("bridge", 4),
        *_numbered("nostrils", 5), *_numbered("r_eye", 6), *_numbered("l_eye", 6), *_numbered("outer_lips", 12),
        *_numbered("inner_lips", 8),
    )  # fmt: skip
    numbers = [(index, 16 - index) for index in range(8)]  # the jaw, in a mirror
    numbers += [(17 + index, 26 - index) for index in range(5)]  # brows, from the outside in
    numbers += [(31, 35), (32, 34)]
    numbers += [(36, 45), (37, 44), (38, 43), (39, 42), (40, 47), (41, 46)]
    numbers += [(48, 54), (49, 53), (50, 52), (55, 59), (56, 58), (60, 64), (61, 63), (65, 67)]
    groups = (
        PointGroup("jaw", (tuple(range(17)),)),
        PointGroup("r_brow", (tuple(range(17, 22)),)),
        PointGroup("l_brow", (tuple(range(22, 27)),)),
        PointGroup("nose", (tuple(range(27, 31)), tuple(range(31, 36)))),
        PointGroup("r_eye", ((*range(36, 42), 36),)),
        PointGroup("l_eye", ((*range(42, 48), 42),)),
        PointGroup("mouth", ((*range(48, 60), 48), (*range(60, 68), 60))),
    )
    return PointSchema("ibug-68", names, tuple((names[i], names[j]) for i, j in numbers), groups)


_BODY = (
    "neck", "r_shoulder", "r_elbow", "r_wrist", "l_shoulder", "l_elbow", "l_wrist", "r_hip", "r_knee", "r_ankle",
    "l_hip", "l_knee", "l_ankle",
)  # fmt: skip
_LIMBS = (
    (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13), (1, 0),
    (0, 14), (14, 16), (0, 15), (15, 17),
)  # fmt: skip


def _body(name: str, points: tuple[str, ...]) -> PointSchema:
    limbs = [limb for limb in _LIMBS if max(limb) < len(points)]
    groups = tuple(PointGroup(f"{points[first]}-{points[second]}", ((first, second),)) for first, second in limbs)
    return PointSchema(name, points, _sides(points), groups)


IBUG_68 = _ibug_68()
"""Landmarks of a face."""
OPENPOSE_18 = _body("openpose-18", ("nose", *_BODY, "r_eye", "l_eye", "r_ear", "l_ear"))
"""Key points of a body, in OpenPose's order for COCO."""
MARKET_14 = _body("market-14", ("head_top", *_BODY))
"""Key points whose first one is the top of the head, as in layumi's annotation of Market-1501 (scagan.md 10.12)."""

POINT_SCHEMAS = {schema.name: schema for schema in (IBUG_68, OPENPOSE_18, MARKET_14)}
"""Built-in point schemas by name."""
