"""Training the parser: losses, jitter, what a step changes, that it learns."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from limner.data.dataset import MaskToImageDataset, collate
from limner.engine.data import TrainingData
from limner.engine.fabric import make_fabric
from limner.engine.loop import fit
from limner.errors import ConfigError
from limner.systems.parser.config import LossConfig, ModelConfig, OptimizerConfig
from limner.systems.parser.pipeline import ParserPipeline
from limner.systems.parser.presets import PRESETS, smoke
from limner.systems.parser.system import Parser, dice_loss, jitter
from tests.engines import engine_of


def train(manifest, run, **changes):
    config = smoke()
    config = dataclasses.replace(config, train=dataclasses.replace(config.train, accelerator="cpu", **changes))
    torch.manual_seed(0)
    system = Parser(config, manifest.spec)
    train_set = MaskToImageDataset(manifest.split("train"), image_size=32)
    validation_set = MaskToImageDataset(manifest.split("test"), image_size=32)
    fabric = make_fabric(config.train)
    fit(system, TrainingData(manifest.spec, train_set, validation_set, collate), fabric=fabric, run=run)
    return system, validation_set


def test_dice_loss_by_hand():
    target = torch.tensor([[[0, 1]]])
    perfect = torch.tensor([[[[50.0, -50.0]], [[-50.0, 50.0]]]])
    assert float(dice_loss(perfect, target)) == pytest.approx(0, abs=1e-6)
    assert float(dice_loss(-perfect, target)) == pytest.approx(1, abs=1e-6)
    # Even probabilities: each class overlaps 0.5 of (1 predicted + 1 true).
    assert float(dice_loss(torch.zeros(1, 2, 1, 2), target)) == pytest.approx(0.5)


def test_dice_loss_leaves_out_absent_classes_and_ignored_pixels():
    logits = torch.tensor([[[[50.0, -50.0]], [[-50.0, 50.0]], [[-50.0, -50.0]]]])
    assert float(dice_loss(logits, torch.tensor([[[0, 255]]]))) == pytest.approx(0, abs=1e-6)
    assert float(dice_loss(logits, torch.full((1, 1, 2), 255))) == 0


def test_jitter():
    torch.manual_seed(0)
    image, parameters, noise = torch.rand(4, 3, 8, 8) * 2 - 1, torch.randn(4, 4), torch.randn(4, 3, 8, 8)
    torch.testing.assert_close(jitter(image, parameters, noise, strength=0.0), image)
    changed = jitter(image, parameters, noise, strength=1.0)
    assert changed.abs().max() <= 1
    assert ((changed - image).abs().mean((1, 2, 3)) > 0.01).all()
    torch.testing.assert_close(  # each picture by its own amounts only
        jitter(image[2:3], parameters[2:3], noise[2:3], strength=1.0), changed[2:3], rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("kind", ["multi_label", "exclusive"])
def test_a_step_changes_every_parameter(make_shapes, kind):
    manifest = make_shapes(kind=kind)
    system = Parser(dataclasses.replace(smoke(), loss=LossConfig()), manifest.spec)
    engine = engine_of(system)
    before = {name: value.clone() for name, value in system.networks["parser"].state_dict().items()}
    dataset = MaskToImageDataset(manifest, image_size=32)
    engine.run_step(collate([dataset[index] for index in range(8)]))
    after = system.networks["parser"].state_dict()
    assert not [name for name in before if torch.equal(before[name], after[name])]


def test_it_learns_and_its_pipeline_agrees(shapes, tmp_path):
    system, held_out = train(shapes, tmp_path / "run", images=960, checkpoint_every=960, sample_every=960)
    scores = system.validate(
        [collate([held_out[index] for index in range(len(held_out))])], {"parser": system.networks["parser"].eval()}
    )
    assert scores["mean_iou"] > 0.9
    assert scores["pixel_accuracy"] > 0.95
    assert 0.5 <= scores["attribute_accuracy"] <= 1

    pipeline = ParserPipeline.from_pretrained(tmp_path / "run")
    batch = collate([held_out[index] for index in range(3)])
    assert (pipeline.predict(batch.image) == batch.label_map).float().mean() > 0.95


def test_a_data_set_without_attributes(make_shapes, tmp_path):
    system, held_out = train(make_shapes(attributes=()), tmp_path / "run", images=16)
    scores = system.validate([collate([held_out[0]])], system.networks)
    assert set(scores) == {"mean_iou", "pixel_accuracy"}
    assert ParserPipeline.from_pretrained(tmp_path / "run").spec.attribute_names == ()


def test_sample_grid(shapes):
    system = Parser(smoke(), shapes.spec)
    fixed = system.fixed_inputs(MaskToImageDataset(shapes.split("test"), image_size=32))
    with torch.no_grad():
        grid = system.sample(fixed, system.networks)
    assert grid.shape == (6, 3, 3, 32, 32)
    assert grid.abs().max() <= 1


def test_learning_rate_rises_and_falls(shapes):
    system = Parser(smoke(), shapes.spec)
    scales = [system.lr_scale(images) for images in range(0, 65, 1)]
    assert 0 < scales[0] < 0.1
    assert max(scales) > 0.95
    assert scales[-1] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_build(name, shapes):
    config = PRESETS[name]()
    assert config.model.width % 8 == 0
    if name != "paper":
        Parser(config, shapes.spec)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: ModelConfig(width=12), "--model.width is 12"),
        (lambda: ModelConfig(width=0), "--model.width is 0"),
        (lambda: ModelConfig(image_size=8), "--model.image_size is 8"),
        (lambda: LossConfig(weight_dice=-1.0), "--loss.weight_dice is -1"),
        (lambda: LossConfig(jitter=float("nan")), "--loss.jitter is nan"),
        (lambda: OptimizerConfig(lr=0.0), "--optimizer.lr"),
        (lambda: OptimizerConfig(weight_decay=2.0), "--optimizer.weight_decay"),
    ],
)
def test_options_out_of_range(build, words):
    with pytest.raises(ConfigError, match=words):
        build()
