"""What a step of training has to do in every system of pose transfer that learns from pairs alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from tests.engines import engine_of
from tests.stick_people import write_stick_people


def check_steps(system_class: Any, config: Any, folder: Path, *, logged: set[str]) -> None:
    """Two steps change every network and repeat to the bit, whatever else is drawn; samples and scores follow.

    Args:
        system_class: of the system.
        config: of its preset `smoke`.
        folder: for the data.
        logged: names of values that a step logs.
    """
    write_stick_people(folder)
    results = []
    for _ in range(2):
        data = system_class.open_data(config, folder)
        torch.manual_seed(0)
        system = system_class(config, data.spec)
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
        assert logged <= set(engine.averages())
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))
    with torch.no_grad():
        networks = engine.inference_networks()
        assert system.sample(system.fixed_inputs(data.validation_set), networks).shape[1:] == (4, 3, 64, 44)
        scores = system.validate([batch], networks)
    assert {"error", "chroma_error", "lightness_error", "l1"} == set(scores)
