"""One sample with whatever fields it has. No torch."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sample:
    """A row of a manifest, read; what it lacks or nobody asked for is none. Arrays may belong to a cache: do not write.

    Points are x, y in pixels of `image`; a pixel's middle is a whole number; NaN: not seen.
    """

    index: int
    """Row of the manifest."""
    image: npt.NDArray[np.uint8] | None = None
    """(H, W, 3) RGB."""
    label_map: npt.NDArray[np.uint8] | None = None
    """(H, W) class ids."""
    landmarks: Points | None = None
    """(n, 2)."""
    keypoints: Points | None = None
    """(n, 2)."""
    attributes: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    """(n,) in [0, 1]."""
    captions: tuple[str, ...] = ()
    """Sentences about it."""
    age: float = float("nan")
    """In years."""
    age_group: int = -1
    """Index into the spec's age groups; -1: unknown."""
    identity: int = -1
    """Number of the person within the manifest; -1: unknown."""
    category: int = -1
    """Number of the class within the manifest; -1: unknown."""
