"""Sizes to the unit, the blocks' arithmetic, and the maps that the networks are given."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch.nn import functional

from limner.errors import ShapeError
from limner.nn.patch_discriminator import PatchDiscriminator
from limner.nn.pose_transfer import Discriminator
from limner.systems.scagan.edges import as_content, edge_map
from limner.systems.scagan.networks import (
    CSSPADE,
    ContentStyleBlock,
    ISNet,
    PCTNet,
    StyleEncoder,
    decoder_plan,
)
from limner.systems.scagan.plates import PAPER, as_input, plates, radius_of

SMALL = dict(image_size=(64, 44), width=4, style_channels=8, hidden=4)


def count(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def inputs(content_channels: int = 1, height: int = 64, width: int = 44) -> dict[str, torch.Tensor]:
    random = torch.Generator().manual_seed(0)
    return {
        "source": torch.rand(2, 3, height, width, generator=random) * 2 - 1,
        "content": torch.rand(2, content_channels, height, width, generator=random) * 2 - 1,
        "pose": torch.rand(2, 18, height, width, generator=random),
        "latent": torch.randn(2, 256, generator=random),
    }


def test_published_numbers_of_parameters():
    with torch.device("meta"):
        net = ISNet()
        assert count(PCTNet()) == 7_941_761
        assert count(net.encoder) == 20_410_560
        assert count(net.blocks["head_0"]) == 22_467_072
        assert count(net.blocks["up_1"]) == 10_667_008
        assert count(net.blocks["up_2"]) == 4_765_952
        assert count(net.blocks["up_3"]) == 2_700_160
        assert count(net.first_map) == 6_316_032
        assert count(net) - count(net.encoder) == 114_319_171
        assert count(net) == 134_729_731
        sizes = {2: 3_915_840, 6: 3_928_384, 19: 3_969_152, 21: 3_975_424}
        assert {channels: count(Discriminator(in_channels=channels)) for channels in sizes} == sizes


def test_sizes_of_the_maps():
    assert [stage.size for stage in decoder_plan((256, 176), width=64)] == [
        (8, 6), (16, 11), (16, 11), (32, 22), (64, 44), (128, 88), (256, 176),
    ]  # fmt: skip
    assert [stage.size for stage in decoder_plan((64, 44), width=4)] == [(8, 6), (16, 11), (32, 22), (64, 44)]
    assert decoder_plan((128, 64), width=4, start_height=4)[0].size == (4, 2)
    with torch.device("meta"):
        style = StyleEncoder(image_size=(256, 176))(torch.empty(1, 3, 256, 176))
        map_ = Discriminator(in_channels=6)(torch.empty(1, 3, 256, 176), torch.empty(1, 3, 256, 176))
        patch = Discriminator(in_channels=6, width=16, patch=True)
        verdicts = patch(torch.empty(1, 3, 64, 44), torch.empty(1, 3, 64, 44))
    assert style.shape == (1, 512, 8, 6) and map_.shape == (1, 256, 64, 44)
    assert verdicts.shape == (1, 1, 6, 3) and count(patch) == count(
        PatchDiscriminator(in_channels=6, width=16, norm="instance")
    )
    for wrong in ((100, 70), (64, 8), (4, 4)):
        with pytest.raises(ShapeError, match="the height must be 8 times"):
            decoder_plan(wrong, width=4)


@pytest.mark.parametrize("options", [
    {}, {"latent_size": 0}, {"content": "none"}, {"content": "semantic"}, {"block": "spade_resblk"},
    {"encoder_norm": "batch"}, {"encoder_norm": "instance"}, {"content_weight": 0.5}, {"style_at_map_size": True},
    {"gamma_plus_one": False}, {"spade_norm": "batch"}, {"spade_norm": "batch", "block": "spade_resblk"},
    {"moved_photo": True}, {"moved_photo": True, "content": "semantic", "block": "spade_resblk"},
])  # fmt: skip
def test_every_variant_paints(options):
    net = ISNet(**SMALL, **options)
    given = inputs({"none": 0, "semantic": 8}.get(options.get("content"), 1) + 4 * options.get("moved_photo", False))
    picture = net(**given)
    assert picture.shape == (2, 3, 64, 44) and picture.abs().max() < 1
    other = net(**{**given, "latent": -given["latent"]})
    assert torch.equal(picture, other) == (options.get("latent_size") == 0)
    picture.square().sum().backward()
    assert all(p.grad is not None for name, p in net.named_parameters()), options


def test_another_size_than_the_networks_is_refused():
    with pytest.raises(ShapeError, match="is 64 x 48; this network's is 64 x 44"):
        ISNet(**SMALL)(**inputs(width=48))


def test_a_modulation_without_weights_is_instance_norm():
    norm = CSSPADE(6, num_classes=3, hidden=4)
    for conv in (norm.gamma, norm.beta):
        torch.nn.init.zeros_(conv.weight)
        torch.nn.init.zeros_(conv.bias)
    x = torch.randn(2, 6, 8, 6)
    torch.testing.assert_close(norm(x, torch.randn(2, 3, 4, 3)), functional.instance_norm(x))


def test_batch_norm_keeps_how_strong_a_map_is_and_instance_norm_does_not():
    x, style = torch.randn(2, 4, 8, 6), torch.randn(2, 3, 4, 3)
    halved = torch.stack([x[0] / 2, x[1]])
    for kind in ("instance", "batch"):
        norm = CSSPADE(4, num_classes=3, hidden=4, norm=kind).eval()
        same = torch.allclose(norm(x, style)[0], norm(halved, style)[0], atol=1e-4)
        assert same == (kind == "instance")


def test_style_at_map_size_is_equal_inside_the_cells():
    exact, cheap = (CSSPADE(4, num_classes=3, hidden=4, at_map_size=flag) for flag in (False, True))
    cheap.load_state_dict(exact.state_dict())
    x, style = torch.randn(1, 4, 32, 32), torch.randn(1, 3, 4, 4)
    difference = (exact(x, style) - cheap(x, style)).abs().amax(dim=(0, 1))
    cells = difference.view(4, 8, 4, 8)
    assert cells[:, 2:6, :, 2:6].max() < 1e-5  # two 3x3 convolutions see two pixels beyond a cell
    assert difference.max() > 1e-3


def test_branches_are_added_or_weighted():
    block = ContentStyleBlock(4, 4, content_channels=1, style_channels=8, hidden=4)
    x, style, content, pose = (
        torch.randn(1, 4, 8, 6),
        torch.randn(1, 8, 8, 6),
        torch.randn(1, 1, 8, 6),
        torch.rand(1, 18, 8, 6),
    )
    painted, posed = block.content(x, style, content), block.pose(x, style, pose)
    torch.testing.assert_close(block(x, style, content, pose), painted + posed)
    block.content_weight = 0.25
    torch.testing.assert_close(block(x, style, content, pose), 0.25 * painted + 0.75 * posed)


def test_transferred_edges_and_classes_stay_in_range():
    given = inputs()
    maps = torch.rand(2, 18, 64, 44)
    edges = PCTNet(width=4, num_blocks=1)(given["content"], given["pose"], maps)
    assert edges.shape == (2, 1, 64, 44) and edges.abs().max() < 1
    classes = PCTNet(content_channels=8, width=4, num_blocks=1)(torch.rand(2, 8, 64, 44), given["pose"], maps)
    torch.testing.assert_close(classes.sum(dim=1), torch.ones(2, 64, 44))


def test_edges_are_the_filters():
    random = np.random.default_rng(0)
    image = np.full((40, 30, 3), 200, np.uint8)
    image[10:30, 8:22] = 60
    image[15:20, 10:15] = random.integers(0, 255, (5, 5, 3))
    grey = image @ np.array([0.299, 0.587, 0.114]) / 255
    difference = gaussian_filter(grey, 0.8, truncate=4.0) - 0.98 * gaussian_filter(grey, 1.28, truncate=4.0)
    soft = np.where(difference < -0.1, 1, 1 + np.tanh(200 * difference))
    wanted = (soft - soft.min()) / (soft.max() - soft.min()) * 255
    assert np.abs(edge_map(image).astype(float) - wanted).max() <= 0.5 + 1e-6
    flat = np.zeros((16, 16, 3), np.uint8)
    assert (edge_map(flat) == 255).all()
    flat[:8] = 255  # black beside white: black is neither line nor paper
    assert 100 < edge_map(flat)[-1, 8] < 160
    assert as_content(np.array([[0, 255]], np.uint8)).tolist() == [[[1.0, -1.0]]]


def test_a_patch_moves_with_its_joint():
    edges = np.zeros((64, 44), np.uint8)
    edges[20:24, 10:14] = 255
    source = np.full((18, 2), np.nan)
    target = source.copy()
    source[3], target[3] = (12, 22), (30, 40)
    source[4] = (12, 22)  # not seen in the target
    moved = plates(edges, source, target, radius=radius_of(64))
    assert moved.shape == (18, 64, 44) and (np.delete(moved, 3, axis=0) == PAPER).all()
    assert (moved[3, 38:42, 28:32] == 0).all() and (moved[3] == 0).sum() == 16
    assert as_input(moved)[0, 0, 0] == pytest.approx(254 / 127.5 - 1)
    assert as_input(moved, "legacy")[0, 0, 0] == 507


def test_patches_at_the_border_are_cut_or_sheared():
    edges = np.zeros((8, 6), np.uint8)
    edges[2:6, 1:5] = np.arange(16).reshape(4, 4) + 100
    source, target = np.array([[3.0, 4.0]]), np.array([[5.0, 4.0]])
    cut = 255 - plates(edges, source, target, radius=2)[0]
    assert cut[2:6, 3:6].tolist() == edges[2:6, 1:4].tolist()
    sheared = 255 - plates(edges, source, target, radius=2, border="legacy")[0]
    assert sheared[2:6, 3:6].ravel().tolist() == list(range(100, 112))
    outside = plates(edges, np.array([[-9.0, 4.0]]), target, radius=2)
    assert (outside == PAPER).all()
