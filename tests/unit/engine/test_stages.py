"""Phases of a run, weights of earlier stages, and the order in which the engine's modules import each other."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import torch
from torch import nn

import limner.engine
from limner.engine.stages import Phase, copy_weights, phase_at
from limner.errors import ConfigError, WeightsError

ORDER = (
    ("config", "seed", "precision", "ranks", "lock", "state"),
    ("ema", "schedule", "optim"),
    ("fabric", "data"),
    ("engine",),
    ("system",),
    ("stages",),
    ("stop", "checkpoint", "health", "logging"),
    ("loop",),
)


def test_modules_import_only_those_before_them():
    floors = {name: floor for floor, names in enumerate(ORDER) for name in names}
    folder = Path(limner.engine.__file__).parent
    assert {path.stem for path in folder.glob("*.py")} - {"__init__"} == set(floors)
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("limner.engine."):
                assert floors[node.module.rpartition(".")[2]] < floors[path.stem], (path.stem, node.module)


@pytest.mark.parametrize(("seen", "name"), [(0, "a"), (9, "a"), (10, "b"), (29, "b"), (30, "c"), (10**9, "c")])
def test_phases_follow_each_other(seen, name):
    assert phase_at((Phase("a", 10), Phase("b", 20), Phase("c", None)), seen) == name


def test_a_phase_of_no_images_is_left_out():
    assert phase_at((Phase("a", 0), Phase("b", None)), 0) == "b"


class Layer(nn.Linear):
    def __init__(self, width: int) -> None:
        super().__init__(width, 2)
        self.config = {"width": width}


def test_weights_of_an_earlier_stage():
    mine, theirs = Layer(3), Layer(3)
    copy_weights(mine, {"layer": theirs}, "layer", "run")
    assert all(torch.equal(a, b) for a, b in zip(mine.parameters(), theirs.parameters(), strict=True))
    with pytest.raises(WeightsError, match="run has no critic; it has: layer"):
        copy_weights(mine, {"layer": theirs}, "critic", "run")
    with pytest.raises(ConfigError, match="another size than --model asks for"):
        copy_weights(mine, {"layer": Layer(4)}, "layer", "run")


class Judge(nn.Module):
    def __init__(self, *heads: str, inner: bool = False) -> None:
        super().__init__()
        self.config = {"heads": heads}
        self.trunk = nn.Sequential(nn.Linear(2, 2), *[nn.Linear(2, 2)] * inner)
        for head in heads:
            self.add_module(f"{head}_head", nn.Linear(2, 1))


def test_a_head_that_only_one_of_the_two_has_is_no_other_size():
    theirs, more, less = Judge("critic"), Judge("critic", "latent"), Judge()
    before = {key: tensor.clone() for key, tensor in more.state_dict().items()}
    assert copy_weights(more, {"d": theirs}, "d", "run") == ["latent_head"]
    for key, tensor in more.state_dict().items():
        assert torch.equal(tensor, before[key] if key.startswith("latent") else theirs.state_dict()[key])
    assert copy_weights(less, {"d": theirs}, "d", "run") == []
    assert torch.equal(less.trunk[0].weight, theirs.trunk[0].weight)
    for mine, other in ((Judge("critic", inner=True), theirs), (theirs, Judge("critic", inner=True))):
        with pytest.raises(ConfigError, match="another size than --model asks for"):
            copy_weights(mine, {"d": other}, "d", "run")
