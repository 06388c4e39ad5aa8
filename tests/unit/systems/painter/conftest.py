"""Real painters at tiny size, and pictures drawn by code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from limner.data.spec import DataSpec
from limner.systems.painter.networks import Actor, AttentionNetwork, Renderer
from limner.systems.painter.pipeline import PainterPipeline

SIZE = 32


def scene(number: int, *, height: int = 64, width: int = 64) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """A picture (height, width, 3) of a two-toned disc before a smooth background, and its mask (height, width)."""
    random = np.random.default_rng(number)
    y, x = np.mgrid[:height, :width] / np.array([height, width])[:, None, None]
    slopes, base = random.uniform(-0.3, 0.3, (2, 3)), random.uniform(0.3, 0.7, 3)
    picture = base + slopes[0] * (x[..., None] - 0.5) + slopes[1] * (y[..., None] - 0.5)
    centre, radius = random.uniform(0.35, 0.65, 2), random.uniform(0.18, 0.28)
    mask = (x - centre[0]) ** 2 + (y - centre[1]) ** 2 < radius**2
    first, second = random.uniform(0, 1, (2, 3))
    picture[mask] = first
    picture[mask & (x > centre[0])] = second
    return (picture.clip(0, 1) * 255).astype(np.uint8), (mask * 255).astype(np.uint8)


@pytest.fixture
def make_painter() -> Callable[..., PainterPipeline]:
    """`make_painter(attends=True, attention=True, seed=0)`: 32 px, untrained."""

    def make(*, attends: bool = True, attention: bool = True, seed: int = 0) -> PainterPipeline:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            networks: dict[str, torch.nn.Module] = {
                "renderer": Renderer(image_size=SIZE, widths=(32, 64, 64, 64)),
                "actor": Actor(in_channels=11 if attends else 9, width=8, steps=4),
            }
            if attends and attention:
                networks["attention"] = AttentionNetwork(width=4)
        return PainterPipeline(spec=DataSpec(), size=SIZE, **networks)

    return make


@pytest.fixture
def painter(make_painter: Callable[..., PainterPipeline]) -> PainterPipeline:
    return make_painter()


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with eight pictures and their masks; do not change it."""
    root = tmp_path_factory.mktemp("pictures")
    for folder in ("images", "masks"):
        (root / folder).mkdir()
    for number in range(8):
        picture, mask = scene(number)
        Image.fromarray(picture).save(root / f"images/{number}.png")
        Image.fromarray(mask).save(root / f"masks/{number}.png")
    return root
