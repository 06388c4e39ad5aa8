"""What every system promises, whatever its paper: real networks at smoke size, on drawn faces."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch.utils.data import DataLoader

from limner import registry
from limner.data.batch import MaskToImageBatch
from limner.data.dataset import MaskToImageDataset, collate
from limner.data.manifest import Manifest, open_manifest
from limner.engine.loop import Engine, make_fabric
from limner.engine.system import System

pytestmark = pytest.mark.parametrize("name", registry.system_names())


@pytest.fixture(scope="module")
def manifest(drawn_faces) -> Manifest:
    return open_manifest(drawn_faces)


def build(name: str, manifest: Manifest) -> tuple[System, Engine, MaskToImageBatch]:
    config = registry.preset(name, "smoke")
    torch.manual_seed(0)
    system = registry.system_class(name)(config, manifest.spec)
    dataset = MaskToImageDataset(manifest, image_size=config.model.image_size)
    batch = collate([dataset[index] for index in range(config.train.batch_size)])
    return system, Engine(make_fabric(config.train), system), batch


def weights(system: System) -> dict[str, list[torch.Tensor]]:
    return {name: [p.detach().clone() for p in network.parameters()] for name, network in system.networks.items()}


def test_presets_are_complete_and_build(name, manifest):
    assert {"paper", "gpu", "cpu", "smoke"} <= set(registry.presets(name))
    for preset in registry.presets(name):
        config = registry.preset(name, preset)
        assert isinstance(config, registry.config_class(name))
        with torch.device("meta"):
            system = registry.system_class(name)(config, manifest.spec)
        assert set(system.optimizers()) <= set(system.networks)


def test_every_configuration_field_is_described(name, manifest):
    from docstring_parser import parse_from_object

    def check(config_class: type) -> None:
        described = {p.arg_name for p in parse_from_object(config_class).params if p.description}
        assert described == {field.name for field in dataclasses.fields(config_class)}, config_class

    config = registry.preset(name, "smoke")
    check(type(config))
    for field in dataclasses.fields(config):
        check(type(getattr(config, field.name)))


def test_smoke_networks_are_small(name, manifest):
    system, _, _ = build(name, manifest)
    assert sum(p.numel() for network in system.networks.values() for p in network.parameters()) < 1_000_000


def test_steps_change_every_network(name, manifest):
    system, engine, batch = build(name, manifest)
    before = weights(system)
    for _ in range(4):
        engine.run_step(batch)
    for network, parameters in weights(system).items():
        assert any(not torch.equal(a, b) for a, b in zip(before[network], parameters, strict=True)), network
        assert all(p.isfinite().all() for p in parameters)


def test_the_same_seed_gives_the_same_weights(name, manifest):
    results = []
    for _ in range(2):
        system, engine, batch = build(name, manifest)
        engine.run_step(batch)
        results.append(weights(system))
    for network in results[0]:
        assert all(torch.equal(a, b) for a, b in zip(results[0][network], results[1][network], strict=True))


def test_a_batch_of_one_trains(name, manifest):
    system, engine, batch = build(name, manifest)
    engine.run_step(MaskToImageBatch(*[getattr(batch, field.name)[:1] for field in dataclasses.fields(batch)]))
    assert all(p.isfinite().all() for parameters in weights(system).values() for p in parameters)


def test_grid_and_scores(name, manifest):
    system, engine, batch = build(name, manifest)
    dataset = MaskToImageDataset(manifest, image_size=batch.image.shape[-1])
    with torch.no_grad():
        grid = system.sample(system.fixed_inputs(dataset), engine.inference_networks())
        loader = DataLoader(dataset, batch_size=8, collate_fn=collate)
        scores = system.validate(loader, engine.inference_networks())
    assert grid.ndim == 5 and grid.shape[2] == 3 and grid.abs().max() <= 1
    metric, direction = system.best_metric
    assert metric in scores and direction in ("max", "min")


def test_saved_weights_load_to_the_same_bits(name, manifest, tmp_path):
    system, engine, _ = build(name, manifest)
    pipeline = system.pipeline(engine.inference_networks())
    pipeline.save_pretrained(tmp_path / "weights")
    loaded = registry.pipeline_class(name).from_pretrained(tmp_path / "weights", with_optional=True)
    assert loaded.weights_hash == pipeline.weights_hash
    assert loaded.spec == manifest.spec and set(loaded.components) == set(pipeline.components)
