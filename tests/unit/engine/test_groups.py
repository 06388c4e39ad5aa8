"""One loss for several networks, state of the system's own, schedules."""

from __future__ import annotations

import pytest
import torch

from limner.data.schema import get_schema
from limner.data.spec import DataSpec
from limner.engine.engine import Engine
from limner.engine.schedule import linear_decay
from limner.errors import TrainingError
from limner.systems.cyclegan.presets import smoke
from limner.systems.cyclegan.system import GENERATORS, CycleGAN, Draws
from tests.engines import engine_of


@pytest.fixture
def engine() -> Engine:
    torch.manual_seed(0)
    config = smoke()
    return engine_of(CycleGAN(config, DataSpec(get_schema("celebamask-19"))))


@pytest.fixture
def draws() -> Draws:
    torch.manual_seed(1)
    return Draws(torch.rand(4, 3, 32, 32), torch.rand(4, 3, 32, 32), torch.rand(4, 4))


def chained(engine: Engine, part: Draws) -> torch.Tensor:
    first, second = (engine.networks[name] for name in GENERATORS)
    return second(first(part.image)).square().mean()


def test_one_step_of_two_networks_equals_one_optimiser_over_both(engine, draws):
    parameters = [p.detach().clone().requires_grad_(True) for name in GENERATORS for p in engine.raw[name].parameters()]
    before = [p for name in GENERATORS for p in engine.raw[name].parameters()]
    gradients = torch.autograd.grad(chained(engine, draws), before)
    engine.update(GENERATORS, lambda part: chained(engine, part), draws)
    optimizer = torch.optim.Adam(parameters, lr=2e-4, betas=(0.5, 0.999))
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient
    optimizer.step()
    after = [p for name in GENERATORS for p in engine.raw[name].parameters()]
    for one, other in zip(parameters, after, strict=True):
        torch.testing.assert_close(one, other)
    assert {f"gradient_norm/{name}" for name in GENERATORS} <= set(engine.averages())


def test_a_gradient_that_is_not_finite_stops_before_any_network_moves(engine, draws):
    draws.image[0, 0, 0, 0] = float("nan")
    before = {name: [p.detach().clone() for p in engine.raw[name].parameters()] for name in GENERATORS}
    with pytest.raises(TrainingError, match="gradient of the generator is not finite"):
        engine.update(GENERATORS, lambda part: chained(engine, part), draws)
    for name, parameters in before.items():
        assert all(torch.equal(a, b) for a, b in zip(parameters, engine.raw[name].parameters(), strict=True))


def test_a_checkpoint_from_before_systems_had_state_still_loads(engine):
    system = engine.system
    state = system.training_state(engine)
    del state["system"]
    system.load_state_dict = lambda state: seen.append(state)
    seen: list[dict] = []
    system.restore(engine, state)
    assert seen == [{}]


def test_a_frozen_network_gets_back_the_gradients_that_it_had(engine):
    first, *others = engine.raw["discriminator"].parameters()
    first.requires_grad_(False)
    with engine.frozen("discriminator") as network:
        assert not any(parameter.requires_grad for parameter in network.parameters())
    assert not first.requires_grad and all(parameter.requires_grad for parameter in others)
    with engine.frozen("discriminator"), engine.frozen("discriminator"):
        pass
    assert not first.requires_grad and all(parameter.requires_grad for parameter in others)


def test_gather_and_share_of_one_process(engine):
    rows = torch.arange(6).float()
    assert torch.equal(engine.gather(rows), rows) and torch.equal(engine.share(rows), rows)


@pytest.mark.parametrize(("seen", "scale"), [(0, 1), (60, 1), (80, 0.5), (100, 0), (120, 0)])
def test_linear_decay(seen, scale):
    assert linear_decay(seen, images=100, decay_images=40) == scale
    assert linear_decay(seen, images=100, decay_images=0) == 1
