"""One iteration of LGcGAN: who learns from what, and what validation sees."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from limner import registry
from limner.ageing.shapes import AgeShapes
from limner.engine.engine import Engine
from limner.errors import ConfigError
from limner.systems.lgcgan.config import LGcGANConfig, LossConfig
from limner.systems.lgcgan.presets import smoke
from limner.systems.lgcgan.system import Judgement, LGcGAN
from tests.ages import write_ready_ages
from tests.engines import engine_of


def changed(**sections) -> LGcGANConfig:
    config = smoke()
    for section, values in sections.items():
        config = dataclasses.replace(config, **{section: dataclasses.replace(getattr(config, section), **values)})
    return config


def built(config: LGcGANConfig, folder) -> tuple[LGcGAN, Engine, object]:
    data = LGcGAN.open_data(config, folder)
    torch.manual_seed(0)
    system = LGcGAN(config, data.spec)
    return system, engine_of(system), data.collate([data.train_set[index] for index in range(8)])


def test_generators_and_discriminators_learn_apart(ready_ages) -> None:
    """A backward pass of G reaches every parameter of G_P and G_I and none of D, and the other way round."""
    system, engine, batch = built(changed(loss={"weight_latent": 1.0}), ready_ages)
    draws, results = system.draw(batch, engine), []
    engine.fabric.backward(system.generator_loss(draws, engine, results))

    def gradients(name: str) -> list[torch.Tensor | None]:
        return [parameter.grad for parameter in system.networks[name].parameters()]

    for name in ("primal", "inverse"):
        assert all(grad is not None and grad.isfinite().all() and grad.abs().max() > 0 for grad in gradients(name)), (
            name
        )
        assert all(grad is None for grad in gradients(f"{name}_discriminator"))
        system.networks[name].zero_grad()
    made = results[0]
    engine.fabric.backward(system.discriminator_loss(Judgement(**vars(draws), **vars(made)), engine))
    for name in ("primal", "inverse"):
        assert all(grad is None for grad in gradients(name))
        assert all(grad is not None and grad.abs().max() > 0 for grad in gradients(f"{name}_discriminator")), name


def test_age_heads_learn_from_real_pictures_alone(ready_ages) -> None:
    system, engine, batch = built(changed(), ready_ages)
    draws = system.draw(batch, engine)
    head = system.networks["primal_discriminator"].age_head.weight
    gradients = []
    for fake in (draws.image, -draws.image):
        system.networks["primal_discriminator"].zero_grad()
        torch.manual_seed(0)
        engine.fabric.backward(system.discriminator_loss(Judgement(**vars(draws), aged=fake, back=fake), engine))
        gradients.append(head.grad.clone())
    torch.testing.assert_close(*gradients)


@pytest.mark.parametrize(
    "sections",
    [
        {"model": {"share_weights": True}},
        {"model": {"landmarks": "none", "attention": False, "pixel_attention": False}},
        {"model": {"landmarks": "coords", "upsampling": "transposed", "age_at": "input"}},
        {"loss": {"inverse_task": False, "triplet": False}},
        {"loss": {"weight_self": 1.0, "pose_control": 0.5, "landmark_shift": True}},
        {
            "loss": {
                "discriminator_noise": 0.1,
                "discriminator_blur": 0.5,
                "discriminator_augment": ("translation", "cutout"),
                "weight_smoothness": 1.0,
                "label_smoothing": 0.1,
            }
        },
    ],
    ids=["shared", "no-landmarks", "coords", "no-inverse", "pose", "defences"],
)
def test_switches_train(sections, ready_ages) -> None:
    system, engine, batch = built(changed(**sections), ready_ages)
    before = {name: [p.clone() for p in network.parameters()] for name, network in system.networks.items()}
    for _ in range(2):
        engine.run_step(batch)
    for name, network in system.networks.items():
        if name != "shapes":
            assert any(not torch.equal(a, b) for a, b in zip(before[name], network.parameters(), strict=True)), name
    loss = sections.get("loss", {})
    shared = sections.get("model", {}).get("share_weights", False)
    assert ("inverse" in system.networks) == (loss.get("inverse_task", True) and not shared)


def test_shared_weights_are_one_set_at_the_published_size() -> None:
    config = registry.preset("lgcgan", "paper")
    config = dataclasses.replace(config, model=dataclasses.replace(config.model, share_weights=True))
    with torch.device("meta"):
        from limner.ageing.data import SPEC

        system = LGcGAN(config, SPEC)
    assert sum(p.numel() for network in system.networks.values() for p in network.parameters()) == 15_128_369


def test_noise_hides_nothing_for_the_inverse_task(ready_ages) -> None:
    """What the inverse generator gets is the result with noise, from the first step on."""
    system, engine, batch = built(changed(loss={"cycle_noise": 0.3}), ready_ages)
    draws = system.draw(batch, engine)
    assert draws.cycle_noise.std().item() == pytest.approx(0.3, rel=0.05)
    assert built(changed(loss={"cycle_noise": 0.0}), ready_ages)[0].draw(batch, engine).cycle_noise.abs().max() == 0


def test_pairs_need_neither_discriminators_nor_the_way_back(tmp_path) -> None:
    folder = write_ready_ages(tmp_path / "pairs", size=32, same_scene=True)
    loss = {"weight_adversarial": 0.0, "weight_age": 0.0, "weight_paired": 1.0, "inverse_task": False}
    system, engine, batch = built(changed(loss=loss), folder)
    assert set(system.networks) == {"primal", "shapes"}
    losses = []
    for _ in range(12):
        engine.run_step(batch)
        losses.append(engine.averages()["loss/paired"])
    assert losses[-1] < losses[0]
    with pytest.raises(ConfigError, match="judge"):
        system.prepare(torch.device("cpu"))


def test_pairs_are_compared_in_features_too(tmp_path) -> None:
    """The generator learns by the parser's features, and the parser does not."""
    folder = write_ready_ages(tmp_path / "pairs", size=32, same_scene=True)
    loss = {"weight_adversarial": 0.0, "weight_age": 0.0, "weight_paired": 1e-6, "inverse_task": False}
    config = changed(loss=loss | {"weight_paired_features": 1.0}, validation={"judge": "facejudge-people-64"})
    system, engine, batch = built(config, folder)
    system.prepare(torch.device("cpu"))
    assert system.features is not None and system.features.name.startswith("parser features-people-64")
    before = [value.clone() for value in system.features.parser.state_dict().values()]
    losses = []
    for _ in range(12):
        engine.run_step(batch)
        losses.append(engine.averages()["loss/paired_features"])
    assert losses[-1] < losses[0]
    after = system.features.parser.state_dict().values()
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))


def test_settings_that_contradict_are_refused() -> None:
    for wrong in (
        {"weight_adversarial": 0.0, "weight_age": 0.0},
        {"weight_identity": 1.0},
        {"weight_latent": 1.0, "inverse_task": False},
        {"weight_paired_features": 1.0},
        {"cycle_noise": -1.0},
        {"pose_control": 1.5},
        {"weight_age": float("nan")},
    ):
        with pytest.raises(ConfigError):
            LossConfig(**wrong)


def test_a_fooled_head_and_a_copy_are_warned_of(ready_ages, caplog) -> None:
    system, _, _ = built(changed(), ready_ages)
    system.judge = object()  # only whether there is one is asked
    system._warn({"age_head_on_fakes": 0.95, "judged_span": 0.2, "attention": 0.5})
    assert "being fooled" in caplog.text
    caplog.clear()
    system._warn({"age_head_on_fakes": 0.95, "judged_span": 0.8, "attention": 0.001})
    assert "being fooled" not in caplog.text and "copies its input" in caplog.text


def test_shapes_are_means_of_what_was_counted() -> None:
    shapes = AgeShapes(num_groups=3)
    points = torch.rand(40, 68, 2, generator=torch.Generator().manual_seed(0))
    group = torch.arange(40) % 2
    years = torch.arange(40).float()
    for part in (slice(0, 7), slice(7, 40)):
        shapes.count(points[part], group[part], years[part])
    torch.testing.assert_close(shapes.landmarks[1], points[1::2].mean(0))
    torch.testing.assert_close(shapes.mean_shape(), points.mean(0))
    assert shapes.years.tolist() == [19.0, 20.0, 0.0]
    moved = shapes.moved(points[:2], torch.tensor([0, 0]), torch.tensor([1, 2]))
    torch.testing.assert_close(moved[0], points[0] + shapes.landmarks[1] - shapes.landmarks[0])
    torch.testing.assert_close(moved[1], points[1])  # nobody of that group was counted
