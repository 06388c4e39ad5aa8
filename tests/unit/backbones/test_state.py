"""Foreign weights files: what is read, and what is refused in one sentence."""

from __future__ import annotations

import os
import pickle

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from limner.backbones.state import load_network, read_state
from limner.errors import WeightsError


def make() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2))


@pytest.fixture
def state() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    return {name: torch.rand_like(t.float()) for name, t in make().state_dict().items() if "num_batches" not in name}


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".safetensors"])
def test_read_and_fill(state, tmp_path, suffix):
    path = tmp_path / f"file{suffix}"
    save_file(state, path) if suffix == ".safetensors" else torch.save(state, path)
    network = load_network(make, read_state(path), where=path)
    assert not network.training
    for name, tensor in state.items():
        assert torch.equal(network.state_dict()[name], tensor)
    assert int(network[1].num_batches_tracked) == 0
    assert not any(p.requires_grad for p in network.parameters())


def test_half_precision_becomes_the_networks_own(state):
    network = load_network(make, {name: tensor.half() for name, tensor in state.items()}, where="x")
    assert network[0].weight.dtype == torch.float32


def test_a_part_that_is_not_used_may_be_there(state):
    state["classifier.weight"] = torch.zeros(3)
    load_network(make, state, where="x", unused=("classifier.",))
    with pytest.raises(WeightsError, match=r'x has the tensor "classifier.weight", which Sequential does not have'):
        load_network(make, state, where="x")


class Harm:
    def __reduce__(self):
        return os.system, ("echo harm > harmed",)


def test_a_pickle_that_would_run_is_not_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"weight": torch.zeros(1), "extra": Harm()}, "harm.pth")
    with open("plain.pth", "wb") as file:
        pickle.dump(Harm(), file, protocol=2)
    for name in ("harm.pth", "plain.pth"):
        with pytest.raises(WeightsError, match="only tensors are read"):
            read_state(name)
    assert not (tmp_path / "harmed").exists()


def test_other_files_are_refused(state, tmp_path):
    torch.save({"state_dict": state, "epoch": 3}, tmp_path / "training.pth")
    save_file(state, tmp_path / "whole.safetensors")
    (tmp_path / "cut.safetensors").write_bytes((tmp_path / "whole.safetensors").read_bytes()[:-9])
    torch.save(state, tmp_path / "whole.pth")
    (tmp_path / "cut.pth").write_bytes((tmp_path / "whole.pth").read_bytes()[:-99])
    (tmp_path / "empty.pth").touch()
    (tmp_path / "weights.h5").touch()
    expected = {
        "none.pth": "There is no weights file",
        "training.pth": "no plain list of tensors by name",
        "cut.safetensors": "not a complete weights file",
        "cut.pth": "not a complete weights file",
        "empty.pth": "not a complete weights file",
        "weights.h5": "no weights file: give one that ends in .safetensors, .pth or .pt",
    }
    for name, words in expected.items():
        with pytest.raises(WeightsError, match=words):
            read_state(tmp_path / name)


def test_tensors_that_do_not_fit_are_refused(state):
    changes = {
        "missing": (lambda s: s.pop("0.bias"), r'lacks the tensor "0.bias" of shape \(2,\)'),
        "shape": (lambda s: s.update({"0.bias": torch.zeros(3)}), r'"0.bias" has shape \(3,\), it must be \(2,\)'),
        "finite": (lambda s: s.update({"1.weight": torch.tensor([1.0, float("nan")])}), "NaN or infinite"),
    }
    for change, words in changes.values():
        changed = dict(state)
        change(changed)
        with pytest.raises(WeightsError, match=words):
            load_network(make, changed, where="file.pth")
