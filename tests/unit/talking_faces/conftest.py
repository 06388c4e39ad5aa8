"""Small networks of talking faces, and things to say and to show."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from limner.data.spec import AudioSpec, DataSpec
from limner.people.gallery import ready
from limner.systems.avwnet.networks import Generator
from limner.systems.avwnet.pipeline import AVWnetPipeline


@pytest.fixture(scope="session")
def speaker() -> AVWnetPipeline:
    """AVWnet that was never trained, with norms that have seen a batch, so that speech has an effect."""
    torch.manual_seed(0)
    generator = Generator(image_size=64, width=4, num_blocks=1, num_fine_blocks=1, num_layers=1)
    random = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for _ in range(20):
            photo = torch.rand(2, 3, 64, 64, generator=random) * 2 - 1
            generator(
                photo, torch.rand(2, 5, 64, 64, generator=random), 9 * torch.randn(2, 8, 28, 12, generator=random)
            )
    return AVWnetPipeline(spec=DataSpec(audio=AudioSpec(16_000, 25.0)), size=64, generator=generator)


@pytest.fixture(scope="session")
def face() -> np.ndarray:
    """(128, 128, 3) uint8, a ready-made person."""
    return ready("face")[0].image


@pytest.fixture(scope="session")
def speech() -> np.ndarray:
    """Two seconds of tones that come and go."""
    seconds = np.arange(32_000) / 16_000
    return (0.5 * np.sin(2 * np.pi * 220 * seconds) * np.sin(2 * np.pi * 2 * seconds) ** 2).astype(np.float32)
