"""Directions and definitions of the losses; where the published equations contradict each other, this is our choice."""

import dataclasses
import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from limner.data.batch import MaskToImageBatch
from limner.data.schema import LabelSchema
from limner.data.spec import DataSpec
from limner.engine.engine import Engine
from limner.errors import ConfigError
from limner.nn.discriminator_augment import NUM_DRAWS, augment_for_discriminator
from limner.systems.scgan.config import OptimizerConfig
from limner.systems.scgan.networks import Discriminator
from limner.systems.scgan.presets import smoke
from limner.systems.scgan.system import SCGAN, class_weights, gradient_penalty, picture_difference
from tests.engines import engine_of

SCHEMA = LabelSchema(name="test-3", classes=("background", "face", "hair"), palette=((0, 0, 0), (9, 9, 9), (99, 9, 9)))
SIZE = 32


class LinearCritic(nn.Module):
    """Scores whose sum is <weight, image>."""

    def __init__(self, weight: torch.Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)

    def forward(self, image):
        score = (image * self.weight).flatten(1).sum(1)
        return (score / 4)[:, None, None, None].expand(-1, 1, 2, 2), None


@pytest.fixture
def engine() -> Engine:
    torch.manual_seed(0)
    config = smoke()
    system = SCGAN(config, DataSpec(SCHEMA, ("Dark", "Light")))
    return engine_of(system)


@pytest.fixture
def batch() -> MaskToImageBatch:
    random = torch.Generator().manual_seed(1)
    label_map = torch.randint(3, (8, SIZE, SIZE), generator=random)
    image = functional.one_hot(label_map, 3).permute(0, 3, 1, 2).float() * 2 - 1
    return MaskToImageBatch(image, label_map, torch.randint(2, (8, 2), generator=random).float(), torch.arange(8))


def test_penalty_is_zero_for_a_linear_critic_of_unit_gradient():
    weight = torch.randn(3, SIZE, SIZE)
    real, fake, mix = torch.randn(4, 3, SIZE, SIZE), torch.randn(4, 3, SIZE, SIZE), torch.rand(4, 1, 1, 1)
    unit = LinearCritic(weight / weight.norm())
    assert gradient_penalty(unit, real, fake, mix, reduce="sum").item() == pytest.approx(0, abs=1e-5)
    # The mean of the four scores has a quarter of the gradient: (1/4 - 1)^2.
    assert gradient_penalty(unit, real, fake, mix, reduce="mean").item() == pytest.approx(0.5625, abs=1e-5)
    three = LinearCritic(3 * weight / weight.norm())
    assert gradient_penalty(three, real, fake, mix).item() == pytest.approx(4, abs=1e-4)


def test_second_derivatives_reach_every_trunk_parameter(engine):
    discriminator = engine.raw["discriminator"]
    real, fake = torch.randn(4, 3, SIZE, SIZE), torch.randn(4, 3, SIZE, SIZE)
    gradient_penalty(discriminator, real, fake, torch.rand(4, 1, 1, 1)).backward()
    weights = {n: p for n, p in discriminator.named_parameters() if n.startswith("trunk") and n.endswith("weight")}
    assert weights and all(p.grad is not None and p.grad.abs().max() > 0 for p in weights.values())
    assert real.grad is None and fake.grad is None


def test_penalty_on_every_second_iteration_has_twice_the_weight(engine, batch):
    draws = engine.system.draw(batch, engine)

    def loss(step: int, **options: float) -> float:
        for name, value in {"weight_gradient_penalty": 10.0, "gp_every": 1, **options}.items():
            object.__setattr__(engine.system.config.loss, name, value)
        engine.step = step
        return engine.system.discriminator_loss(draws, engine).item()

    without, always = loss(0, weight_gradient_penalty=0.0), loss(0)
    assert loss(1) == pytest.approx(always)
    assert loss(1, gp_every=2) == pytest.approx(without)
    assert loss(2, gp_every=2) - without == pytest.approx(2 * (always - without), rel=1e-4)


def test_discriminator_phase_parts_real_from_fake(engine, batch):
    def gap() -> float:
        draws = engine.system.draw(batch, engine)
        with torch.no_grad():
            fake = engine.system.generate(engine.raw["generator"], draws)
            d = engine.raw["discriminator"]
            return float(d(batch.image)[0].mean() - d(fake)[0].mean())

    before = gap()
    for _ in range(20):
        draws = engine.system.draw(batch, engine)
        engine.update("discriminator", lambda part: engine.system.discriminator_loss(part, engine), draws)
    assert gap() > before + 0.1


def test_generator_step_raises_the_score_of_its_fakes(engine, batch):
    draws = engine.system.draw(batch, engine)

    def score() -> float:
        with torch.no_grad():
            fake = engine.system.generate(engine.raw["generator"], draws)
            return float(engine.raw["discriminator"](fake)[0].mean())

    object.__setattr__(engine.system.config.loss, "weight_classification", 0.0)
    object.__setattr__(engine.system.config.loss, "use_segmentor", False)
    before = score()
    for _ in range(5):
        engine.update("generator", lambda part: engine.system.generator_loss(part, engine), draws)
    assert score() > before


def test_diversity_term_is_zero_beyond_its_limit_and_rewards_difference_below(engine, batch):
    draws = engine.system.draw(batch, engine)
    fake = engine.system.generate(engine.networks["generator"], draws)

    def loss(limit: float) -> torch.Tensor:
        object.__setattr__(engine.system.config.loss, "diversity_limit", limit)
        return engine.system.diversity_loss(fake, draws, engine)

    assert loss(0.0).item() == 0
    with torch.no_grad():
        network = engine.raw["generator"]
        other = engine.system.generate(network, dataclasses.replace(draws, latent=draws.other_latent))
    difference = (fake - other).abs().mean()
    torch.testing.assert_close(loss(2.0), 2 - difference)
    loss(2.0).backward()
    latent_weight = engine.raw["generator"].latent_linear.weight
    assert latent_weight.grad.abs().max() > 0  # it pulls on the path of z


def test_generator_update_leaves_no_gradient_in_the_others(engine, batch):
    draws = engine.system.draw(batch, engine)
    loss = engine.system.generator_loss(draws, engine)
    engine.fabric.backward(loss)
    for name in ("discriminator", "segmentor"):
        assert all(p.grad is None and p.requires_grad for p in engine.raw[name].parameters())
    assert all(p.grad is not None for p in engine.raw["generator"].parameters())


def test_each_update_changes_its_own_network_only(engine, batch):
    losses = {
        "discriminator": engine.system.discriminator_loss,
        "segmentor": engine.system.segmentor_loss,
        "generator": engine.system.generator_loss,
    }
    draws = engine.system.draw(batch, engine)
    for name, loss in losses.items():
        before = {n: [p.clone() for p in network.parameters()] for n, network in engine.raw.items()}
        engine.update(name, lambda part, loss=loss: loss(part, engine), draws)
        for other, parameters in before.items():
            after = engine.raw[other].parameters()
            changed = any(not torch.equal(a, b) for a, b in zip(parameters, after, strict=True))
            assert changed == (other == name)


def test_generator_is_updated_every_nth_iteration_with_the_same_draws(engine, batch, monkeypatch):
    calls = []
    monkeypatch.setattr(engine, "update", lambda name, loss, draws: calls.append((name, draws)))
    for _ in range(4):
        engine.run_step(batch)
    assert [name[0] for name, _ in calls] == ["d", "s", "d", "s", "g", "d", "s", "d", "s", "g"]  # num_repeat = 2
    assert calls[2][1] is calls[4][1]


def test_generator_gets_permuted_maps(engine, batch):
    draws = engine.system.draw(batch, engine)
    own = sum(torch.equal(a, b) for a, b in zip(draws.target_map, batch.label_map, strict=True))
    assert own < 4
    rows = sorted(row.tobytes() for row in draws.target_map.numpy())
    assert rows == sorted(row.tobytes() for row in batch.label_map.numpy())  # the same maps, none lost
    assert torch.equal(draws.attributes, batch.attributes)


def test_draws_change_with_the_clock_and_repeat_with_it(engine, batch):
    first, again = engine.system.draw(batch, engine), engine.system.draw(batch, engine)
    assert torch.equal(first.latent, again.latent) and torch.equal(first.target_map, again.target_map)
    engine.images_seen += 8
    assert not torch.equal(first.latent, engine.system.draw(batch, engine).latent)


def test_classification_loss_sums_attributes_and_averages_the_batch(engine):
    logits, attributes = torch.zeros(4, 2), torch.ones(4, 2)
    assert engine.system.classification_loss(logits, attributes).item() == pytest.approx(2 * math.log(2))
    engine.system.spec = DataSpec(SCHEMA, ("Red", "Blue"), "exclusive")
    one_colour = torch.tensor([[1.0, 0.0]] * 4)
    assert engine.system.classification_loss(logits, one_colour).item() == pytest.approx(math.log(2))


def test_segmentation_loss_is_the_mean_over_known_pixels(engine):
    logits = torch.randn(2, 3, 4, 4)
    label_map = torch.randint(3, (2, 4, 4))
    expected = functional.cross_entropy(logits, label_map)
    torch.testing.assert_close(engine.system.segmentation_loss(logits, label_map), expected)
    label_map[0] = 255
    expected = functional.cross_entropy(logits[1:], label_map[1:])
    torch.testing.assert_close(engine.system.segmentation_loss(logits, label_map), expected)
    assert engine.system.segmentation_loss(logits, torch.full((2, 4, 4), 255)).item() == 0


def test_accumulation_gives_the_same_update(batch):
    results = []
    for accumulate in (1, 4):
        torch.manual_seed(0)
        config = smoke()
        object.__setattr__(config.train, "accumulate", accumulate)
        system = SCGAN(config, DataSpec(SCHEMA, ("Dark", "Light")))
        engine = engine_of(system)
        for _ in range(2):
            engine.run_step(batch)
        results.append({n: [p.detach() for p in network.parameters()] for n, network in engine.raw.items()})
    for name in results[0]:
        for a, b in zip(results[0][name], results[1][name], strict=True):
            # Adam's first steps have the size of the learning rate, however small the difference in the sums.
            torch.testing.assert_close(a, b, atol=2e-3, rtol=0)


def test_augmentation_shifts_and_blanks_and_keeps_gradients():
    image = torch.ones(16, 3, SIZE, SIZE, requires_grad=True)
    draws = torch.rand(16, NUM_DRAWS, generator=torch.Generator().manual_seed(0))
    assert augment_for_discriminator(image, draws, ()) is image
    changed = augment_for_discriminator(image, draws, ("translation", "cutout"))
    share = changed.detach().mean(dim=(1, 2, 3))
    assert changed.shape == image.shape and (share < 1).all() and (share > 0.4).all()
    changed.sum().backward()
    # What survives has gradient 1, what was moved out or blanked has 0.
    assert set(image.grad.unique().tolist()) == {0.0, 1.0}
    still = torch.full((1, NUM_DRAWS), 0.5)  # the middle of the range is no shift
    picture = torch.randn(1, 3, SIZE, SIZE)
    assert torch.equal(augment_for_discriminator(picture, still, ("translation",)), picture)


def test_gradient_that_is_not_finite_stops_with_the_step_saved(engine, batch, tmp_path):
    from limner.engine.state import load_state
    from limner.errors import TrainingError

    engine.run = tmp_path
    batch.image[0, 0, 0, 0] = math.nan
    with pytest.raises(TrainingError, match=r"gradient of the discriminator is not finite at 0 images.*failed-step"):
        engine.run_step(batch)
    (path,) = tmp_path.iterdir()
    saved = load_state(path)
    assert math.isnan(saved["batch"]["image"][0, 0, 0, 0]) and set(saved["networks"]) == set(engine.raw)


def test_light_and_contrast_alone_are_no_diversity_once_pictures_are_freed_of_them():
    torch.manual_seed(0)
    first, other = torch.rand(2, 3, SIZE, SIZE) - 0.5, torch.rand(2, 3, SIZE, SIZE) - 0.5
    lit = 0.5 * first + 0.3
    unused = Discriminator(image_size=SIZE, num_attributes=0, width=4)
    pixels, normalized = (picture_difference(first, lit, space, unused) for space in ("pixels", "normalized"))
    assert (pixels > 0.2).all() and (normalized < 0.05).all()
    assert (picture_difference(first, other, "normalized", unused) > 0.5).all()


def test_shadows_and_casts_alone_are_no_diversity_of_details():
    """A shadow of 16 px over one half and a cast of colour: most of a difference of features, little of details."""
    torch.manual_seed(0)
    first = 0.5 * torch.rand(2, 3, 64, 64) - 0.25
    place = torch.arange(64.0)
    shadow = torch.exp(-((place[:, None] - 20).square() + (place - 40).square()) / (2 * 8**2))
    shaded = first - 0.7 * shadow + torch.tensor([0.2, -0.1, 0.0])[:, None, None]
    discriminator = Discriminator(image_size=64, num_attributes=0, width=8)
    features, details = (picture_difference(first, shaded, space, discriminator) for space in ("features", "details"))
    assert (details < 0.15 * features).all()
    other = 0.5 * torch.rand(2, 3, 64, 64) - 0.25
    whole, drawn = (picture_difference(first, other, space, discriminator) for space in ("features", "details"))
    assert (drawn > 0.8 * whole).all()


def test_differences_in_the_discriminator_reach_the_first_picture_alone(engine):
    discriminator = engine.raw["discriminator"]
    first, second = (torch.rand(2, 3, SIZE, SIZE, requires_grad=True) for _ in range(2))
    assert not picture_difference(first, first, "features", discriminator).any()
    difference = picture_difference(first, second, "features", discriminator)
    difference.sum().backward()
    assert first.grad.abs().max() > 0 and second.grad is None


@pytest.mark.parametrize("space", ["normalized", "features", "details"])
def test_diversity_in_another_space_pulls_on_the_latent(engine, batch, space):
    object.__setattr__(engine.system.config.loss, "diversity_space", space)
    object.__setattr__(engine.system.config.loss, "diversity_limit", 2.0)
    draws = engine.system.draw(batch, engine)
    fake = engine.system.generate(engine.networks["generator"], draws)
    engine.system.diversity_loss(fake, draws, engine).backward()
    assert engine.raw["generator"].latent_linear.weight.grad.abs().max() > 0
    assert all(p.grad is None for p in engine.raw["discriminator"].parameters())


def test_the_latent_is_found_in_fakes_alone_by_both_players(batch):
    """With a head that always says 2, the error is the mean of (2 - z)^2 for D, on its fakes, and for G."""
    torch.manual_seed(0)
    config = smoke()
    without = SCGAN(config, DataSpec(SCHEMA, ("Dark", "Light")))
    config = dataclasses.replace(config, loss=dataclasses.replace(config.loss, weight_latent_regression=7.0))
    system = SCGAN(config, DataSpec(SCHEMA, ("Dark", "Light")))
    head = system.networks["discriminator"].latent_head
    nn.init.zeros_(head.weight)
    nn.init.constant_(head.bias, 2.0)
    without.networks["generator"].load_state_dict(system.networks["generator"].state_dict())
    known = {k: v for k, v in system.networks["discriminator"].state_dict().items() if not k.startswith("latent_head")}
    without.networks["discriminator"].load_state_dict(known)
    without.networks["segmentor"].load_state_dict(system.networks["segmentor"].state_dict())
    engine, plain = engine_of(system), engine_of(without)
    draws = system.draw(batch, engine)
    wanted = 7 * (2 - draws.latent).square().mean()
    for part in ("discriminator_loss", "generator_loss"):
        more = getattr(system, part)(draws, engine) - getattr(without, part)(draws, plain)
        torch.testing.assert_close(more, wanted, rtol=1e-4, atol=1e-4)


def test_both_players_learn_to_show_and_find_the_latent(batch):
    torch.manual_seed(0)
    config = smoke()
    loss = dataclasses.replace(config.loss, weight_latent_regression=50.0, use_segmentor=False, use_classifier=False)
    optimizer = dataclasses.replace(config.optimizer, num_repeat=1, lr_generator=2e-3, lr_discriminator=2e-3)
    system = SCGAN(dataclasses.replace(config, loss=loss, optimizer=optimizer), DataSpec(SCHEMA, ("Dark", "Light")))
    engine = engine_of(system)
    errors = []
    for _ in range(60):
        engine.run_step(batch)
        errors.append(engine.averages()["loss/latent_regression"])
    assert errors[0] > 0.9 and errors[-1] < 0.8 * errors[0], errors


def test_weights_of_rare_classes_by_hand():
    labels = torch.tensor([0] * 16 + [1] * 4)
    assert class_weights(labels, 3, 0.0).tolist() == [1, 1, 1]
    weights = class_weights(labels, 3, 0.5)
    assert float(weights[1] / weights[0]) == pytest.approx(2)  # a quarter of the pixels, twice the weight
    assert float(weights[labels].mean()) == pytest.approx(1)
    assert class_weights(labels[:0], 3, 0.5).isfinite().all()


def test_segmentor_alone_first_and_frozen_afterwards(batch, monkeypatch):
    config = smoke()
    optimizer = dataclasses.replace(config.optimizer, segmentor_images=16, freeze_segmentor=True, num_repeat=1)
    system = SCGAN(dataclasses.replace(config, optimizer=optimizer), DataSpec(SCHEMA, ("Dark", "Light")))
    engine = engine_of(system)
    calls = []
    update = engine.update
    monkeypatch.setattr(engine, "update", lambda name, loss, draws: (calls.append(name), update(name, loss, draws)))
    for _ in range(4):
        engine.run_step(batch)
    assert calls == ["segmentor", "segmentor", "discriminator", "generator", "discriminator", "generator"]


def test_a_segmentor_that_never_learns_is_refused():
    with pytest.raises(ConfigError, match=r"--optimizer.freeze_segmentor would freeze"):
        dataclasses.replace(smoke(), optimizer=OptimizerConfig(freeze_segmentor=True))
    with pytest.raises(ConfigError, match=r"--optimizer.segmentor_images is 256"):
        dataclasses.replace(smoke(), optimizer=OptimizerConfig(segmentor_images=256))


def test_noise_before_the_segmentor_is_seen_by_it_alone_and_strongest_at_its_limit(batch, monkeypatch):
    torch.manual_seed(0)
    config = smoke()
    config = dataclasses.replace(config, loss=dataclasses.replace(config.loss, segmentor_noise=0.4))
    engine = engine_of(SCGAN(config, DataSpec(SCHEMA, ("Dark", "Light"))))
    draws = engine.system.draw(batch, engine)
    strengths = draws.segmentor_noise.flatten(1).std(1)
    assert strengths.max() < 0.4 * 1.05 and strengths.std() > 0.01  # of another strength in each picture
    torch.testing.assert_close(engine.system.seen(batch.image, draws), batch.image + draws.segmentor_noise)
    seen = []
    monkeypatch.setattr(
        engine.networks["segmentor"], "forward", lambda image: seen.append(image) or torch.zeros(8, 3, SIZE, SIZE)
    )
    engine.system.segmentor_loss(draws, engine)
    torch.testing.assert_close(seen[0], batch.image + draws.segmentor_noise)
    clean = engine_of(SCGAN(smoke(), DataSpec(SCHEMA, ("Dark", "Light"))))
    assert clean.system.seen(batch.image, clean.system.draw(batch, clean)) is batch.image
