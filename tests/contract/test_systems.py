"""What every system promises, whatever its paper: real networks at smoke size, on drawn faces."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

from limner import registry
from limner.data.batch import TensorBatch
from limner.engine.data import TrainingData
from limner.engine.engine import Engine
from limner.engine.state import load_state, save_state
from limner.engine.system import System
from limner.task import Task
from tests.engines import engine_of

pytestmark = pytest.mark.parametrize("name", registry.system_names())


@pytest.fixture
def data(name: str, data_for: Callable[[Task], Path]) -> TrainingData:
    """What the system's smoke preset trains on, of the fields that its task needs."""
    folder = data_for(registry.task(name))
    opened: TrainingData = registry.system_class(name).open_data(registry.preset(name, "smoke"), folder)
    return opened


def build(name: str, data: TrainingData, *, seed: int = 0) -> tuple[System, Engine, TensorBatch]:
    config = registry.preset(name, "smoke")
    torch.manual_seed(seed)
    system = registry.system_class(name)(config, data.spec)
    batch = data.collate([data.train_set[index] for index in range(config.train.batch_size)])
    return system, engine_of(system), batch


def weights(system: System) -> dict[str, list[torch.Tensor]]:
    return {name: [p.detach().clone() for p in network.parameters()] for name, network in system.networks.items()}


def test_presets_are_complete_and_build(name, data):
    assert {"paper", "gpu", "cpu", "smoke"} <= set(registry.presets(name))
    for preset in registry.presets(name):
        config = registry.preset(name, preset)
        assert isinstance(config, registry.config_class(name))
        with torch.device("meta"):
            system = registry.system_class(name)(config, data.spec)
        assert set(system.optimizers()) <= set(system.networks)


def test_every_configuration_field_is_described(name, data):
    from docstring_parser import parse_from_object

    def check(config_class: type) -> None:
        bases = [base for base in config_class.__mro__ if dataclasses.is_dataclass(base)]
        described = {p.arg_name for base in bases for p in parse_from_object(base).params if p.description}
        assert described == {field.name for field in dataclasses.fields(config_class)}, config_class

    config = registry.preset(name, "smoke")
    check(type(config))
    for field in dataclasses.fields(config):
        check(type(getattr(config, field.name)))


def test_smoke_networks_are_small(name, data):
    system, _, _ = build(name, data)
    assert sum(p.numel() for network in system.networks.values() for p in network.parameters()) < 1_000_000


def test_smoke_networks_run_where_there_is_no_avx512(name, data):
    """There oneDNN's 1x1 convolutions with a stride overwrite memory unless their channels are a multiple of 8."""
    system, _, _ = build(name, data)
    convolutions = [m for network in system.networks.values() for m in network.modules() if isinstance(m, nn.Conv2d)]
    strided = [m for m in convolutions if m.kernel_size == (1, 1) and max(m.stride) > 1]
    assert [m.in_channels for m in strided if m.in_channels % 8] == []


def test_steps_change_every_trained_network(name, data):
    system, engine, batch = build(name, data)
    before, trained = weights(system), set(system.optimizers())
    for _ in range(4):
        engine.run_step(batch)
    for network, parameters in weights(system).items():
        changed = any(not torch.equal(a, b) for a, b in zip(before[network], parameters, strict=True))
        assert changed or network not in trained, network
        assert all(p.isfinite().all() for p in parameters)


def test_the_same_seed_gives_the_same_weights(name, data):
    results = []
    for _ in range(2):
        system, engine, batch = build(name, data)
        engine.run_step(batch)
        results.append(weights(system))
    for network in results[0]:
        assert all(torch.equal(a, b) for a, b in zip(results[0][network], results[1][network], strict=True))


def test_a_batch_of_one_trains(name, data):
    system, engine, batch = build(name, data)
    engine.run_step(type(batch)(*[getattr(batch, field.name)[:1] for field in dataclasses.fields(batch)]))
    assert all(p.isfinite().all() for parameters in weights(system).values() for p in parameters)


def test_a_restored_state_goes_on_to_the_same_bits(name, data, tmp_path):
    system, engine, batch = build(name, data)
    for _ in range(2):
        engine.run_step(batch)
    save_state(tmp_path / "state", system.training_state(engine))
    engine.run_step(batch)
    again, other, _ = build(name, data, seed=1)
    again.restore(other, load_state(tmp_path / "state"))
    other.run_step(batch)
    for network, parameters in weights(system).items():
        assert all(torch.equal(a, b) for a, b in zip(parameters, weights(again)[network], strict=True)), network


def test_grid_and_scores(name, data):
    system, engine, _batch = build(name, data)
    with torch.no_grad():
        grid = system.sample(system.fixed_inputs(data.validation_set), engine.inference_networks())
        loader = DataLoader(data.validation_set, batch_size=8, collate_fn=data.collate)
        scores = system.validate(loader, engine.inference_networks())
    assert grid.ndim == 5 and grid.shape[2] == 3 and grid.abs().max() <= 1
    metric, direction = system.best_metric
    assert metric in scores and direction in ("max", "min")


def test_rows_of_the_grid_depend_on_no_other(name, data):
    """Each process of a run draws some of the rows."""
    system, engine, _ = build(name, data)
    with torch.no_grad():
        networks, fixed = engine.inference_networks(), system.fixed_inputs(data.validation_set)
        for network in networks.values():
            network.eval()
        whole = system.sample(fixed, networks)
        parts = torch.cat([system.sample(part, networks) for part in fixed.chunk(3)])
    assert len(whole) == len(fixed)
    torch.testing.assert_close(parts, whole, atol=1e-4, rtol=0)  # a smaller batch sums in another order


def test_saved_weights_load_to_the_same_bits(name, data, tmp_path):
    system, engine, _ = build(name, data)
    pipeline = system.pipeline(engine.inference_networks())
    pipeline.save_pretrained(tmp_path / "weights")
    loaded = registry.pipeline_class(name).from_pretrained(tmp_path / "weights", with_optional=True)
    assert loaded.weights_hash == pipeline.weights_hash
    assert loaded.spec == data.spec and set(loaded.components) == set(pipeline.components)
