"""pix2pix: sizes of the paper, its noise, its normalisation, its losses, its pipeline."""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from limner.data.batch import collate
from limner.data.dataset import MaskToImageDataset
from limner.engine.engine import Engine
from limner.errors import ConfigError, ShapeError
from limner.systems import pix2pix
from limner.systems.pix2pix.config import ModelConfig, OptimizerConfig
from limner.systems.pix2pix.networks import Generator
from limner.systems.pix2pix.presets import paper, smoke
from limner.systems.pix2pix.system import Pix2Pix
from tests.engines import engine_of


def make_generator(**options) -> Generator:
    torch.manual_seed(0)
    defaults = {"num_classes": 3, "condition": "one_hot", "image_size": 32, "width": 8, "test_statistics": "running"}
    return Generator(**{**defaults, **options})


@pytest.fixture
def engine(shapes) -> Engine:
    torch.manual_seed(0)
    config = dataclasses.replace(smoke(), optimizer=OptimizerConfig())  # no decay: tests run longer than the preset
    return engine_of(Pix2Pix(config, shapes.spec))


@pytest.fixture
def batch(shapes):
    dataset = MaskToImageDataset(shapes, image_size=32)
    return collate([dataset[index] for index in range(8)])


def test_parameters_of_the_paper():
    with torch.device("meta"):
        generator = Generator(num_classes=19, condition="palette", image_size=256)
    # 54.41 M; biases only where no norm follows.
    assert sum(p.numel() for p in generator.parameters()) == 54_414_531
    page = (Path(pix2pix.__file__).parent / "README.md").read_text()
    assert "54,414,531" in page and "576 biases more than the 54,413,955 parameters" in page
    biases = [m.bias.numel() for m in generator.encoder.modules() if isinstance(m, nn.Conv2d) and m.bias is not None]
    assert biases == [64, 512] and sum(biases) == 54_414_531 - 54_413_955
    assert generator.num_noise == 512 * (4**2 + 8**2 + 16**2)  # the three blocks after the innermost


def test_paper_preset():
    config = paper()
    assert (config.model.condition, config.train.batch_size, config.loss.weight_l1) == ("palette", 1, 100)
    assert config.optimizer == OptimizerConfig(decay_images=config.train.images // 2)
    assert (config.optimizer.lr_generator, config.optimizer.beta1) == (2e-4, 0.5)


def test_first_values(engine):
    for network in engine.raw.values():
        weights = torch.cat([p.detach().flatten() for n, p in network.named_parameters() if p.ndim == 4])
        assert float(weights.std()) == pytest.approx(0.02, rel=0.05)


@pytest.mark.parametrize("size", [32, 64, 128])
def test_output(size):
    generator = make_generator(image_size=size, width=2)
    image = generator(torch.randn(2, 3, size, size), torch.rand(2, generator.num_noise))
    assert image.shape == (2, 3, size, size) and image.abs().max() <= 1


def test_noise_drops_its_share_and_keeps_the_mean():
    generator = make_generator(dropout=0.25)
    masks = generator._masks(torch.rand(16, generator.num_noise))
    assert list(masks) == [1, 2, 3]
    for mask in masks.values():
        assert float((mask == 0).float().mean()) == pytest.approx(0.25, abs=0.03)
        assert float(mask.mean()) == pytest.approx(1, abs=0.05)
    assert not make_generator(dropout=0.0).num_noise


def test_noise_changes_the_picture_and_no_noise_drops_nothing():
    generator = make_generator().eval()
    condition = torch.randn(1, 3, 32, 32)
    first, second = (generator(condition, torch.rand(1, generator.num_noise)) for _ in range(2))
    assert not torch.equal(first, second)
    all_kept = torch.full((1, generator.num_noise), 0.99)
    doubled = {block: mask for block, mask in generator._masks(all_kept).items() if mask.unique().tolist() == [2.0]}
    assert len(doubled) == 3  # with half of all values kept, each counts twice; without noise each counts once
    assert not torch.equal(generator(condition), generator(condition, all_kept))


def test_a_picture_is_normalised_by_itself_as_in_a_batch_of_one():
    generator = make_generator(test_statistics="picture")
    conditions, noise = torch.randn(2, 3, 32, 32), torch.rand(2, generator.num_noise)
    with torch.no_grad():
        trained = [generator(conditions[k : k + 1], noise[k : k + 1]) for k in range(2)]
        generator.eval()
        torch.testing.assert_close(generator(conditions, noise), torch.cat(trained), atol=1e-4, rtol=1e-3)


def test_d_phase_parts_real_from_fake_and_g_comes_nearer(engine, batch):
    system = engine.system
    with torch.no_grad():
        noise = torch.rand(len(batch), system.generator.num_noise)
        before = (system.paint(batch, engine.raw, noise) - batch.image).abs().mean()
    for _ in range(60):
        engine.run_step(batch)
    averages = engine.averages()
    assert averages["score_real"] > averages["score_fake"]
    with torch.no_grad():
        after = (system.paint(batch, engine.raw, noise) - batch.image).abs().mean()
    assert after < 0.7 * before


def test_the_losses_are_the_papers(engine, batch):
    """D's is half the sum of both cross-entropies, G's has 100 times the distance."""
    logged = {}
    engine.log = lambda name, value: logged.update({name: value})
    system = engine.system
    captured = {}
    engine.update = lambda name, loss, draws: captured.update({name: loss(draws)})
    system.training_step(batch, engine)
    # Untrained, the logits are near 0, so each cross-entropy is near log 2.
    assert captured["discriminator"].item() == pytest.approx(np.log(2), abs=0.05)
    expected = logged["loss/adversarial"] + 100 * logged["loss/l1"]
    assert captured["generator"].item() == pytest.approx(expected.item(), rel=1e-6)


def test_generator_update_leaves_no_gradient_in_the_discriminator(engine, batch):
    engine.update("discriminator", lambda draws: engine.system.discriminator_loss(draws, engine), draws(engine, batch))
    engine.fabric.backward(engine.system.generator_loss(draws(engine, batch), engine))
    assert all(p.grad is None and p.requires_grad for p in engine.raw["discriminator"].parameters())
    assert all(p.grad is not None for p in engine.raw["generator"].parameters())


def draws(engine, batch):
    captured = []
    update = engine.update
    engine.update = lambda name, loss, part: captured.append(part)
    engine.system.training_step(batch, engine)
    engine.update = update
    return captured[0]


def test_condition_moves_with_the_picture_under_augmentation(shapes, batch):
    config = smoke()
    config = dataclasses.replace(
        config, loss=dataclasses.replace(config.loss, discriminator_augment=("translation", "cutout"))
    )
    system = Pix2Pix(config, shapes.spec)
    part = draws(engine_of(system), batch)
    painted = system.pair(part, part.condition)  # the condition in the place of the picture: both halves stay equal
    assert torch.equal(painted[:, :3], painted[:, 3:]) and not torch.equal(painted[:, :3], part.condition)


def test_pipeline_paints_what_the_evaluation_judges(engine, shapes):
    pipeline = engine.system.pipeline(engine.inference_networks())
    row = shapes.rows[0]
    result = pipeline(shapes.read_label_map(row), seed=5, num_images=3)
    label_map = torch.from_numpy(shapes.read_label_map(row))[None].long()
    with pipeline.inference():
        image = pipeline.paint(label_map, torch.zeros(1, 2), [7])
    ours = ((image[0] + 1) * 127.5).round().byte().permute(1, 2, 0).numpy()
    assert np.abs(np.asarray(result.images[2]).astype(int) - ours).max() <= 1
    assert len({image.tobytes() for image in result.images}) == 3


def test_without_test_noise_all_pictures_are_the_same_and_a_warning_says_so(shapes, caplog):
    config = smoke()
    config = dataclasses.replace(config, model=dataclasses.replace(config.model, test_noise=False))
    system = Pix2Pix(config, shapes.spec)
    pipeline = system.pipeline(system.networks)
    with caplog.at_level(logging.WARNING):
        result = pipeline(shapes.read_label_map(shapes.rows[0]), num_images=2)
    assert result.images[0].tobytes() == result.images[1].tobytes()
    assert "all 2 pictures of a map are the same" in caplog.text
    assert pipeline.export_targets()["generator"].inputs == ("label_map",)


def test_refusals(shapes, make_shapes):
    with pytest.raises(ShapeError, match="power of two"):
        make_generator(image_size=48)
    for values, text in (
        ({"image_size": 48}, "image_size is 48"),
        ({"dropout": 1.0}, "dropout is 1.0"),
        ({"generator_width": 0}, "generator_width is 0"),
    ):
        with pytest.raises(ConfigError, match=text):
            ModelConfig(**values)
    with pytest.raises(ShapeError, match="num_classes 5"):
        type(Pix2Pix(smoke(), shapes.spec).pipeline({"generator": make_generator()}))(
            spec=shapes.spec, size=32, generator=make_generator(num_classes=5)
        )


@pytest.mark.parametrize("accumulate, passes", [(1, 1), (2, 4)])
def test_one_picture_serves_both_updates_but_under_accumulation(accumulate, passes, shapes, batch):
    config = smoke()
    system = Pix2Pix(
        dataclasses.replace(config, train=dataclasses.replace(config.train, accumulate=accumulate)), shapes.spec
    )
    engine = engine_of(system)
    calls = []
    system.generator.register_forward_hook(lambda *_: calls.append(1))
    engine.run_step(batch)
    assert len(calls) == passes
