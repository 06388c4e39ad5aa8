"""Definitions and directions of the losses, who is updated when, schedules, averages (maskface.md 9.4 to 9.9)."""

from __future__ import annotations

import dataclasses
from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional

from limner.engine.engine import Engine
from limner.errors import ConfigError, WeightsError
from limner.losses.adversarial import r1_penalty
from limner.pipelines import load
from limner.systems.maskface.config import LossConfig, ModelConfig, OptimizerConfig
from limner.systems.maskface.losses import diversity_loss
from limner.systems.maskface.presets import PRESETS, half_life
from limner.systems.maskface.system import Draws
from limner.systems.parser.networks import ParsingNetwork
from limner.systems.parser.pipeline import ParserPipeline

ALL = ("generator", "style_encoder", "style_decoder", "discriminator")


class Linear(nn.Module):
    """D(x) = <w, x>."""

    def __init__(self, weight: torch.Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)

    def forward(self, image, one_hot):
        return (image * self.weight).flatten(1).sum(1)


def draws_of(engine: Engine, batch) -> Draws:
    return engine.system.draw(batch, engine)


def snapshot(engine: Engine) -> dict[str, list[torch.Tensor]]:
    return {name: [p.detach().clone() for p in network.parameters()] for name, network in engine.raw.items()}


def changed(engine: Engine, before: dict[str, list[torch.Tensor]]) -> set[str]:
    return {
        name
        for name, network in engine.raw.items()
        if any(not torch.equal(a, b) for a, b in zip(before[name], network.parameters(), strict=True))
    }


def test_r1_of_a_linear_discriminator():
    weight = torch.randn(3, 8, 8)
    penalty = r1_penalty(partial(Linear(weight), one_hot=torch.zeros(5, 2, 8, 8)), torch.randn(5, 3, 8, 8))
    assert penalty.item() == pytest.approx(0.5 * weight.square().sum().item(), rel=1e-5)


def test_second_derivatives_of_r1_reach_the_discriminator(make_engine, batch):
    engine = make_engine()
    draws, discriminator = draws_of(engine, batch), engine.raw["discriminator"]
    r1_penalty(lambda image: discriminator(image, draws.one_hot), draws.image).backward()
    weights = {n: p for n, p in discriminator.named_parameters() if n.endswith("weight")}
    assert weights and all(p.grad is not None and p.grad.abs().max() > 0 for p in weights.values())


def two_faces(difference: float) -> tuple[torch.Tensor, torch.Tensor]:
    first = torch.zeros(2, 3, 4, 4, requires_grad=True)
    return first, (first.detach() + difference).requires_grad_(True)


def test_diversity_losses_by_hand():
    first, second = two_faces(0.5)
    code, other = torch.zeros(2, 4), torch.tensor([[1.0] * 4, [3.0] * 4])
    assert diversity_loss("ds", first, second, code, other).item() == pytest.approx(-0.5)
    assert diversity_loss("ms", first, second, code, other).item() == pytest.approx(1 / (0.25 + 1e-5), rel=1e-4)
    ratios = (0.5 / (1 + 1e-5) + 0.5 / (3 + 1e-5)) / 2
    assert diversity_loss("dsgan", first, second, code, other).item() == pytest.approx(-ratios, rel=1e-4)
    assert diversity_loss("dsgan", first, second, code, code, limit=10.0).item() == pytest.approx(-10)


def test_the_second_face_is_held_by_ds_only():
    for form, held in (("ds", True), ("ms", False), ("dsgan", False)):
        first, second = two_faces(0.5)
        diversity_loss(form, first, second, torch.zeros(2, 4), torch.ones(2, 4)).backward()
        assert first.grad.abs().max() > 0
        assert (second.grad is None) == held


def test_beyond_its_limit_dsgan_gives_no_gradient():
    first, second = two_faces(0.5)
    code, other = torch.zeros(2, 4), torch.full((2, 4), 0.01)
    diversity_loss("dsgan", first, second, code, other, limit=10.0).backward()
    assert not first.grad.any() and not second.grad.any()


def test_r1_on_every_second_iteration_has_twice_the_weight(make_engine, batch):
    """A step of the discriminator without R1, and one with it, for both cadences."""

    def loss(step: int, **options) -> float:
        engine = make_engine(loss={"weight_r1": 3.0, **options})
        engine.step = step
        return engine.system.discriminator_loss(draws_of(engine, batch), engine, by="noise").item()

    without, always = loss(0, weight_r1=0.0), loss(0)
    assert loss(1) == pytest.approx(always)
    assert loss(1, r1_every=2) == pytest.approx(without)
    assert loss(2, r1_every=2) - without == pytest.approx(2 * (always - without), rel=1e-4)


def test_a_share_of_the_batch_is_painted_again(make_engine, batch):
    engine = make_engine(loss={"reconstruction_share": 0.5})
    draws = draws_of(engine, batch)
    engine.system.noise_loss(draws, engine)
    with torch.no_grad():
        codes = engine.raw["style_decoder"](draws.image)
        again = engine.raw["generator"](draws.one_hot, codes)
    expected = (again - draws.image)[:2].abs().mean()
    assert engine.averages()["loss/reconstruction"] == pytest.approx(float(expected), rel=1e-5)


def test_what_is_painted_again_must_deceive_the_discriminator_too(make_engine, batch):
    engine = make_engine(loss={"reconstruction_share": 0.5, "judge_reconstruction": True})
    draws = draws_of(engine, batch)
    with torch.no_grad():
        again = engine.raw["generator"](draws.one_hot[:2], engine.raw["style_decoder"](draws.image[:2]))
        scores = engine.raw["discriminator"](again, draws.one_hot[:2])
        shown = torch.cat([again, draws.other[2:]])  # as many faces by noise make way for it
        fakes = engine.raw["discriminator"](shown, draws.one_hot)
    engine.system.noise_loss(draws, engine)
    engine.system.discriminator_loss(draws, engine, by="noise")
    averages = engine.averages()
    expected = functional.softplus(-scores).mean()
    assert averages["loss/adversarial/again"] == pytest.approx(float(expected), rel=1e-4)
    assert averages["score_fake/noise"] == pytest.approx(float(fakes.mean()), rel=1e-4)
    plain = make_engine(loss={"reconstruction_share": 0.5})
    plain.system.noise_loss(draws_of(plain, batch), plain)
    assert "loss/adversarial/again" not in plain.averages()


def test_the_second_face_is_that_of_the_other_noise(make_engine, batch):
    """D judges it and "ds" keeps away from it, so it is painted once."""
    engine = make_engine()
    draws = draws_of(engine, batch)
    with torch.no_grad():
        style = engine.raw["style_encoder"](draws.other_latent)
        torch.testing.assert_close(draws.other, engine.raw["generator"](draws.one_hot, style))
    engine.system.noise_loss(draws, engine)
    with torch.no_grad():
        first = engine.raw["generator"](draws.one_hot, engine.raw["style_encoder"](draws.latent))
    distance = float((first - draws.other).abs().mean())
    assert engine.averages()["loss/diversity/noise"] == pytest.approx(-distance, rel=1e-4)


def test_diversity_weight_falls_to_zero(make_engine):
    engine = make_engine()
    end, weight = engine.config.images, engine.system.diversity_weight
    assert (weight(0), weight(end // 2), weight(end), weight(2 * end)) == (1, 0.5, 0, 0)
    for form in ("ms", "dsgan"):
        assert make_engine(loss={"diversity": form}).system.diversity_weight(end) == 1
    assert make_engine(loss={"diversity": "ms", "diversity_decay": "linear"}).system.diversity_weight(end) == 0
    assert make_engine(loss={"diversity_decay": "none"}).system.diversity_weight(end) == 1
    assert make_engine(loss={"diversity": "none"}).system.diversity_weight(0) == 0


def gap(engine: Engine, draws: Draws) -> tuple[float, float]:
    """D(real) - D(fake) and D(fake)."""
    system = engine.system
    with torch.no_grad():
        fake = engine.raw["generator"](draws.one_hot, system.noise_codes(draws, engine).first)
        scores = [engine.raw["discriminator"](image, draws.one_hot).mean() for image in (draws.image, fake)]
    return float(scores[0] - scores[1]), float(scores[1])


@pytest.mark.parametrize("by", ["noise", "reference"])
def test_discriminator_steps_part_real_from_fake(make_engine, batch, by):
    engine = make_engine()
    draws = draws_of(engine, batch)
    before = gap(engine, draws)[0]
    for _ in range(5):
        engine.update("discriminator", lambda part: engine.system.discriminator_loss(part, engine, by=by), draws)
    assert gap(engine, draws)[0] > before


def test_generator_steps_raise_the_score_of_their_faces(make_engine, batch):
    engine = make_engine(loss={"weight_style": 0.0, "diversity": "none", "weight_reconstruction": 0.0})
    draws = draws_of(engine, batch)
    before = gap(engine, draws)[1]
    for _ in range(5):
        engine.update(ALL[:3], lambda part: engine.system.noise_loss(part, engine), draws)
    assert gap(engine, draws)[1] > before


@pytest.mark.parametrize("form", ["ds", "ms", "dsgan"])
def test_generator_steps_raise_diversity(make_engine, batch, form):
    engine = make_engine(
        loss={"weight_style": 0.0, "diversity": form, "weight_diversity": 100.0, "weight_reconstruction": 0.0}
    )
    draws = draws_of(engine, batch)

    def difference() -> float:
        with torch.no_grad():
            codes = engine.system.noise_codes(draws, engine)
            first, second = (engine.raw["generator"](draws.one_hot, code) for code in (codes.first, codes.second))
        return float((first - second).abs().mean())

    before = difference()
    for _ in range(5):
        engine.update(ALL[:3], lambda part: engine.system.noise_loss(part, engine), draws)
    assert difference() > before


def test_style_loss_reaches_all_three_networks(make_engine, batch):
    engine = make_engine(loss={"diversity": "none", "weight_reconstruction": 0.0})
    draws = draws_of(engine, batch)
    with engine.frozen("discriminator"):
        codes = engine.system.noise_codes(draws, engine)
        decoder, network = engine.raw["style_decoder"], engine.raw["generator"]
        (decoder(network(draws.one_hot, codes.first)) - codes.first).abs().mean().backward()
    for name in ALL[:3]:
        assert any(p.grad is not None and p.grad.abs().max() > 0 for p in engine.raw[name].parameters()), name


def test_noise_mode_trains_all_and_reference_mode_the_generator_alone(make_engine, batch):
    engine = make_engine()
    draws = draws_of(engine, batch)
    before = snapshot(engine)
    engine.update("generator", lambda part: engine.system.reference_loss(part, engine), draws)
    assert changed(engine, before) == {"generator"}
    before = snapshot(engine)
    engine.update(ALL[:3], lambda part: engine.system.noise_loss(part, engine), draws)
    assert changed(engine, before) == set(ALL[:3])
    assert all(p.grad is None for network in engine.raw.values() for p in network.parameters())


def test_without_reference_training_there_is_no_such_loss(make_engine, batch):
    engine = make_engine(loss={"reference_training": False})
    engine.run_step(batch)
    assert not [name for name in engine.averages() if "reference" in name]
    engine = make_engine()
    engine.run_step(batch)
    assert {"loss/adversarial/reference", "score_fake/reference"} <= set(engine.averages())


def test_the_style_encoder_is_slow():
    for preset in PRESETS.values():
        options = preset().optimizer
        assert options.lr_style_encoder == pytest.approx(options.lr / 100)
    assert PRESETS["paper"]().optimizer == OptimizerConfig(
        lr=1e-4, lr_style_encoder=1e-6, beta1=0.0, beta2=0.99, weight_decay=1e-4, decay_images=0
    )


def test_optimizers_have_these_settings(make_engine):
    engine = make_engine(optimizer={"lr": 2e-3, "lr_style_encoder": 3e-5})
    for name, optimizer in engine.optimizers.items():
        (group,) = optimizer.param_groups
        assert group["lr"] == (3e-5 if name == "style_encoder" else 2e-3)
        assert group["betas"] == (0.0, 0.99) and group["weight_decay"] == 1e-4
    engine = make_engine(optimizer={"lr": 1e-7, "lr_style_encoder": 1e-9, "lr_discriminator": 2e-4})
    rates = {name: optimizer.param_groups[0]["lr"] for name, optimizer in engine.optimizers.items()}
    assert rates == dict.fromkeys(ALL, 1e-7) | {"style_encoder": 1e-9, "discriminator": 2e-4}


def test_averages_move_by_a_thousandth_and_sampling_uses_them(make_engine, batch):
    engine = make_engine()
    engine.config = dataclasses.replace(engine.config, batch_size=8)
    assert set(engine.ema) == set(ALL[:3])
    before = {name: [p.clone() for p in average.module.parameters()] for name, average in engine.ema.items()}
    engine.run_step(batch)
    for name, average in engine.ema.items():
        for old, new, mean in zip(
            before[name], engine.raw[name].parameters(), average.module.parameters(), strict=True
        ):
            torch.testing.assert_close(mean, 0.999 * old + 0.001 * new, rtol=1e-5, atol=1e-7)
    pipeline = engine.system.pipeline(engine.inference_networks())
    for name in ALL[:3]:
        assert pipeline.components[name] is engine.ema[name].module
    assert pipeline.components["discriminator"] is engine.raw["discriminator"]


def test_half_life_of_the_papers_average():
    assert 0.5 ** (8 / half_life(0.999, 8)) == pytest.approx(0.999)


def test_other_photos_are_never_ones_own(make_engine, batch):
    engine = make_engine()
    for images_seen in range(0, 80, 8):
        engine.images_seen = images_seen
        draws = draws_of(engine, batch)
        for photos in (draws.reference, draws.other_reference):
            assert (photos != batch.image).flatten(1).any(1).all()


def test_what_d_sees_is_moved_with_its_map(make_engine, batch):
    engine = make_engine(loss={"discriminator_augment": ("translation", "cutout")})
    draws = draws_of(engine, batch)
    image, shown = engine.system.show(draws.one_hot[:, :3].clone(), draws)
    assert torch.equal(image, shown) and not torch.equal(shown, draws.one_hot)


def test_parsing_loss_uses_a_frozen_parser(make_engine, batch, tmp_path):
    torch.manual_seed(1)
    network = ParsingNetwork(num_classes=3, num_attributes=0, width=8)
    parser = ParserPipeline(spec=make_engine().system.spec, size=32, parser=network)
    folder = parser.save_pretrained(tmp_path / "parser")
    engine = make_engine(loss={"weight_parsing": 1.0, "parser": str(folder), "discriminator_augment": ()})
    engine.system.prepare(engine.fabric.device)
    engine.run_step(batch)
    assert engine.averages()["loss/parsing/noise"] > 0
    loaded = load(folder).components["parser"]
    for mine, theirs in zip(engine.system.parser.parameters(), loaded.parameters(), strict=True):
        assert torch.equal(mine, theirs) and mine.grad is None
    with pytest.raises(WeightsError, match="nowhere"):
        other = make_engine(loss={"weight_parsing": 1.0, "parser": "nowhere/at/all"})
        other.system.prepare(other.fabric.device)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: ModelConfig(image_size=48), "--model.image_size is 48"),
        (lambda: ModelConfig(width=0), "--model.width is 0"),
        (lambda: LossConfig(weight_style=-1.0), "--loss.weight_style is -1"),
        (lambda: LossConfig(diversity_limit=float("nan")), "--loss.diversity_limit is nan"),
        (lambda: LossConfig(r1_every=0), "--loss.r1_every is 0"),
        (lambda: LossConfig(reconstruction_share=0.0), "--loss.reconstruction_share is 0"),
        (lambda: LossConfig(reconstruction_share=float("nan")), "--loss.reconstruction_share is nan"),
        (lambda: LossConfig(weight_parsing=1.0), "--loss.parser names no parser"),
        (lambda: LossConfig(judge_reconstruction=True, weight_reconstruction=0.0), "--loss.judge_reconstruction needs"),
        (lambda: OptimizerConfig(lr_style_encoder=0.0), "--optimizer.lr_style_encoder is 0"),
        (lambda: OptimizerConfig(lr_discriminator=0.0), "--optimizer.lr_discriminator is 0"),
        (lambda: OptimizerConfig(beta2=1.0), "--optimizer.beta2 is 1"),
        (lambda: OptimizerConfig(decay_images=-1), "--optimizer.decay_images is -1"),
    ],
)
def test_options_out_of_range(build, words):
    with pytest.raises(ConfigError, match=words):
        build()
