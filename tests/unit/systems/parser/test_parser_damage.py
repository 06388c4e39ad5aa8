"""Damage of known amounts: what each kind changes, that maps move along, that a network learns to tell it."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from limner.data.dataset import MaskToImageDataset, collate
from limner.engine.engine import Engine
from limner.errors import ConfigError
from limner.systems.parser.config import LossConfig
from limner.systems.parser.damage import FLOW_SHAPE, KINDS, NUM_NUMBERS, Draws, damage, draw_amounts, halved
from limner.systems.parser.presets import features, smoke
from limner.systems.parser.system import Parser
from tests.engines import engine_of

SIZE, COUNT = 32, 4


def draws(kind: str | None = None, amount: float = 1.0) -> Draws:
    random = torch.Generator().manual_seed(0)
    amounts = torch.zeros(COUNT, len(KINDS))
    if kind is not None:
        amounts[:, KINDS.index(kind)] = amount
    return Draws(
        amounts,
        torch.rand(COUNT, NUM_NUMBERS, generator=random),
        torch.randn(COUNT, 3, SIZE, SIZE, generator=random),
        torch.randn(COUNT, *FLOW_SHAPE, generator=random),
    )


@pytest.fixture
def pictures() -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures whose brightness is the label: where pixels go, their labels must go too."""
    y, x = torch.meshgrid(torch.arange(SIZE), torch.arange(SIZE), indexing="ij")
    maps = torch.stack([(x // (9 + number) + y // 12) % 3 for number in range(COUNT)])
    return (maps[:, None].float() - 1).expand(-1, 3, -1, -1).contiguous(), maps


def test_no_amount_is_no_damage(pictures):
    image, label_map = damage(*pictures, draws())
    assert torch.equal(image, pictures[0]) and torch.equal(label_map, pictures[1])


@pytest.mark.parametrize("kind", KINDS)
def test_more_of_a_kind_changes_more(pictures, kind):
    changes = []
    for amount in (0.1, 0.4, 1.0):
        image, label_map = damage(*pictures, draws(kind, amount))
        assert float(image.abs().max()) <= 1
        assert set(label_map.unique().tolist()) <= {0, 1, 2}
        changes.append(float((image - pictures[0]).abs().mean()))
    assert 0 < changes[0] < changes[1] < changes[2]


@pytest.mark.parametrize("kind", ["warp", "patch"])
def test_label_maps_move_with_the_pixels(pictures, kind):
    image, label_map = damage(*pictures, draws(kind))
    assert not torch.equal(label_map, pictures[1])
    # Brightness is label - 1. A bent picture is interpolated, so pixels at an edge may lie between two labels.
    assert float(((image[:, 0] + 1).round() == label_map).float().mean()) > 0.93


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"warp", "patch"}))
def test_other_kinds_leave_the_label_maps_alone(pictures, kind):
    assert torch.equal(damage(*pictures, draws(kind))[1], pictures[1])


@pytest.mark.parametrize("size", [32, 31])
def test_halved_maps_fit_their_pictures(pictures, size):
    image, label_map = halved(*(tensor[..., :size, :size] for tensor in pictures))
    assert image.shape[-2:] == label_map.shape[-2:] == (size // 2, size // 2)
    assert float(((image[:, 0] + 1).round() == label_map).float().mean()) > 0.8


def test_every_second_picture_stays_whole():
    random = torch.Generator().manual_seed(0)
    present, amount = torch.rand(2, 3000, len(KINDS), generator=random).unbind(0)
    amounts = draw_amounts(present, amount)
    assert float(amounts[::2].abs().max()) == 0
    assert float((amounts[1::2] > 0).float().mean()) == pytest.approx(1 / 3, abs=0.02)
    assert float(amounts.max()) <= 1


def damaging(spec) -> tuple[Parser, Engine]:
    config = dataclasses.replace(smoke(), loss=LossConfig(weight_damage=5.0, jitter=0.0))
    torch.manual_seed(0)
    system = Parser(config, spec)
    return system, engine_of(system)


def test_training_damages_every_second_picture_at_both_sizes(shapes):
    system, engine = damaging(shapes.spec)
    dataset = MaskToImageDataset(shapes, image_size=32)
    batch = collate([dataset[index] for index in range(8)])
    sizes = set()
    for _ in range(8):
        damaged = system._damaged(batch, engine)
        again = system._damaged(batch, engine)
        assert torch.equal(damaged.image, again.image)  # by the number of images seen alone: a run can resume
        sizes.add(damaged.image.shape[-1])
        whole = batch.image if damaged.image.shape[-1] == 32 else halved(batch.image, batch.label_map)[0]
        changed = (damaged.image != whole).flatten(1).any(1)
        assert torch.equal(changed, damaged.damage.any(1)) and not changed[::2].any()
        engine.run_step(batch)
    assert sizes == {16, 32}


def test_a_step_changes_every_parameter(shapes):
    system, engine = damaging(shapes.spec)
    network = system.networks["parser"]
    assert network.config["num_damages"] == len(KINDS)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    dataset = MaskToImageDataset(shapes, image_size=32)
    engine.run_step(collate([dataset[index] for index in range(8)]))
    assert not [name for name in before if torch.equal(before[name], network.state_dict()[name])]


def test_a_judge_has_no_such_head(shapes):
    system = Parser(smoke(), shapes.spec)
    assert system.networks["parser"].to_damage is None
    assert system.networks["parser"](torch.zeros(2, 3, 32, 32)).damage.shape == (2, 0)


def test_options():
    assert features().loss.weight_damage > 0 and features().loss.jitter == 0
    with pytest.raises(ConfigError, match=r"--loss\.weight_damage is -1"):
        LossConfig(weight_damage=-1.0)
