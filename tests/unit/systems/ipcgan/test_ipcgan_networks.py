"""IPCGAN at its published sizes."""

from __future__ import annotations

import pytest
import torch

from limner.systems.ipcgan.networks import Discriminator, FaceNetwork, Generator, ResidualBlock


@pytest.mark.parametrize(
    ("groups", "generator", "discriminator"), [(5, 1_976_611, 6_963_392), (10, 1_984_451, 6_973_632)]
)
def test_published_sizes(groups: int, generator: int, discriminator: int) -> None:
    networks = Generator(num_groups=groups), Discriminator(num_groups=groups)
    assert [sum(p.numel() for p in network.parameters()) for network in networks] == [generator, discriminator]


def test_six_blocks_are_six() -> None:
    blocks = [module for module in Generator().modules() if isinstance(module, ResidualBlock)]
    assert len({id(next(block.parameters())) for block in blocks}) == 6


def test_alexnet_of_the_authors() -> None:
    network = FaceNetwork(num_groups=5)
    trunk = sum(p.numel() for p in network.before.parameters())
    # conv1 to conv5 with biases; conv2, 4, 5 in two groups.
    assert trunk == 34_944 + 307_456 + 885_120 + 663_936 + 442_624
    assert [layer.out_features for layer in network.people if isinstance(layer, torch.nn.Linear)] == [
        4096,
        4096,
        256,
        2000,
    ]
    assert network.ages[0].in_features == 9216


@pytest.mark.parametrize("size", [67, 99])
def test_shapes_of_small_face_networks(size: int) -> None:
    verdict = FaceNetwork(width=8, input_size=size, num_people=7)(torch.rand(2, 3, 32, 32) * 2 - 1)
    assert verdict.person_logits.shape == (2, 7) and verdict.age_logits.shape == (2, 10)


def test_discriminator_gives_512_maps_of_an_eighth() -> None:
    assert Discriminator()(torch.rand(2, 3, 32, 32), torch.eye(10)[:2]).shape == (2, 512, 4, 4)
    assert Generator(width=4, num_blocks=1)(torch.rand(2, 3, 32, 32), torch.eye(10)[:2]).shape == (2, 3, 32, 32)
