"""Shared layers against PyTorch's own and against what they are for."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from limner.data.schema import get_schema
from limner.nn.init import init_normal, init_xavier_normal
from limner.nn.label_maps import colorize, encode_label_map, one_hot
from limner.nn.patch_discriminator import PatchDiscriminator
from limner.nn.spade import SPADE, SyncBatchNorm
from limner.nn.spectral_norm import SpectralConv2d


def count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_spectral_norm_equals_pytorchs():
    """In the limit of many passes, whose first singular vectors differ; the gradient too."""
    torch.manual_seed(0)
    ours = SpectralConv2d(5, 7, 3, padding=1)
    with torch.no_grad():
        ours.weight[0] *= 4  # one direction far above the rest: both iterations end there soon
    theirs = nn.Conv2d(5, 7, 3, padding=1)
    theirs.load_state_dict({"weight": ours.weight, "bias": ours.bias})
    nn.utils.parametrizations.spectral_norm(theirs)
    x = torch.randn(2, 5, 6, 6)
    for _ in range(200):
        a, b = ours(x), theirs(x)
    torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-4)
    a.square().sum().backward()
    b.square().sum().backward()
    torch.testing.assert_close(ours.weight.grad, theirs.parametrizations.weight.original.grad, atol=1e-4, rtol=1e-3)


def test_spectral_norm_finds_the_largest_singular_value_and_rests_in_evaluation():
    torch.manual_seed(0)
    conv = SpectralConv2d(4, 6, 3)
    for _ in range(200):
        conv(torch.zeros(1, 4, 3, 3))
    torch.testing.assert_close(conv.singular_value(), torch.linalg.matrix_norm(conv.weight.flatten(1), 2))
    conv.eval()
    before = conv.u.clone()
    conv(torch.zeros(1, 4, 3, 3))
    assert torch.equal(conv.u, before)


def test_two_passes_of_one_spectral_convolution_in_one_loss():
    conv = SpectralConv2d(3, 4, 3)
    (conv(torch.randn(1, 3, 5, 5)).sum() + conv(torch.randn(1, 3, 5, 5)).sum()).backward()
    assert conv.weight.grad is not None


def test_a_weight_divided_once_paints_the_same_until_training_goes_on():
    torch.manual_seed(0)
    conv, x = SpectralConv2d(3, 4, 3, padding=1).eval(), torch.randn(2, 3, 5, 5)
    with torch.no_grad():
        before = conv(x)
        conv.divide_once()
        torch.testing.assert_close(conv(x), before, atol=1e-6, rtol=1e-5)
        conv.weight.mul_(torch.linspace(1, 2, 4)[:, None, None, None])
        torch.testing.assert_close(conv(x), before, atol=1e-6, rtol=1e-5)  # what was kept
        assert not torch.allclose(conv.train().eval()(x), before, atol=1e-3)
    assert "divided" not in conv.state_dict()


def test_spectral_norm_under_autocast_rounds_pictures_and_not_the_norm():
    conv = SpectralConv2d(64, 64, 3, padding=1).eval()
    exact = conv.singular_value().detach()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(conv.singular_value().detach(), exact)
        assert conv(torch.randn(1, 64, 4, 4)).dtype is torch.bfloat16


def test_batch_norm_of_one_process_equals_pytorchs():
    torch.manual_seed(0)
    ours, theirs = SyncBatchNorm(3), nn.BatchNorm2d(3, affine=False)
    for _ in range(3):
        x = torch.randn(4, 3, 5, 5) * 3 + 1
        torch.testing.assert_close(ours(x), theirs(x))
    torch.testing.assert_close(ours.mean, theirs.running_mean)
    torch.testing.assert_close(ours.var, theirs.running_var)
    torch.testing.assert_close(ours.eval()(x), theirs.eval()(x))


def test_spade_modulates_where_the_map_says():
    torch.manual_seed(0)
    layer = SPADE(4, num_classes=2, hidden=8).eval()
    x = torch.randn(1, 4, 8, 8)
    for conv in (layer.gamma, layer.beta):
        nn.init.zeros_(conv.weight)
        nn.init.zeros_(conv.bias)
    left = one_hot((torch.arange(16) < 8).long().expand(1, 16, 16), 2)
    torch.testing.assert_close(layer(x, left), layer.norm(x))  # nothing to add, nothing to scale
    nn.init.normal_(layer.beta.weight)
    shift = layer(x, left) - layer.norm(x)
    assert not torch.allclose(shift[..., 4, 1], shift[..., 4, 6])  # left and right have different classes
    torch.testing.assert_close(shift[..., 3, 1], shift[..., 4, 1])  # the map is the same in every row


@pytest.mark.parametrize(("norm", "padding", "size"), [("batch", 1, 30), ("instance", 1, 30), ("spectral", 2, 35)])
def test_patch_discriminator_maps(norm, padding, size):
    network = PatchDiscriminator(in_channels=3, width=4, norm=norm, padding=padding)
    outputs = network(torch.randn(1, 3, 256, 256))
    assert [tuple(output.shape[1:2]) for output in outputs] == [(4,), (8,), (16,), (32,), (1,)]
    assert outputs[-1].shape == (1, 1, size, size)


def test_a_patch_has_seventy_pixels():
    """The middle logit's gradient; without norms, which look at the whole picture."""
    network = PatchDiscriminator(in_channels=1, width=4, norm="batch").eval()
    x = torch.randn(1, 1, 256, 256, requires_grad=True)
    network(x)[-1][0, 0, 15, 15].backward()
    rows = x.grad[0, 0].abs().sum(1).nonzero()[:, 0]
    assert int(rows.max() - rows.min()) + 1 == 70


def test_parameters_of_the_published_discriminators():
    with torch.device("meta"):
        pix2pix = PatchDiscriminator(in_channels=6, norm="batch")
        cyclegan = PatchDiscriminator(in_channels=3, norm="instance")
    assert count(pix2pix) == 2_768_705  # 2.77 M
    assert count(cyclegan) == 2_764_737  # 2.765 M


def test_first_values():
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(64, 64, 5), nn.BatchNorm2d(4096), nn.ConvTranspose2d(64, 64, 5), nn.InstanceNorm2d(3)
    )
    init_normal(network, std=0.02)
    for layer in (network[0], network[2]):
        assert float(layer.weight.detach().std()) == pytest.approx(0.02, rel=0.02)
        assert not layer.bias.any()
    assert float(network[1].weight.detach().mean()) == pytest.approx(1, abs=0.002)
    assert float(network[1].weight.detach().std()) == pytest.approx(0.02, rel=0.1)
    linear = nn.Linear(300, 500)
    init_xavier_normal(linear, gain=0.02)
    assert float(linear.weight.detach().std()) == pytest.approx(0.02 * (2 / 800) ** 0.5, rel=0.02)


def test_a_label_map_as_channels_or_colours():
    schema = get_schema("celebamask-19")
    label_map = torch.tensor([[[0, 1], [2, 255]]])
    torch.testing.assert_close(encode_label_map(label_map, schema, "one_hot"), one_hot(label_map, 19))
    torch.testing.assert_close(encode_label_map(label_map, schema, "palette"), colorize(label_map, schema))


def test_colours_lie_as_pictures_do() -> None:
    """Channels that lie last would make every layer behind them do so, which costs time on a CPU."""
    schema = get_schema("celebamask-19")
    ids = torch.randint(19, (2, 8, 8), generator=torch.Generator().manual_seed(0))
    colors = colorize(ids, schema)
    assert colors.is_contiguous()
    assert torch.equal(colors[1, :, 2, 3], torch.tensor(schema.palette[ids[1, 2, 3]]) / 127.5 - 1)
