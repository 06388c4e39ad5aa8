"""Small networks of maskface for the tests in this folder."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch.nn import functional

from limner.data.batch import MaskToImageBatch
from limner.data.schema import LabelSchema, get_schema
from limner.data.spec import DataSpec
from limner.engine.engine import Engine
from limner.engine.fabric import make_fabric
from limner.systems.maskface.config import MaskFaceConfig
from limner.systems.maskface.networks import Discriminator, Generator, StyleDecoder, StyleEncoder
from limner.systems.maskface.pipeline import MaskFacePipeline
from limner.systems.maskface.presets import smoke
from limner.systems.maskface.system import MaskFace
from tests.engines import engine_of

SCHEMA = LabelSchema(name="test-3", classes=("background", "face", "hair"), palette=((0, 0, 0), (9, 9, 9), (99, 9, 9)))
SIZE = 32


def make_config(*, loss: dict | None = None, optimizer: dict | None = None, **sections: dict) -> MaskFaceConfig:
    """The smoke preset with some settings changed."""
    changes = {"loss": loss or {}, "optimizer": optimizer or {}, **sections}
    config = smoke()
    return dataclasses.replace(
        config, **{name: dataclasses.replace(getattr(config, name), **values) for name, values in changes.items()}
    )


@pytest.fixture(scope="session")
def fabric():
    """One for all tests: to make one takes half a second."""
    return make_fabric(smoke().train)


@pytest.fixture
def make_engine(fabric):
    """`make_engine(loss={...}, model={...}, ...)`: an engine around new networks of three classes."""

    def make(**changes: dict) -> Engine:
        config = make_config(**changes)
        torch.manual_seed(0)
        return engine_of(MaskFace(config, DataSpec(SCHEMA)), fabric)

    return make


@pytest.fixture
def batch() -> MaskToImageBatch:
    """Four rings of hair around a face, each in its own colours."""
    random = torch.Generator().manual_seed(1)
    y, x = torch.meshgrid(torch.arange(SIZE), torch.arange(SIZE), indexing="ij")
    maps, images = [], []
    for index in range(4):
        distance = ((y - 15 - index) ** 2 + (x - 16) ** 2).float().sqrt()
        label_map = (distance < 13).long() * 2
        label_map[distance < 8 + index % 2] = 1
        colors = torch.rand(3, 3, generator=random) * 1.6 - 0.8
        maps.append(label_map)
        images.append(torch.einsum("hwc,cr->rhw", functional.one_hot(label_map, 3).float(), colors))
    return MaskToImageBatch(torch.stack(images), torch.stack(maps), torch.zeros(4, 0), torch.arange(4))


@pytest.fixture
def make_pipeline():
    """`make_pipeline(schema=..., discriminator=True)`: untrained networks, 32 px."""

    def make(*, schema: LabelSchema | str = "celebamask-19", discriminator: bool = True, seed: int = 0, size: int = 32):
        spec = DataSpec(get_schema(schema))
        classes = spec.schema.num_classes
        torch.manual_seed(seed)
        networks = {
            "generator": Generator(image_size=size, num_classes=classes, style_size=8, width=8, max_width=16),
            "style_encoder": StyleEncoder(latent_size=4, style_size=8, width=16),
            "style_decoder": StyleDecoder(image_size=size, style_size=8, width=8, max_width=16),
        }
        if discriminator:
            networks["discriminator"] = Discriminator(image_size=size, num_classes=classes, width=8, max_width=16)
        return MaskFacePipeline(spec=spec, size=size, **networks)

    return make


@pytest.fixture
def pipeline(make_pipeline) -> MaskFacePipeline:
    """Untrained networks of the 19 classes of CelebAMask-HQ, 32 px, with the discriminator."""
    return make_pipeline()
