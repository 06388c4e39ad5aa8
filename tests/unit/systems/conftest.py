"""A data set in memory: coloured shapes with exact labels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from limner.data.manifest import Manifest, Row
from limner.data.schema import LabelSchema
from limner.data.spec import DataSpec

SCHEMA = LabelSchema(
    name="shapes",
    classes=("background", "disc", "bar"),
    palette=((0, 0, 0), (255, 0, 0), (0, 0, 255)),
)


@dataclass(frozen=True)
class ShapesReader:
    """Row.image is the seed of the picture; the attribute Dark halves its brightness."""

    size: int = 32

    def read_label_map(self, row: Row) -> NDArray[np.uint8]:
        random = np.random.default_rng(int(row.image))
        y, x = np.mgrid[: self.size, : self.size]
        center = random.uniform(0.3, 0.7, size=2) * self.size
        label_map = np.zeros((self.size, self.size), dtype=np.uint8)
        label_map[(y - center[0]) ** 2 + (x - center[1]) ** 2 < (0.25 * self.size) ** 2] = 1
        top = int(random.integers(0, self.size - 6))
        label_map[top : top + 5] = 2
        return label_map

    def read_image(self, row: Row) -> NDArray[np.uint8]:
        random = np.random.default_rng((int(row.image), 1))
        colors = np.array([[90, 90, 90], [220, 80, 60], [60, 90, 220]]) * (0.5 if row.attributes[:1] == (1.0,) else 1.0)
        image = colors[self.read_label_map(row)] + random.normal(0, 8, size=(self.size, self.size, 3))
        return image.clip(0, 255).astype(np.uint8)

    def files(self, row: Row) -> tuple[Path, ...]:
        return ()


def make_manifest(
    *, num_train: int = 24, num_test: int = 6, attributes: tuple[str, ...] = ("Dark", "Odd"), kind: str = "multi_label"
) -> Manifest:
    rows = []
    for index in range(num_train + num_test):
        values = (float(index % 2), float(index % 3 == 0)) if kind == "multi_label" else (index % 2, 1.0 - index % 2)
        split = "train" if index < num_train else "test"
        rows.append(Row(f"{index}", f"{index}", "", values[: len(attributes)], split))
    spec = DataSpec(SCHEMA, attributes, kind)
    return Manifest(Path("shapes"), "memory", spec, tuple(rows), ShapesReader(), SCHEMA)


@pytest.fixture
def shapes() -> Manifest:
    """24 training and 6 test pictures of 32 pixels, three classes, two independent attributes."""
    return make_manifest()


@pytest.fixture
def make_shapes():
    """`make_manifest` itself."""
    return make_manifest
