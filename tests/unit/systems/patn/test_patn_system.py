"""Training of PATN on stick people."""

from __future__ import annotations

import torch

from limner.systems.patn.presets import PRESETS
from limner.systems.patn.system import PATN
from tests.engines import engine_of
from tests.stick_people import write_stick_people


def test_a_step_changes_every_network_and_repeats_to_the_bit(tmp_path):
    folder, config = write_stick_people(tmp_path), PRESETS["smoke"]()
    results = []
    for _ in range(2):
        data = PATN.open_data(config, folder)
        torch.manual_seed(0)
        system = PATN(config, data.spec)
        system.prepare(torch.device("cpu"))
        batch = data.collate([data.train_set[index] for index in range(4)])
        before = {name: [p.detach().clone() for p in net.parameters()] for name, net in system.networks.items()}
        engine = engine_of(system)
        engine.run_step(batch)
        torch.rand(3)
        engine.run_step(batch)
        for name, network in system.networks.items():
            assert any(not torch.equal(a, b) for a, b in zip(before[name], network.parameters(), strict=True)), name
        results.append([p.detach().clone() for p in system.networks["generator"].parameters()])
        assert {"loss/adversarial", "loss/l1", "loss/perceptual"} <= set(engine.averages())
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))
    with torch.no_grad():
        networks = engine.inference_networks()
        assert system.sample(system.fixed_inputs(data.validation_set), networks).shape[1:] == (4, 3, 64, 44)
        scores = system.validate([batch], networks)
    assert {"error", "chroma_error", "lightness_error", "l1"} == set(scores)


def test_joints_are_pixels_or_gaussians(tmp_path):
    folder, config = write_stick_people(tmp_path), PRESETS["smoke"]()
    system = PATN(config, PATN.open_data(config, folder).spec)
    points = torch.full((1, 18, 2), float("nan"))
    points[0, 4] = torch.tensor([10.0, 20.0])
    maps = system.heatmaps(points)
    assert maps.sum() == 1 and maps[0, 4, 20, 10] == 1
