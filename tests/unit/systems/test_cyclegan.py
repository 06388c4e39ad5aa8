"""CycleGAN: sizes of the paper, the pool, what is paired and what is not, both directions."""

from __future__ import annotations

import dataclasses
import logging

import numpy as np
import pytest
import torch
from PIL import Image

from limner.data.batch import collate
from limner.data.dataset import MaskToImageDataset
from limner.engine.engine import Engine
from limner.errors import ConfigError
from limner.nn.label_maps import colorize
from limner.systems.cyclegan.config import LossConfig, ModelConfig, OptimizerConfig
from limner.systems.cyclegan.networks import Generator
from limner.systems.cyclegan.pool import ImagePool
from limner.systems.cyclegan.presets import paper, smoke
from limner.systems.cyclegan.system import DISCRIMINATORS, GENERATORS, CycleGAN
from tests.engines import engine_of


@pytest.fixture
def engine(shapes) -> Engine:
    torch.manual_seed(0)
    config = dataclasses.replace(smoke(), optimizer=OptimizerConfig())
    return engine_of(CycleGAN(config, shapes.spec))


@pytest.fixture
def batch(shapes):
    dataset = MaskToImageDataset(shapes, image_size=32)
    return collate([dataset[index] for index in range(8)])


def numbered(*values: float) -> torch.Tensor:
    return torch.tensor(values)[:, None, None, None].expand(-1, 3, 2, 2).clone()


def test_parameters_of_the_paper():
    with torch.device("meta"):
        generator = Generator()
    assert sum(p.numel() for p in generator.parameters()) == 11_378_179  # 11.378 M


def test_paper_preset():
    config = paper()
    assert config.loss == LossConfig("lsgan", 10, 5, 50)
    assert (config.model.num_blocks, config.train.batch_size) == (9, 1)
    assert config.optimizer == OptimizerConfig(decay_images=config.train.images // 2)


@pytest.mark.parametrize("size", [32, 44, 64])
def test_output(size):
    image = Generator(width=4, num_blocks=1)(torch.randn(2, 3, size, size))
    assert image.shape == (2, 3, size, size) and image.abs().max() <= 1


def test_the_pool_fills_then_exchanges_half():
    pool, random = ImagePool(4), torch.Generator().manual_seed(0)
    first = numbered(0.0, 1.0, 2.0, 3.0)
    assert torch.equal(pool.exchange(first, random), first)
    exchanged = 0
    for value in map(float, range(4, 204)):
        held = set(pool.images[:, 0, 0, 0].tolist())
        out = float(pool.exchange(numbered(value), random)[0, 0, 0, 0])
        now = set(pool.images[:, 0, 0, 0].tolist())
        if out != value:
            exchanged += 1
            assert out in held and now == (held - {out}) | {value}
        else:
            assert now == held
    assert 70 < exchanged < 130


def test_the_pool_depends_on_its_state_and_its_random_numbers_alone():
    pool, other = ImagePool(3), ImagePool(3)
    for step in range(5):
        images = numbered(*map(float, range(4 * step, 4 * step + 4)))
        out = pool.exchange(images, torch.Generator().manual_seed(step))
        assert torch.equal(out, other.exchange(images, torch.Generator().manual_seed(step)))
    assert ImagePool(0).exchange(numbered(7.0), torch.Generator()).mean() == 7


def test_pools_are_part_of_the_state(engine, batch):
    assert engine.system.state_dict() == dict.fromkeys(DISCRIMINATORS)
    engine.run_step(batch)
    state = engine.system.training_state(engine)["system"]
    assert state["discriminator"].shape == (8, 3, 32, 32)
    fresh = CycleGAN(engine.system.config, engine.system.spec)
    fresh.load_state_dict(state)
    assert torch.equal(fresh.pools["map_discriminator"].images, state["map_discriminator"])


def test_pictures_meet_maps_of_other_pictures(engine, batch):
    seen = []
    update = engine.update
    engine.update = lambda names, loss, part: (seen.append(part), update(names, loss, part))
    engine.run_step(batch)
    maps = colorize(batch.label_map, engine.system.spec.schema)
    own = sum(torch.equal(a, b) for a, b in zip(seen[0].map_picture, maps, strict=True))
    assert own < 4
    assert sorted(x.numpy().tobytes() for x in seen[0].map_picture) == sorted(x.numpy().tobytes() for x in maps)
    assert torch.equal(seen[0].image, batch.image)


def test_both_generators_then_both_discriminators_are_updated_together(engine, batch):
    before = {name: [p.clone() for p in network.parameters()] for name, network in engine.raw.items()}
    update, order = engine.update, []

    def watched(names, loss, part):
        update(names, loss, part)
        order.append(names)
        for name, parameters in before.items():
            moved = any(not torch.equal(a, b) for a, b in zip(parameters, engine.raw[name].parameters(), strict=True))
            assert moved == any(name in names for names in order)

    engine.update = watched
    engine.run_step(batch)
    assert order == [GENERATORS, DISCRIMINATORS]


def test_weights_of_the_losses(engine, batch):
    logged, captured = {}, {}
    engine.log = lambda name, value: logged.update({name: value.item()})
    engine.update = lambda names, loss, part: captured.update({names: loss(part).item()})
    engine.run_step(batch)
    adversarial = logged["loss/adversarial_discriminator"] + logged["loss/adversarial_map_discriminator"]
    expected = adversarial + 10 * logged["loss/cycle"] + 5 * logged["loss/identity"]
    assert captured[GENERATORS] == pytest.approx(expected, rel=1e-5)
    # Untrained, all logits are near 0: each discriminator has half of (0 - 1)^2 + 0^2.
    assert captured[DISCRIMINATORS] == pytest.approx(1.0, abs=0.1)


def test_the_way_back_is_learned(engine, batch):
    def distance() -> float:
        with torch.no_grad():
            return float(
                (engine.raw["generator"](engine.raw["inverse_generator"](batch.image)) - batch.image).abs().mean()
            )

    before = distance()
    for _ in range(15):
        engine.run_step(batch)
    assert distance() < 0.9 * before


def test_pipeline_paints_and_labels(engine, shapes, tmp_path, caplog):
    pipeline = engine.system.pipeline(engine.inference_networks())
    label_map = shapes.read_label_map(shapes.rows[0])
    with caplog.at_level(logging.WARNING):
        plan = pipeline.plan(label_map, num_images=2)
    assert "all 2 pictures of a map are the same" in caplog.text
    first, second = pipeline.render(plan).images
    assert first.tobytes() == second.tobytes()
    first.save(tmp_path / "picture.png")
    ids = pipeline.segment(tmp_path / "picture.png")
    assert ids.shape == (32, 32) and ids.dtype == np.uint8 and ids.max() < 3


def test_labels_are_the_nearest_colours(engine, shapes):
    """An inverse generator that returns its input gives back the ids of a painted map."""
    pipeline = engine.system.pipeline(engine.inference_networks())
    pipeline.components["inverse_generator"] = torch.nn.Identity()
    label_map = shapes.read_label_map(shapes.rows[1])
    painted = shapes.spec.schema.colorize(label_map)
    noisy = (painted.astype(int) + np.random.default_rng(0).integers(-60, 60, painted.shape)).clip(0, 255)
    assert np.array_equal(pipeline.segment(Image.fromarray(noisy.astype(np.uint8))), label_map)


def test_refusals():
    for section, values, text in (
        (ModelConfig, {"image_size": 50}, "image_size is 50; it must be a multiple of 4"),
        (ModelConfig, {"num_blocks": 0}, "num_blocks is 0"),
        (LossConfig, {"pool_size": -1}, "pool_size is -1"),
        (LossConfig, {"weight_cycle": float("nan")}, "weight_cycle is nan"),
    ):
        with pytest.raises(ConfigError, match=text):
            section(**values)
