"""SPADE: sizes of the paper, both variants, the losses, VGG-19 named or given up, its pipeline."""

from __future__ import annotations

import dataclasses
import logging

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from limner.backbones.vgg import VGG
from limner.cli.main import main
from limner.data.batch import collate
from limner.data.dataset import MaskToImageDataset
from limner.engine.engine import Engine
from limner.errors import ConfigError, ShapeError, WeightsError
from limner.pipelines import load
from limner.systems.spade.config import LossConfig, ModelConfig, OptimizerConfig
from limner.systems.spade.networks import Discriminator, Encoder, Generator
from limner.systems.spade.presets import paper, smoke
from limner.systems.spade.system import SPADE, divergence_from_normal
from tests.engines import engine_of


def count(network: torch.nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def make_engine(spec, *, use_encoder: bool = True, **loss) -> Engine:
    torch.manual_seed(0)
    config = smoke()
    config = dataclasses.replace(
        config,
        model=dataclasses.replace(config.model, use_encoder=use_encoder),
        loss=dataclasses.replace(config.loss, **loss),
        optimizer=OptimizerConfig(),
    )
    return engine_of(SPADE(config, spec))


@pytest.fixture
def batch(shapes):
    dataset = MaskToImageDataset(shapes, image_size=32)
    return collate([dataset[index] for index in range(8)])


def test_parameters_of_the_paper():
    with torch.device("meta"):
        generator = Generator(num_classes=19, image_size=256)
        discriminator = Discriminator(num_classes=19)
        encoder = Encoder(image_size=256)
    assert count(generator) == 92_538_819  # 92.54 M
    assert count(discriminator) == 5_566_594  # 5.57 M
    assert encoder.to_mean.weight.shape == (256, 512 * 4 * 4)
    assert (generator.seed_size, generator.enlarged) == (8, (1, 3, 4, 5, 6))


def test_paper_preset():
    config = paper()
    assert config.loss == LossConfig("hinge", 10, 10, None, 0.05)
    assert config.optimizer == OptimizerConfig(1e-4, 4e-4, 0.0, 0.9)
    assert (config.model.image_size, config.train.batch_size, config.model.use_encoder) == (256, 32, False)


@pytest.mark.parametrize(("size", "seed", "enlargements"), [(32, 4, 3), (64, 4, 4), (128, 4, 5), (256, 8, 5)])
def test_seed_and_output(size, seed, enlargements):
    generator = Generator(num_classes=3, image_size=size, width=1, modulation_width=2)
    assert (generator.seed_size, len(generator.enlarged)) == (seed, enlargements)
    image = generator(torch.rand(2, 3, size, size))
    assert image.shape == (2, 3, size, size) and image.abs().max() <= 1
    encoder = Encoder(image_size=size, latent_size=5, width=1)
    assert [tuple(part.shape) for part in encoder(image)] == [(2, 5), (2, 5)]


def test_the_map_reaches_every_block():
    """Even where the seed is a latent: each block's modulation has a gradient from the map."""
    generator = Generator(num_classes=3, image_size=32, width=2, modulation_width=4, latent_size=4)
    one_hot = torch.rand(2, 3, 32, 32)
    generator(one_hot, torch.randn(2, 4)).square().sum().backward()
    assert all(block.norm1.shared.weight.grad.abs().max() > 0 for block in generator.blocks)


def test_discriminator_sees_two_scales():
    outputs = Discriminator(num_classes=3, width=2)(torch.randn(2, 6, 64, 64))
    assert [len(maps) for maps in outputs] == [5, 5]
    assert [maps[0].shape[-1] for maps in outputs] == [33, 17]


def test_divergence():
    mean, log_variance = torch.randn(4, 3), torch.randn(4, 3)
    normal = torch.distributions.Normal(mean, (0.5 * log_variance).exp())
    expected = torch.distributions.kl_divergence(normal, torch.distributions.Normal(0.0, 1.0)).sum(1).mean()
    torch.testing.assert_close(divergence_from_normal(mean, log_variance), expected)
    assert divergence_from_normal(torch.zeros(2, 5), torch.zeros(2, 5)) == 0


@pytest.mark.parametrize("use_encoder", [True, False])
def test_updates(shapes, batch, use_encoder):
    engine = make_engine(shapes.spec, use_encoder=use_encoder)
    names = ("generator", "encoder") if use_encoder else ("generator",)
    assert set(engine.raw) == {*names, "discriminator"}
    update, order = engine.update, []
    engine.update = lambda names, loss, part: (order.append(names), update(names, loss, part))
    engine.run_step(batch)
    assert order == [names, "discriminator"]


def test_weights_of_the_losses(shapes, batch):
    engine = make_engine(shapes.spec)
    logged, captured = {}, {}
    engine.log = lambda name, value: logged.update({name: value.item()})
    engine.update = lambda names, loss, part: captured.update({names: loss(part).item()})
    engine.run_step(batch)
    expected = logged["loss/adversarial"] + 10 * logged["loss/features"] + 0.05 * logged["loss/kl"]
    assert captured["generator", "encoder"] == pytest.approx(expected, rel=1e-5)
    assert captured["discriminator"] == pytest.approx(2.0, abs=0.2)  # untrained: hinge of logits near 0, twice


def test_features_of_real_and_fake_meet_the_same_norm(shapes, batch):
    """One pass of the discriminator, and so one power iteration, in the generator's update."""
    system = SPADE(smoke(), shapes.spec)
    engine = engine_of(system)
    passes = []
    system.networks["discriminator"].register_forward_pre_hook(lambda _, inputs: passes.append(len(inputs[0])))
    engine.run_step(batch)
    assert passes == [2 * len(batch), 2 * len(batch)]


def test_generator_update_leaves_no_gradient_in_the_discriminator(shapes, batch):
    engine = make_engine(shapes.spec)
    captured = []
    engine.update = lambda names, loss, part: captured.append(part)
    engine.run_step(batch)
    engine.fabric.backward(engine.system.generator_loss(captured[0], engine))
    assert all(p.grad is None and p.requires_grad for p in engine.raw["discriminator"].parameters())
    assert all(p.grad is not None for name in engine.system.painters for p in engine.raw[name].parameters())


def test_generator_steps_lower_its_loss_and_discriminator_steps_part_real_from_fake(shapes, batch):
    engine = make_engine(shapes.spec)
    captured, update = [], engine.update
    engine.update = lambda names, loss, part: captured.append(part)
    engine.run_step(batch)
    (draws, _), engine.update = captured, update
    losses = {engine.system.painters: engine.system.generator_loss, "discriminator": engine.system.discriminator_loss}
    for names, loss in losses.items():
        values = descend(engine, names, loss, draws)
        assert values[-1] < 0.97 * values[0], names


def descend(engine, names, loss, draws) -> list[float]:
    values = []

    def watched(part):
        value = loss(part, engine)
        values.append(value.item())
        return value

    for _ in range(12):
        engine.update(names, watched, draws)
    return values


def test_perceptual_loss_needs_its_file_or_to_be_given_up(shapes, tmp_path):
    with pytest.raises(ConfigError, match=r"weight_perceptual is 10 and --loss.vgg_weights None: name a file"):
        make_engine(shapes.spec, weight_perceptual=10.0).system.prepare(torch.device("cpu"))
    with pytest.raises(ConfigError, match=r"weight_perceptual is 0 and --loss\.vgg_weights vgg\.pth"):
        make_engine(shapes.spec, vgg_weights="vgg.pth").system.prepare(torch.device("cpu"))
    with pytest.raises(WeightsError, match="no weights file"):
        missing = str(tmp_path / "vgg.safetensors")
        make_engine(shapes.spec, weight_perceptual=1.0, vgg_weights=missing).system.prepare(torch.device("cpu"))


def test_training_without_the_file_is_refused_before_anything_is_written(drawn_faces, tmp_path, capsys):
    options = ["--preset", "smoke", "--data", str(drawn_faces), "--out", str(tmp_path / "run")]
    assert main(["train", "spade", *options, "--loss.weight_perceptual", "10"]) == 2
    assert "name a file with the published weights of VGG-19" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_perceptual_loss(shapes, batch, tmp_path):
    torch.manual_seed(0)
    save_file(VGG(19).half().state_dict(), tmp_path / "vgg.safetensors")
    engine = make_engine(
        shapes.spec, weight_perceptual=10.0, vgg_weights=str(tmp_path / "vgg.safetensors"), weight_features=0.0
    )
    system = engine.system
    system.prepare(torch.device("cpu"))
    real = batch.image[:2]
    assert system.perceptual_loss(system.vgg, real, real).item() == 0
    fake = (real + 0.1).requires_grad_(True)
    maps = [(a - b).abs().mean().item() for a, b in zip(*(system.vgg(x, LAYERS) for x in (real, fake)), strict=True)]
    expected = sum(weight * value for weight, value in zip((1 / 32, 1 / 16, 1 / 8, 1 / 4, 1), maps, strict=True))
    loss = system.perceptual_loss(system.vgg, real, fake)
    assert loss.item() == pytest.approx(expected, rel=1e-5)
    loss.backward()
    assert fake.grad.abs().max() > 0 and all(p.grad is None for p in system.vgg.parameters())
    engine.run_step(batch)
    assert engine.averages()["loss/perceptual"] > 0
    assert "vgg" not in engine.state_dict()["networks"]


LAYERS = ["relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"]


@pytest.mark.parametrize("use_encoder", [True, False])
def test_pipeline_of_both_variants(shapes, tmp_path, caplog, use_encoder):
    engine = make_engine(shapes.spec, use_encoder=use_encoder)
    torch.nn.init.normal_(engine.raw["generator"].to_rgb.weight)  # the paper's first values give all but grey
    engine.system.pipeline(engine.raw).save_pretrained(tmp_path / "weights")
    pipeline = load(tmp_path / "weights")
    label_map = shapes.read_label_map(shapes.rows[0])
    with caplog.at_level(logging.WARNING):
        first, second = pipeline(label_map, num_images=2).images
    assert (first.tobytes() == second.tobytes()) != use_encoder
    assert ("all 2 pictures of a map are the same" in caplog.text) != use_encoder
    assert pipeline.export_targets()["generator"].inputs == (("latent", "label_map") if use_encoder else ("label_map",))
    with pytest.raises(ConfigError, match="num_images is '2'; it must be a whole number"):
        pipeline(label_map, num_images="2")
    if not use_encoder:
        with pytest.raises(ConfigError, match="no encoder"):
            pipeline(label_map, style=Image.new("RGB", (32, 32)))


def test_style_of_a_photo(shapes, tmp_path):
    engine = make_engine(shapes.spec)
    pipeline = engine.system.pipeline(engine.raw)
    torch.nn.init.normal_(engine.raw["generator"].to_rgb.weight)  # the paper's first values give all but grey
    torch.nn.init.normal_(engine.raw["encoder"].to_mean.weight)  # and one look for all photos
    torch.nn.init.constant_(engine.raw["encoder"].to_log_variance.bias, -50.0)  # no spread about the mean
    label_map = shapes.read_label_map(shapes.rows[0])
    photos = [shapes.read_image(row) for row in shapes.rows[:2]]
    first, again = pipeline(label_map, style=photos[0], num_images=2).images
    assert first.tobytes() == again.tobytes()  # the look is the photo's, not the seed's
    result = pipeline(label_map, style=photos[1])
    assert result.images[0].tobytes() != first.tobytes()
    result.save(tmp_path)
    assert pipeline.reproduce(tmp_path / "result.json").images[0].tobytes() == result.images[0].tobytes()


def test_pipeline_paints_what_the_evaluation_judges(shapes, batch):
    engine = make_engine(shapes.spec)
    for _ in range(3):  # batch norm's averages leave their first values
        engine.run_step(batch)
    pipeline = engine.system.pipeline(engine.inference_networks())
    label_map = shapes.read_label_map(shapes.rows[0])
    (picture,) = pipeline(label_map, seed=7).images
    with pipeline.inference():
        image = pipeline.paint(torch.from_numpy(label_map)[None].long(), torch.zeros(1, 2), [7])
    ours = ((image[0] + 1) * 127.5).round().byte().permute(1, 2, 0).numpy()
    assert np.abs(np.asarray(picture).astype(int) - ours).max() <= 1


def test_refusals(shapes):
    with pytest.raises(ShapeError, match="power of two"):
        Generator(num_classes=3, image_size=48)
    with pytest.raises(ConfigError, match="image_size is 16"):
        ModelConfig(image_size=16)
    with pytest.raises(ConfigError, match="weight_kl is -1"):
        LossConfig(weight_kl=-1.0)
    system = make_engine(shapes.spec).system
    networks = {name: system.networks[name] for name in system.painters}
    pipeline_class = type(system.pipeline(system.networks))
    with pytest.raises(ShapeError, match="needs an encoder"):
        pipeline_class(spec=shapes.spec, size=32, generator=networks["generator"])
    with pytest.raises(ShapeError, match="The generator has image_size 32, but 64 is needed"):
        pipeline_class(spec=shapes.spec, size=64, **networks)
