"""Small networks of portrait and drawn faces for the tests in this folder."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

import limner
from limner.data.batch import MaskToImageBatch
from limner.data.drawn import draw_face
from limner.data.schema import converter, get_schema
from limner.data.spec import DataSpec
from limner.engine.engine import Engine
from limner.engine.fabric import make_fabric
from limner.nn.parsing import ParsingNetwork
from limner.systems.portrait.networks import Appearance, Generator
from limner.systems.portrait.pipeline import PortraitPipeline
from limner.systems.portrait.presets import smoke
from limner.systems.portrait.system import Portrait
from tests.engines import engine_of

SCHEMA = get_schema("portrait-11")
SIZE = 64
NUM_FACES = 4


@pytest.fixture(scope="session")
def faces() -> list[tuple[np.ndarray, np.ndarray]]:
    """Four drawn faces: (64, 64, 3) photo, (64, 64) ids of portrait-11."""
    table = converter("celebamask-19", SCHEMA)
    drawn = [draw_face(5, index, size=SIZE) for index in (0, 1, 3, 4)]
    return [(face.image, table[face.label_map]) for face in drawn]


@pytest.fixture
def batch(faces) -> MaskToImageBatch:
    """The four faces as a batch."""
    photos = torch.from_numpy(np.stack([photo for photo, _ in faces])).permute(0, 3, 1, 2).float() / 127.5 - 1
    maps = torch.from_numpy(np.stack([ids for _, ids in faces])).long()
    return MaskToImageBatch(photos.contiguous(), maps, torch.zeros(NUM_FACES, 0), torch.arange(NUM_FACES))


@pytest.fixture(scope="session")
def fabric():
    """One for all tests: to make one takes half a second."""
    return make_fabric(smoke().train)


@pytest.fixture
def make_engine(fabric):
    """`make_engine(model={...}, loss={...}, ...)`: an engine around new networks; the parser is not trained first."""

    def make(**changes: dict) -> Engine:
        changes["optimizer"] = {"parser_images": 0, **changes.get("optimizer", {})}
        config = smoke()
        config = dataclasses.replace(
            config, **{name: dataclasses.replace(getattr(config, name), **values) for name, values in changes.items()}
        )
        torch.manual_seed(0)
        return engine_of(Portrait(config, DataSpec(SCHEMA)), fabric)

    return make


@pytest.fixture(scope="session")
def face_parser() -> ParsingNetwork:
    """The shipped parser of people without the classes that portrait does not have."""
    shipped = limner.load("parser-people-64", system="parser")
    old = shipped.components["parser"]
    network = ParsingNetwork(num_classes=SCHEMA.num_classes, num_attributes=0, width=old.config["width"])
    state = {key: value for key, value in old.state_dict().items() if key in network.state_dict()}
    # Sides are the subject's there and the image's here.
    exchanged = {"l_eye": "r_eye", "r_eye": "l_eye", "l_brow": "r_brow", "r_brow": "l_brow"}
    rows = [shipped.spec.schema.id(exchanged.get(name, name)) for name in SCHEMA.classes]
    network.load_state_dict({**state, **{key: state[key][rows] for key in ("to_logits.weight", "to_logits.bias")}})
    return network


class MapParser(ParsingNetwork):
    """A parser whose answer is written into the photo: its blue channel is 20 times the id."""

    def forward(self, image):
        output = super().forward(image)
        ids = ((image[:, 2] + 1) * 127.5 / 20).round().long().clamp(0, SCHEMA.num_classes - 1)
        logits = torch.nn.functional.one_hot(ids, SCHEMA.num_classes).permute(0, 3, 1, 2).float() * 10
        return output._replace(logits=logits)


def readable(photo: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """The photo with its map in the blue channel, for `MapParser`."""
    return np.concatenate([photo[..., :2], (ids * 20)[..., None]], axis=2)


@pytest.fixture(scope="session")
def photos(faces) -> list[np.ndarray]:
    """The four faces, readable by the parser of `pipeline`."""
    return [readable(photo, ids) for photo, ids in faces]


@pytest.fixture
def make_pipeline():
    """`make_pipeline(latent=..., eye_input=...)`: untrained networks of 64 px with a parser that is right."""

    def make(*, seed: int = 0, width: int = 4, **options) -> PortraitPipeline:
        torch.manual_seed(seed)
        return PortraitPipeline(
            spec=DataSpec(SCHEMA),
            size=SIZE,
            appearance=Appearance(image_size=SIZE, width=width, feature_stride=2, norm="group", **options),
            generator=Generator(
                image_size=SIZE, width=4, appearance_width=width, feature_stride=2, num_blocks=1, norm="group"
            ),
            parser=MapParser(num_classes=SCHEMA.num_classes, num_attributes=0, width=8),
        )

    return make


@pytest.fixture
def pipeline(make_pipeline) -> PortraitPipeline:
    """`make_pipeline()`."""
    return make_pipeline()
