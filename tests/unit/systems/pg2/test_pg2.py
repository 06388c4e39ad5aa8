"""PG2: sizes, discs, and which network learns when."""

from __future__ import annotations

import torch

from limner.systems.pg2.networks import Coarse, Critic, Refiner, discs, num_levels
from limner.systems.pg2.presets import PRESETS
from limner.systems.pg2.system import PG2
from tests.engines import engine_of
from tests.stick_people import write_stick_people


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_sizes():
    with torch.device("meta"):
        levels = num_levels(256)
        assert levels == 6 and num_levels(128) == 5
        rough = Coarse(image_size=(256, 256), levels=levels)
        assert (count(rough), count(Refiner(levels=levels - 2))) == (122_103_235, 12_548_611)
        assert count(Critic(image_size=(256, 256))) == 4_439_425
        # the bottleneck has 64 numbers: 768 x 8 x 8 in, 128 x 8 x 8 out
        assert rough.to_code.in_features == 768 * 64 and rough.from_code.out_features == 128 * 64
    rough = Coarse(image_size=(64, 44), width=4, levels=4)
    picture = rough(torch.rand(2, 3, 64, 44), torch.rand(2, 18, 64, 44))
    assert picture.shape == Refiner(width=4, levels=2)(picture, picture).shape == (2, 3, 64, 44)


def test_joints_are_discs():
    points = torch.full((1, 18, 2), float("nan"))
    points[0, 3] = torch.tensor([50.0, 100.0])
    maps = discs(points, (256, 176))
    assert maps.sum() == 49 and maps[0, 3, 100, 54] == 1 and maps[0, 3, 100, 55] == 0


def test_the_rough_picture_is_learned_first(tmp_path):
    config = PRESETS["smoke"]()
    data = PG2.open_data(config, write_stick_people(tmp_path))
    torch.manual_seed(0)
    system = PG2(config, data.spec)
    system.prepare(torch.device("cpu"))
    batch = data.collate([data.train_set[index] for index in range(4)])
    engine = engine_of(system)

    def changed(step):
        before = {name: [p.detach().clone() for p in net.parameters()] for name, net in system.networks.items()}
        step()
        return {
            name
            for name, network in system.networks.items()
            if any(not torch.equal(a, b) for a, b in zip(before[name], network.parameters(), strict=True))
        }

    rough, refined = system.stages(batch, system.networks)
    assert torch.equal(rough, refined), "the second network begins with a difference of nothing"
    assert changed(lambda: engine.run_step(batch)) == {"coarse"}
    assert changed(lambda: engine.run_step(batch)) == {"refiner", "critic"}
    assert {"loss/coarse", "loss/adversarial", "loss/l1"} <= set(engine.averages())
