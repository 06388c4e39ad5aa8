"""Where each pixel of a changed picture comes from: one matrix, by which points move as the pixels do. No torch."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from limner.data.point_schema import PointSchema
from limner.data.sample import Points
from limner.data.size import Size
from limner.errors import ShapeError

Matrix = npt.NDArray[np.float64]


def _unit() -> Matrix:
    return np.eye(3)


@dataclass(frozen=True, eq=False)
class Geometry:
    """A change of a picture's pixels' places; pixels' middles are whole numbers."""

    matrix: Matrix = field(default_factory=_unit)
    """(3, 3): place (x, y, 1) in the old picture -> place in the new one."""
    flipped: bool = False
    """Whether left and right have changed places."""

    def then(self, after: Geometry) -> Geometry:
        """This change, and another one after it."""
        return Geometry(after.matrix @ self.matrix, self.flipped != after.flipped)

    def move(self, points: Points, schema: PointSchema) -> Points:
        """Points of the old picture in the new one: places by the matrix, names by the schema's mirror; NaN stays NaN.

        Args:
            points: (n, 2) x, y in pixels.
            schema: of the points.

        Raises:
            ShapeError: if the schema has another number of points.
        """
        if points.shape != (len(schema), 2):
            raise ShapeError(f"Points have the shape {points.shape}, but {schema.name} has {len(schema)} (x, y).")
        moved: Points = points @ self.matrix[:2, :2].T + self.matrix[:2, 2]
        return moved[schema.flip_permutation()] if self.flipped else moved

    @classmethod
    def resized(cls, old: Size, new: Size) -> Geometry:
        """A picture enlarged or shrunk to another size."""
        return cls.cut((0.0, 0.0, float(old.width), float(old.height)), new)

    @classmethod
    def cut(cls, box: tuple[float, float, float, float], new: Size) -> Geometry:
        """The part left, top, right, bottom (edges of pixels) of a picture, brought to a size."""
        left, top, right, bottom = box
        x, y = new.width / (right - left), new.height / (bottom - top)
        return cls(np.array([[x, 0, x * (0.5 - left) - 0.5], [0, y, y * (0.5 - top) - 0.5], [0, 0, 1.0]]))

    @classmethod
    def mirrored(cls, width: int) -> Geometry:
        """A picture of this width mirrored left to right."""
        return cls(np.array([[-1.0, 0, width - 1.0], [0, 1.0, 0], [0, 0, 1.0]]), flipped=True)

    @classmethod
    def moved(cls, right: float, down: float) -> Geometry:
        """A picture shifted by pixels."""
        return cls(np.array([[1.0, 0, right], [0, 1.0, down], [0, 0, 1.0]]))
