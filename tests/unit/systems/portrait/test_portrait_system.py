"""Losses, schedule, what a step changes, the frozen parser (portrait.md 5 and 10.6 to 10.9)."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch import nn

from limner.backbones.vgg import VGG
from limner.data.batch import MaskToImageBatch
from limner.data.schema import get_schema
from limner.data.spec import DataSpec
from limner.engine.engine import Engine
from limner.engine.state import load_state, save_state
from limner.errors import ConfigError, WeightsError
from limner.nn.label_maps import one_hot
from limner.nn.parsing import ParsingNetwork
from limner.systems.parser.pipeline import ParserPipeline
from limner.systems.portrait.config import LossConfig, ModelConfig, OptimizerConfig
from limner.systems.portrait.presets import PRESETS, smoke
from limner.systems.portrait.system import (
    TRAINED,
    Draws,
    Portrait,
    _cross_entropy,
    kl_divergence,
    parser_feature_loss,
    perceptual_loss,
)

PAIRED = {"loss/global", "loss/features", "loss/adversarial/paired"}
SPEC = DataSpec(get_schema("portrait-11"))


def state_of(network: nn.Module) -> dict[str, torch.Tensor]:
    return {key: value.clone() for key, value in network.state_dict().items()}


def changed(engine: Engine, before: dict[str, dict[str, torch.Tensor]]) -> set[str]:
    return {
        name
        for name, network in engine.raw.items()
        if any(not torch.equal(before[name][key], value) for key, value in network.state_dict().items())
    }


def states(engine: Engine) -> dict[str, dict[str, torch.Tensor]]:
    return {name: state_of(network) for name, network in engine.raw.items()}


def draws_of(batch: MaskToImageBatch, engine: Engine) -> Draws:
    size = engine.system.appearance.code_size
    return Draws(batch.image, batch.label_map, torch.randn(len(batch), 5, size))


def test_paired_and_unpaired_results_alternate(make_engine, batch):
    engine = make_engine()
    before = states(engine)
    engine.run_step(batch)
    logged = set(engine.averages())
    assert logged >= {*PAIRED, "loss/parsing/paired", "loss/local"} and "loss/adversarial/unpaired" not in logged
    assert changed(engine, before) == {*TRAINED, "discriminator"}
    before = states(engine)
    engine.run_step(batch)
    logged = set(engine.averages())
    assert logged >= {"loss/adversarial/unpaired", "loss/parsing/unpaired", "loss/local"} and not logged & PAIRED
    assert changed(engine, before) == {*TRAINED, "discriminator_unpaired"}


def test_the_schedule_of_the_code_always_makes_unpaired_results(make_engine, batch):
    engine = make_engine(loss={"schedule": "both", "parsing_of": "unpaired"})
    engine.run_step(batch)
    logged = set(engine.averages())
    assert logged >= {*PAIRED, "loss/adversarial/unpaired", "loss/parsing/unpaired"}
    assert "loss/parsing/paired" not in logged
    engine.run_step(batch)
    logged = set(engine.averages())
    assert "loss/adversarial/unpaired" in logged and not logged & PAIRED


def test_one_discriminator_for_both(make_engine, batch):
    engine = make_engine(model={"shared_discriminator": True})
    assert "discriminator_unpaired" not in engine.raw
    for _ in range(2):
        before = states(engine)
        engine.run_step(batch)
        assert "discriminator" in changed(engine, before)


def test_each_kind_of_network_has_its_own_rate(make_engine):
    engine = make_engine(optimizer={"lr": 1e-3, "lr_discriminator": 3e-4, "lr_parser": 2e-3})
    rates = {name: optimizer.param_groups[0]["lr"] for name, optimizer in engine.optimizers.items()}
    judges = {"discriminator": 3e-4, "discriminator_unpaired": 3e-4}
    assert rates == {**dict.fromkeys(TRAINED, 1e-3), **judges, "parser": 2e-3}


def test_looks_always_come_from_another_photo(make_engine):
    system = make_engine().system
    for size in (2, 3, 7):
        features = {"skin": torch.arange(size)}
        seen = set()
        for shift in torch.linspace(0, 0.999, 40).tolist():
            found = system.exchange(features, torch.zeros(size, 3, 2, dtype=torch.int64), shift)["skin"]
            assert (found != features["skin"]).all() and sorted(found.tolist()) == list(range(size))
            seen.add(tuple(found.tolist()))
        assert len(seen) == size - 1, "every distance can occur"


def test_the_parser_comes_first_and_is_frozen_after(make_engine, batch):
    engine = make_engine(optimizer={"parser_images": 16}, train={"batch_size": 8})
    before = states(engine)
    for _ in range(2):
        engine.run_step(batch)
    assert changed(engine, before) == {"parser"} and set(engine.averages()) >= {"loss/parser"}
    before = states(engine)
    for _ in range(2):
        engine.run_step(batch)
    assert "parser" not in changed(engine, before), "no parameter and no statistic"
    assert all(p.grad is None for p in engine.raw["parser"].parameters())


def test_a_loaded_parser_is_used_and_never_trained(make_engine, batch, tmp_path):
    torch.manual_seed(3)
    network = ParsingNetwork(num_classes=11, num_attributes=0, width=8)
    folder = ParserPipeline(spec=SPEC, size=64, parser=network).save_pretrained(tmp_path / "parser")
    engine = make_engine(model={"parser": str(folder)}, optimizer={"parser_images": 16})
    assert "parser" not in engine.optimizers
    before = state_of(network)
    engine.run_step(batch)
    assert "loss/parsing/paired" in engine.averages()
    assert all(torch.equal(before[key], value) for key, value in engine.raw["parser"].state_dict().items())
    other = ParsingNetwork(num_classes=19, num_attributes=0, width=8)
    spec = DataSpec(get_schema("celebamask-19"))
    folder = ParserPipeline(spec=spec, size=64, parser=other).save_pretrained(tmp_path / "other")
    with pytest.raises(ConfigError, match='labels with the schema "celebamask-19"'):
        make_engine(model={"parser": str(folder)})
    assert len(make_engine(model={"parser": "portrait-people-64"}).raw["parser"].to_logits.weight) == 11
    with pytest.raises(ConfigError, match='weights of "scgan", which has no parser'):
        make_engine(model={"parser": "scgan-people-64"})
    with pytest.raises(WeightsError, match="nowhere"):
        make_engine(model={"parser": "nowhere/at/all"})


def test_cross_entropy_takes_logits():
    label_map = torch.randint(11, (2, 8, 8))
    perfect = one_hot(label_map, 11) * 20
    assert float(_cross_entropy(perfect, label_map)) < 0.01  # with a second softmax 1.54
    weights = tuple(float(index) for index in range(1, 12))
    logits = torch.randn(2, 11, 8, 8)
    expected = nn.functional.cross_entropy(logits, label_map, torch.tensor(weights))
    torch.testing.assert_close(_cross_entropy(logits, label_map, weights), expected)
    assert float(_cross_entropy(logits, torch.full((2, 8, 8), 255))) == 0


def test_features_are_matched_towards_the_photo(make_engine, batch):
    """The gradient reaches the generator and nothing of the discriminator."""
    engine = make_engine(loss={"weight_parsing": 0.0, "weight_global": 0.0, "weight_local": 0.0})
    draws = draws_of(batch, engine)
    system, target = engine.system, engine.system.appearance.target(batch.label_map)
    fake = torch.zeros_like(batch.image, requires_grad=True)
    photo = batch.image.clone().requires_grad_(True)
    with engine.frozen("discriminator") as discriminator:
        found = discriminator(target.one_hot, fake)
        system.paired_loss(fake, found, dataclasses.replace(draws, photo=photo), target, engine).backward()
    assert fake.grad.abs().max() > 0
    assert photo.grad is None or not photo.grad.any()
    assert all(p.grad is None for p in engine.raw["discriminator"].parameters())


def test_weights_of_the_paper_and_of_the_code(make_engine, batch):
    """Both squared errors with their factors, by hand."""
    for options, local, whole in (({}, 500.0, 50.0), (vars(PRESETS["code"]().loss), 5_000.0, 20.0)):
        loss = LossConfig(**options)
        assert 0.5 * loss.weight_local * loss.scale_squares == local
        assert 0.5 * loss.weight_global * loss.scale_squares == pytest.approx(whole)
    engine = make_engine(loss={"weight_features": 0.0})
    target = engine.system.appearance.target(batch.label_map)
    fake = (batch.image + 0.1).requires_grad_(True)
    loss = engine.system.paired_loss(fake, [], draws_of(batch, engine), target, engine)
    assert float(loss) == pytest.approx(50 * 0.01, rel=1e-4)
    by_parts = make_engine(loss={"weight_features": 0.0, "global_by_parts": True})
    shares = {part: (target.label_map == index).float().mean() for part, index in (("left_eye", 4), ("hair", 10))}
    squares = by_parts.system.squares_by_parts(fake, batch.image, target.label_map)
    assert float(squares) > 0.01 * float(shares["left_eye"] + 0.5 * shares["hair"])


def test_masked_eyes_are_compared_inside_the_eye_only(make_engine, batch):
    losses = {}
    for eye_input in ("crop", "masked"):
        system = make_engine(model={"eye_input": eye_input}).system
        target = system.appearance.target(batch.label_map)
        parts = system.appearance.cut(batch.image, target)
        images = {part: image.clone() for part, image in parts.items()}
        images["left_eye"] += 1.0
        losses[eye_input] = float(system.local_loss(images, parts, target))
    assert losses["crop"] == pytest.approx(1.0, rel=1e-4) and 0 < losses["masked"] < 0.7


@pytest.mark.parametrize("part", ["skin", "hair", "mouth"])
def test_reconstructions_are_compared_inside_their_part_only(make_engine, batch, part):
    """The grey around a part is not the code's to paint: one more everywhere costs the part's share of the crop."""
    system = make_engine().system
    target = system.appearance.target(batch.label_map)
    parts = system.appearance.cut(batch.image, target)
    images = {name: image.clone() for name, image in parts.items()}
    images[part] += 1.0
    share = system.appearance.cut(torch.ones_like(batch.image), target)[part].mean()
    assert 0 < float(share) < 0.9
    assert float(system.local_loss(images, parts, target)) == pytest.approx(float(share), rel=1e-4)


def test_perceptual_loss_weighs_parts_and_ignores_the_background(batch):
    torch.manual_seed(0)
    vgg = VGG(19).eval().requires_grad_(False)
    background = torch.zeros_like(batch.label_map)
    fake = (batch.image + 0.2).requires_grad_(True)
    assert float(perceptual_loss(vgg, batch.image, batch.image, batch.label_map)) == 0
    assert float(perceptual_loss(vgg, batch.image, fake, background)) == 0
    eyes = torch.full_like(background, 4)
    hair = torch.full_like(background, 10)
    ratio = perceptual_loss(vgg, batch.image, fake, eyes) / perceptual_loss(vgg, batch.image, fake, hair)
    assert float(ratio) == pytest.approx(2, rel=1e-4)


def test_distance_in_the_parser_reaches_the_result_only(batch):
    parser = ParsingNetwork(num_classes=11, num_attributes=0, width=8).eval()
    real = batch.image.clone().requires_grad_(True)
    fake = (batch.image + 0.2).requires_grad_(True)
    assert float(parser_feature_loss(parser, batch.image, batch.image)) == 0
    loss = parser_feature_loss(parser, real, fake)
    loss.backward()
    assert float(loss) > 0 and fake.grad.abs().max() > 0 and real.grad is None


def test_distance_in_the_parser_is_of_paired_results(make_engine, batch):
    engine = make_engine(loss={"weight_parser_features": 1.0})
    engine.run_step(batch)
    assert engine.averages()["loss/parser_features"] > 0
    before = states(engine)
    engine.run_step(batch)
    assert "parser" not in changed(engine, before) and "loss/parser_features" not in engine.averages()


def test_divergence_of_codes():
    zero = {part: torch.zeros(2, 8) for part in ("skin", "hair")}
    assert float(kl_divergence(zero, zero)) == 0
    assert float(kl_divergence({"skin": torch.full((2, 8), 2.0)}, {"skin": torch.zeros(2, 8)})) == pytest.approx(16)


def test_codes_that_are_distributions_add_their_divergence(make_engine, batch):
    engine = make_engine(model={"latent": "vae"})
    engine.run_step(batch)
    assert engine.averages()["loss/kl"] > 0
    engine = make_engine()
    engine.run_step(batch)
    assert "loss/kl" not in engine.averages()


@pytest.mark.parametrize(
    "model",
    [
        {"mask_encoder": "multi"},
        {"eye_input": "masked"},
        {"norm": "instance"},
        {"norm": "group"},
        {"grow": 1.0},
        {"local_channels": 2, "local_stride": 4},
        {"local_channels": 2, "local_stride": 4, "local_alignment": "similarity"},
        {"smooth_enlargement": True},
    ],
)
def test_variants_train(make_engine, batch, model):
    engine = make_engine(model=model)
    for _ in range(2):
        engine.run_step(batch)
    assert all(p.isfinite().all() for network in engine.raw.values() for p in network.parameters())


def test_micro_batches_give_every_result_to_the_discriminators(make_engine, batch):
    engine = make_engine(train={"accumulate": 2, "batch_size": 8})
    for _ in range(2):
        before = states(engine)
        engine.run_step(batch)
        assert len(changed(engine, before)) == 4


@pytest.mark.slow
def test_overfitting_a_batch_of_two(make_engine, batch):
    """Both reconstruction losses fall by half (portrait.md 10.6, with fewer steps at a higher rate)."""
    engine = make_engine(
        model={"width": 8, "appearance_width": 8}, optimizer={"lr": 2e-3}, loss={"weight_parsing": 0.0}
    )
    two = MaskToImageBatch(*(getattr(batch, field.name)[:2] for field in dataclasses.fields(batch)))
    engine.run_step(two)
    first = engine.averages()
    for _ in range(24):
        engine.run_step(two)
    engine.averages()
    for _ in range(2):
        engine.run_step(two)
    last = engine.averages()
    for name in ("loss/global", "loss/local"):
        assert 0 < last[name] < 0.5 * first[name], (name, first, last)


def test_a_run_restored_between_the_parser_and_the_rest_goes_on_to_the_same_bits(make_engine, batch, tmp_path):
    options = {"optimizer": {"parser_images": 16}, "train": {"batch_size": 8}}
    engine = make_engine(**options)
    for _ in range(2):
        engine.run_step(batch)
    save_state(tmp_path / "state", engine.system.training_state(engine))
    for _ in range(3):
        engine.run_step(batch)
    other = make_engine(**options)
    other.system.restore(other, load_state(tmp_path / "state"))
    for _ in range(3):
        other.run_step(batch)
    expected, found = states(engine), states(other)
    assert all(torch.equal(found[name][key], value) for name in expected for key, value in expected[name].items())


def test_other_labels_are_refused():
    with pytest.raises(ConfigError, match=r"--schema portrait-11"):
        Portrait(smoke(), DataSpec(get_schema("celebamask-19")))


@pytest.mark.parametrize("name", PRESETS)
def test_presets_ask_for_the_right_labels(name):
    config = PRESETS[name]()
    assert config.dataset.schema == "portrait-11" and config.dataset.attributes == ()
    assert config.optimizer.parser_images > 0


def test_the_papers_optimiser():
    config = PRESETS["paper"]()
    assert (config.optimizer.lr, config.optimizer.beta1, config.optimizer.beta2) == (2e-4, 0.5, 0.999)
    epoch = 24_183
    assert config.train.images - config.optimizer.parser_images == 55 * epoch
    assert config.optimizer.decay_images == 45 * epoch and config.train.batch_size == 4
    assert not config.augment.flip and not config.augment.moves_pixels


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: ModelConfig(image_size=64), "--model.image_size is 64; with --model.feature_stride 4"),
        (lambda: ModelConfig(width=0), "--model.width is 0"),
        (lambda: ModelConfig(grow=0.9), "--model.grow is 0.9"),
        (lambda: ModelConfig(parser_width=12), "--model.parser_width is 12"),
        (lambda: ModelConfig(local_alignment="similarity"), "no effect on codes without places: say --model.local_al"),
        (lambda: LossConfig(weight_local=-1.0), "--loss.weight_local is -1"),
        (lambda: LossConfig(scale_squares=float("inf")), "--loss.scale_squares is inf"),
        (lambda: LossConfig(parsing_class_weights=(1.0,)), "--loss.parsing_class_weights has 1 numbers"),
        (lambda: LossConfig(weight_perceptual=30.0), "--loss.weight_perceptual is 30"),
        (lambda: LossConfig(vgg_weights="vgg.pth"), "--loss.vgg_weights vgg"),
        (lambda: OptimizerConfig(lr=0.0), "--optimizer.lr is 0"),
        (lambda: OptimizerConfig(lr_discriminator=2.0), "--optimizer.lr_discriminator is 2"),
        (lambda: OptimizerConfig(parser_images=-1), "--optimizer.parser_images"),
        (lambda: dataclasses.replace(smoke(), optimizer=OptimizerConfig(parser_images=96)), "has only 96 images"),
        (
            lambda: dataclasses.replace(smoke(), train=dataclasses.replace(smoke().train, batch_size=1)),
            "--train.batch_size 1 leaves 1 images",
        ),
    ],
)
def test_options_out_of_range(build, words):
    with pytest.raises(ConfigError, match=words):
        build()
