"""Sizes of StackGAN, and that each stage learns alone."""

from __future__ import annotations

import torch

from limner.nn.text_to_image import JointDiscriminator
from limner.systems.stackgan.networks import Generator
from tests.captioned_shapes import write_captioned_shapes
from tests.engines import engine_of
from tests.unit.text_to_image.conftest import smoke_system

SMALL = dict(image_size=64, width=4, num_blocks=1, code_size=16, condition_size=8, latent_size=6)


def count(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_channels_of_the_published_configuration() -> None:
    with torch.device("meta"):
        net = Generator()
        assert net.stem.out_features == 1536 * 16 and net.first[-1].conv.out_channels == 96
        assert [block.conv.out_channels for block in net.second] == [384, 192, 96, 48]
        assert count(net) == 56_888_912
        first = JointDiscriminator(image_size=64, width=96, sentence_size=128, unconditional=False)
        second = JointDiscriminator(image_size=256, width=96, sentence_size=128)
    assert count(first) == 12_407_425 and count(second) == 159_889_538
    assert [m.out_channels for m in second.trunk if isinstance(m, torch.nn.Conv2d)] == [
        *(96, 192, 384, 768, 1536, 3072),
        *(1536, 768),
    ]


def test_the_first_stage_is_enlarged_until_the_second_begins() -> None:
    net = Generator(**SMALL).eval()
    given = torch.randn(2, 6), torch.randn(2, 8), torch.randn(2, 16, 3), torch.ones(2, 3, dtype=torch.bool)
    net.stage.fill_(1)
    (small, large), _ = net.paint(*given)
    assert small.shape[-1] == 16 and torch.equal(large[:, :, ::4, ::4], small)
    net.stage.fill_(2)
    (again, painted), _ = net.paint(*given)
    assert torch.equal(again, small) and not torch.equal(painted, large)
    painted.sum().backward()
    assert all(p.grad is None for p in [*net.first.parameters(), *net.stem.parameters()])
    assert all(p.grad is not None for p in net.second.parameters())


def test_stages_are_trained_in_turn(tmp_path) -> None:
    system, data = smoke_system("stackgan", write_captioned_shapes(tmp_path / "shapes"), None)
    engine = engine_of(system)
    batch = data.collate([data.train_set[row] for row in range(8)])
    generator = system.networks["generator"]
    parts = {"first": generator.first, "second": generator.second}
    parts |= {name: system.networks[name] for name in system.discriminators}
    images = system.config.train.images * system.config.model.first_share
    for expected in ({"first", "small_discriminator"}, {"second", "discriminator"}):
        before = {name: [p.detach().clone() for p in part.parameters()] for name, part in parts.items()}
        engine.run_step(batch)
        changed = {
            name
            for name, part in parts.items()
            if any(not torch.equal(a, b) for a, b in zip(before[name], part.parameters(), strict=True))
        }
        assert changed == expected
        while engine.images_seen < images:
            engine.run_step(batch)
