"""Training of what paints captions: who learns from what, wrong pairs that are wrong, encoders that stay."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from limner import registry
from limner.errors import ConfigError, WeightsError
from limner.losses.joint import joint_discriminator_loss
from limner.text_to_image.config import OptimizerConfig
from limner.text_to_image.training import condition_distance, shrink, twice_if_alone
from tests.engines import engine_of

from .conftest import smoke_system


def test_rates_of_the_slides() -> None:
    options = OptimizerConfig()
    epochs = {0: 1e-3, 149: 1e-3, 150: 5e-4, 299: 5e-4, 300: 2e-4, 599: 2e-4}
    for epoch, rate in epochs.items():
        assert options.lr_generator * options.scale(epoch * 8_855, 600 * 8_855) == pytest.approx(rate)
    assert OptimizerConfig(step_shares=(), step_factors=()).scale(99, 100) == 1.0
    with pytest.raises(ConfigError, match="step_shares"):
        OptimizerConfig(step_shares=(0.5, 0.2))


def test_distance_of_the_condition() -> None:
    zeros = torch.zeros(3, 4)
    assert condition_distance(zeros, zeros) == 0
    mean = torch.full((3, 4), 2.0)
    assert condition_distance(mean, zeros) == pytest.approx(2.0)  # (mean squared) / 2, the mean over all numbers


def test_real_pictures_at_the_size_of_smaller_ones() -> None:
    image = torch.arange(16.0).view(1, 1, 4, 4).expand(1, 3, 4, 4)
    assert torch.equal(shrink(image, 4), image)
    assert shrink(image, 2)[0, 0].tolist() == [[2.5, 4.5], [10.5, 12.5]]


@pytest.mark.parametrize("name", ["hfgan", "attngan"])
def test_encoders_stay_and_every_other_network_learns(name, shapes, damsm_weights) -> None:
    system, data = smoke_system(name, shapes, damsm_weights)
    system.prepare(torch.device("cpu"))
    engine = engine_of(system)
    before = {key: [p.detach().clone() for p in net.state_dict().values()] for key, net in system.networks.items()}
    batch = data.collate([data.train_set[row] for row in range(8)])
    for _ in range(2):
        engine.run_step(batch)
    for key, network in system.networks.items():
        same = all(torch.equal(a, b) for a, b in zip(before[key], network.state_dict().values(), strict=True))
        assert same == (key in ("text_encoder", "image_encoder")), key
    assert engine.averages()["loss/damsm"] > 0


@pytest.mark.parametrize("name", ["hfgan", "attngan", "hdgan", "stackgan"])
def test_r1_is_added_for_every_discriminator_that_is_trained(name, shapes, damsm_weights) -> None:
    """By hand: half the squared gradient of the sum of what each says of real pictures with their captions."""
    system, data = smoke_system(name, shapes, damsm_weights)
    engine = engine_of(system)
    draws = system.draw(data.collate([data.train_set[row] for row in range(8)]), engine)
    painted = system.networks["generator"](draws.latent, draws.noise, draws.sentence, draws.words, draws.is_word)
    made = system.made(draws, [painted])

    def loss(step: int, **options: float) -> float:
        engine.step = step
        weights = dataclasses.replace(system.config.loss, **options)
        system.config = dataclasses.replace(system.config, loss=weights)
        return float(system.discriminator_loss(made, engine).detach())

    wanted = 0.0
    fakes = (made.small, made.middle, made.large)[-len(system.discriminators) :]
    for one, fake in zip(system.discriminators, fakes, strict=True):
        if one in system.active(0):
            real = shrink(made.image, fake.shape[-1]).detach().requires_grad_(True)
            judged = system.networks[one](real, made.condition if name == "stackgan" else made.sentence)
            said = [part for part in (judged.picture, judged.pairs[0]) if part is not None]
            total = sum(part.flatten(1).mean(1).sum() if part.ndim > 1 else part.sum() for part in said)
            (gradient,) = torch.autograd.grad(total, real)
            wanted += float(0.5 * gradient.square().sum() / len(real))
    without = loss(0)
    assert wanted > 0
    assert loss(0, weight_r1=2.0) - without == pytest.approx(2 * wanted, rel=1e-3)
    assert loss(1, r1_every=3) == pytest.approx(without)
    assert loss(3) - without == pytest.approx(3 * 2 * wanted, rel=1e-3)


def test_the_generator_learns_from_damsm_through_the_picture(shapes, damsm_weights) -> None:
    system, data = smoke_system("hfgan", shapes, damsm_weights)
    engine = engine_of(system)
    draws = system.draw(data.collate([data.train_set[row] for row in range(8)]), engine)
    painted = system.networks["generator"](draws.latent, draws.noise, draws.sentence, draws.words, draws.is_word)
    system.damsm_loss(painted.image, draws, engine).backward()
    learned = [p.grad for p in system.networks["generator"].parameters() if p.grad is not None]
    assert learned and any(grad.abs().max() > 0 for grad in learned)
    assert all(p.grad is None for p in system.networks["image_encoder"].parameters())


def test_wrong_captions_are_false_of_their_pictures(shapes, damsm_weights) -> None:
    system, data = smoke_system("hfgan", shapes, damsm_weights)
    batch = data.collate([data.train_set[row] for row in range(8)])
    twice = dataclasses.replace(batch, **{k: torch.cat([v, v]) for k, v in vars(batch).items()})
    draws = system.draw(twice, engine_of(system))
    own = draws.sentence
    for row in range(len(twice)):
        if draws.has_wrong[row]:
            assert not torch.equal(draws.wrong_sentence[row], own[row])
    alone = system.draw(twice_if_alone(data.collate([data.train_set[0]])), engine_of(system))
    assert len(alone) == 2 and not alone.has_wrong.any()


def test_what_is_missing_is_said(shapes, damsm_weights) -> None:
    config = registry.preset("hfgan", "cpu")
    data = registry.system_class("hfgan").open_data(config, shapes)
    with torch.device("meta"):
        system = registry.system_class("hfgan")(config, data.spec)
    with pytest.raises(ConfigError, match=r"--text\.encoders is missing"):
        system.prepare(torch.device("cpu"))
    named = dataclasses.replace(config, text=dataclasses.replace(config.text, encoders="nowhere"))
    with pytest.raises(WeightsError):
        registry.system_class("hfgan").open_data(named, shapes)
    other = dataclasses.replace(config, text=dataclasses.replace(config.text, encoders=str(damsm_weights)))
    from limner.data.captions import Vocabulary

    spec = dataclasses.replace(data.spec, vocabulary=Vocabulary.of(["a bird"]))
    with pytest.raises(ConfigError, match=r"is not that of --text\.encoders"):
        registry.system_class("hfgan")(other, spec)


def test_shares_of_the_discriminators_loss() -> None:
    zero = torch.zeros(4)
    loss = joint_discriminator_loss(
        real_picture=zero, fake_picture=zero, real_pair=zero, fake_pair=zero, wrong_pair=zero
    )
    assert float(loss) == pytest.approx(2 * float(torch.log(torch.tensor(2.0))))


@pytest.mark.slow
def test_colours_of_shapes_are_learned(tmp_path) -> None:
    """hfgan.md 11.11: background and object have the colours of captions that were never seen."""
    from limner.data.captions import fit_words
    from tests.captioned_shapes import COLOURS, GROUNDS, SHAPES, write_captioned_shapes

    folder = write_captioned_shapes(tmp_path / "shapes", num=1_500, size=32, seed=4)
    config = registry.preset("hfgan", "smoke")
    config = dataclasses.replace(
        config,
        model=dataclasses.replace(config.model, width=12, discriminator_width=16, condition_size=32, latent_size=32),
        text=dataclasses.replace(config.text, code_size=64, embedding_size=64, length=10),
        optimizer=OptimizerConfig(step_shares=(), step_factors=()),
        train=dataclasses.replace(config.train, batch_size=16, images=9_600, ema_half_life=200),
    )
    cls = registry.system_class("hfgan")
    data = cls.open_data(config, folder)
    torch.manual_seed(0)
    system = cls(config, data.spec)
    engine = engine_of(system)
    random = torch.Generator().manual_seed(0)
    for _ in range(600):
        rows = torch.randint(len(data.train_set), (16,), generator=random).tolist()
        engine.run_step(data.collate([data.train_set[row] for row in rows]))
    pipeline = system.pipeline(engine.inference_networks())
    right = {"object": 0, "ground": 0}
    asked = [(s, c, g) for s in SHAPES for c in COLOURS for g in GROUNDS]
    for number, (shape, colour, ground) in enumerate(asked):
        ids = data.spec.vocabulary.encode(f"a {colour} {shape} on {ground}").ids
        words = torch.from_numpy(fit_words(ids, 10)[0])[None]
        image = (pipeline.paint_batch(words, [number])[0] + 1) * 127.5
        middle, edge = image[:, 14:18, 14:18].mean((1, 2)), image[:, :3, :].mean((1, 2))
        for key, where, colours, wanted in (("object", middle, COLOURS, colour), ("ground", edge, GROUNDS, ground)):
            nearest = min(colours, key=lambda name: float((where - torch.tensor(colours[name])).square().sum()))
            right[key] += nearest == wanted
    assert right["ground"] >= 0.9 * len(asked), right  # a third by chance
    assert right["object"] >= 0.4 * len(asked), right  # a quarter by chance
