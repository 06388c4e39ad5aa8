"""First values of weights; networks whose values come from a file are built without memory, and without a compiler."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from torch import nn

from limner.nn.init import init_he, init_normal, without_values

BUILD = """
import sys
from torch import nn
from limner.nn.init import init_normal, without_values
with without_values():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(2, 2))
    init_normal(network)
    nn.init.kaiming_normal_(network[0].weight)
    nn.init.trunc_normal_(network[2].weight)
assert all(one.is_meta for one in network.parameters())
sys.exit("torch._dynamo" in sys.modules)
"""
LOAD = """
import sys, limner
from limner import hub
for info in hub.list_weights():
    try:
        limner.load(info.name)
    except limner.LimnerError:  # of a judge, which is no pipeline
        pass
sys.exit("torch._dynamo" in sys.modules)
"""


def test_values_from_a_file_need_no_compiler() -> None:
    """On the device "meta" PyTorch asks its compiler for normal numbers, which loads 80 MB of it."""
    assert subprocess.run([sys.executable, "-c", BUILD]).returncode == 0


@pytest.mark.weights
def test_shipped_weights_are_loaded_without_a_compiler() -> None:
    assert subprocess.run([sys.executable, "-c", LOAD]).returncode == 0


def test_outside_values_are_filled_as_ever() -> None:
    with without_values():
        nn.init.normal_(torch.empty(3))
    with without_values():
        real = nn.init.normal_(torch.empty(64, device="cpu"))
        assert not real.is_meta and real.std() > 0.1  # only what has no memory stays as it is
    layer = nn.Conv2d(3, 4, 3)
    init_normal(layer)
    assert 0.01 < float(layer.weight.detach().std()) < 0.04


def test_he_initialisation() -> None:
    torch.manual_seed(0)
    conv, linear, left = nn.Conv2d(64, 64, 3), nn.Linear(400, 400), nn.Linear(4, 4)
    before = left.weight.clone()
    init_he(nn.ModuleList([conv, linear, left]), but={left})
    for module, fan_in in ((conv, 64 * 9), (linear, 400)):
        assert module.weight.std().item() == pytest.approx((2 / fan_in) ** 0.5, rel=0.05)
        assert module.bias is not None and not module.bias.any()
    assert torch.equal(left.weight, before)
