"""PATN's size, and what its attention does."""

from __future__ import annotations

import torch

from limner.systems.patn.networks import Generator, TransferBlock


def test_published_number_of_parameters():
    with torch.device("meta"):
        assert sum(parameter.numel() for parameter in Generator().parameters()) == 41_358_019


def test_the_pose_says_where_the_image_may_change():
    block = TransferBlock(4, pose_channels=4, norm="instance", dropout=0.0)
    torch.nn.init.zeros_(block.pose[-1].weight)
    image, poses = torch.randn(1, 4, 6, 5), torch.randn(1, 4, 6, 5)
    torch.nn.init.constant_(block.pose[-1].bias, -100.0)
    kept, known = block(image, poses)
    assert torch.equal(kept, image) and known.shape == (1, 8, 6, 5) and torch.equal(known[:, 4:], kept)
    torch.nn.init.constant_(block.pose[-1].bias, 100.0)
    torch.testing.assert_close(block(image, poses)[0], image + block.image(image))


def test_a_picture_of_the_photos_size_comes_out():
    for norm in ("instance", "batch"):
        net = Generator(width=4, num_blocks=2, norm=norm)
        picture = net(torch.rand(2, 3, 64, 44), torch.rand(2, 18, 64, 44), torch.rand(2, 18, 64, 44))
        assert picture.shape == (2, 3, 64, 44) and picture.abs().max() < 1
        picture.sum().backward()
        assert all(parameter.grad is not None for parameter in net.parameters())
