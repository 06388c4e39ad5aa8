"""Real pipelines at tiny size, for all unit tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from limner.data.schema import get_schema
from limner.data.spec import DataSpec
from limner.pipelines import load
from limner.systems.scgan.networks import Discriminator, Generator, Segmentor
from limner.systems.scgan.pipeline import SCGANPipeline


@pytest.fixture
def scgan(tiny_weights: Path) -> SCGANPipeline:
    """32 px, 19 classes, CelebA's five attributes."""
    loaded = load(tiny_weights)
    assert isinstance(loaded, SCGANPipeline)
    return loaded


@pytest.fixture
def make_scgan() -> Callable[..., SCGANPipeline]:
    """`make_scgan(attributes=(…), kind="multi_label", discriminator=False, schema=…, seed=0)`."""

    def make(
        attributes: tuple[str, ...] = ("Dark_Hair", "Light_Hair"),
        *,
        kind: str = "multi_label",
        discriminator: bool = False,
        schema: str = "celebamask-19",
        seed: int = 0,
    ) -> SCGANPipeline:
        spec = DataSpec(get_schema(schema), attributes, kind)
        sizes = {"image_size": 32, "num_attributes": len(attributes)}
        num_classes = spec.schema.num_classes
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            networks = {
                "generator": Generator(**sizes, num_classes=num_classes, latent_size=8, width=8),
                "segmentor": Segmentor(num_classes=num_classes, width=8),
                **({"discriminator": Discriminator(**sizes, width=8)} if discriminator else {}),
            }
        return SCGANPipeline(spec=spec, size=32, **networks)

    return make
