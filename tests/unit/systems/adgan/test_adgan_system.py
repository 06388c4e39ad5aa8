"""Training of ADGAN on stick people, and what it is given of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from limner.errors import ConfigError, DataError
from limner.pose_transfer.parts import PARTS, SCHEMA, to_parts
from limner.systems.adgan.networks import NUM_PARTS
from limner.systems.adgan.presets import PRESETS
from limner.systems.adgan.system import ADGAN
from tests.engines import engine_of
from tests.stick_people import draw, draw_parts, pose, write_stick_people


def test_every_class_goes_to_one_part():
    assert len(PARTS) == NUM_PARTS
    found = dict(zip(SCHEMA.classes, to_parts(np.arange(SCHEMA.num_classes, dtype=np.uint8)).tolist(), strict=True))
    assert found["background"] == 0 and found["dress"] == found["coat"] == PARTS.index("upper")
    assert {PARTS[part] for part in found.values()} == set(PARTS)


def test_a_step_changes_every_network(tmp_path):
    folder, config = write_stick_people(tmp_path, has_parsing=True), PRESETS["smoke"]()
    data = ADGAN.open_data(config, folder)
    torch.manual_seed(0)
    system = ADGAN(config, data.spec)
    system.prepare(torch.device("cpu"))
    batch = data.collate([data.train_set[index] for index in range(4)])
    assert set(batch.parts.unique().tolist()) >= {0, PARTS.index("upper"), PARTS.index("pants")}
    before = {name: [p.detach().clone() for p in net.parameters()] for name, net in system.networks.items()}
    engine = engine_of(system)
    engine.run_step(batch)
    for name, network in system.networks.items():
        assert any(not torch.equal(a, b) for a, b in zip(before[name], network.parameters(), strict=True)), name
    assert {"loss/adversarial", "loss/l1", "loss/perceptual", "loss/contextual"} <= set(engine.averages())
    pipe = system.pipeline(engine.inference_networks())
    points = pose(np.random.default_rng(0))
    photo, parsing = draw(points, (200, 0, 0), (0, 0, 90)), draw_parts(points)
    picture = pipe(photo, points, source_pose=points, parsing=parsing).images[0]
    assert picture.size == (44, 64)
    with pytest.raises(DataError, match="which adgan needs"):
        pipe.plan(photo, points, source_pose=points)
    with pytest.raises(ConfigError, match="draws nothing at random"):
        pipe.plan(photo, points, source_pose=points, parsing=parsing, seed=3)


def test_without_body_parsing_the_data_are_refused(tmp_path):
    with pytest.raises(DataError, match="has no body parsing"):
        ADGAN.open_data(PRESETS["smoke"](), write_stick_people(tmp_path))


def test_the_papers_network_wants_the_file_of_vgg(tmp_path, monkeypatch):
    monkeypatch.setenv("LIMNER_CACHE", str(tmp_path / "empty"))
    config = PRESETS["paper"]()
    folder = write_stick_people(tmp_path / "data", has_parsing=True)
    system = ADGAN(config, ADGAN.open_data(config, folder).spec)
    with pytest.raises(ConfigError, match="VGG-19"):
        system.prepare(torch.device("cpu"))
