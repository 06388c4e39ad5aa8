"""VGG, AlexNet and LPIPS: names, sizes and layers; the arithmetic of LPIPS is in tests/reference."""

from __future__ import annotations

import hashlib

import pytest
import torch
from torch import nn

from limner.backbones.alexnet import WIDTHS, AlexNet
from limner.backbones.lpips import LAYERS, LPIPS, read_heads
from limner.backbones.vgg import VGG, imagenet_normalized
from limner.errors import ConfigError, ShapeError, WeightsError


def digest_of_names(network: nn.Module) -> str:
    text = "\n".join(f"{name} {tuple(tensor.shape)}" for name, tensor in network.state_dict().items())
    return hashlib.sha256(text.encode()).hexdigest()


# Parameters of the convolutions, and the digest of torchvision's names and shapes of them.
SIZES = {
    16: (14_714_688, "7ae4d4f565d70dfc99809bd6f43dfd8a3128141ee5e5b7442bc8ed6c10ba2ba0"),
    19: (20_024_384, "2a99dd38b4604a4609cf9506e3bf8f860af782c285993d2c40a0ff184317aeaf"),
}


@pytest.mark.parametrize("depth", SIZES)
def test_vgg_has_torchvisions_names_and_size(depth):
    with torch.device("meta"):
        network = VGG(depth)
    size, digest = SIZES[depth]
    assert sum(p.numel() for p in network.parameters()) == size
    assert digest_of_names(network) == digest


def test_alexnet_has_torchvisions_names_and_size():
    network = AlexNet()
    assert sum(p.numel() for p in network.parameters()) == 2_469_696
    assert digest_of_names(network) == "a1b6a8295070b743e6cdb7146bf9df8839c93d45d17e62117da19914319faa8f"
    maps = network(torch.zeros(1, 3, 224, 224))
    assert [tuple(m.shape[1:]) for m in maps] == list(
        zip(WIDTHS, (55, 27, 13, 13, 13), (55, 27, 13, 13, 13), strict=True)
    )


@pytest.fixture(scope="module")
def vgg19() -> VGG:
    torch.manual_seed(0)
    return VGG(19)


def test_layers_by_name_in_the_order_asked_for(vgg19):
    image = torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        deep, shallow = vgg19(image, ("relu2_1", "conv1_1"))
    assert deep.shape == (2, 128, 16, 16)
    assert torch.equal(shallow, vgg19.features[0](image))
    assert float(shallow.min()) < 0 <= float(deep.min())  # nothing was changed in place
    (last,) = vgg19(image, ("relu5_4",))
    assert last.shape == (2, 512, 2, 2)
    assert [name for name in vgg19.layer_names if name.startswith("relu4")] == [f"relu4_{n}" for n in (1, 2, 3, 4)]


def test_an_unknown_layer_suggests_the_nearest(vgg19):
    with pytest.raises(ConfigError, match=r'VGG-19 has no layer "relu1_3"\. Did you mean "relu'):
        vgg19(torch.zeros(1, 3, 16, 16), ("relu1_3",))


def test_gradients_reach_the_image_and_not_the_frozen_weights(make_state, tmp_path):
    with torch.device("meta"):
        empty = VGG(16)
    torch.save({**make_state(empty), "classifier.0.weight": torch.zeros(2)}, tmp_path / "vgg16.pth")
    network = VGG.from_file(tmp_path / "vgg16.pth", 16)
    image = torch.rand(1, 3, 16, 16, requires_grad=True)
    network(image, ("relu2_2",))[0].sum().backward()
    assert image.grad is not None and float(image.grad.abs().sum()) > 0
    assert all(p.grad is None for p in network.parameters())
    with pytest.raises(WeightsError, match="lacks the tensor"):
        VGG.from_file(tmp_path / "vgg16.pth", 19)


def test_imagenet_normalization_by_hand():
    white = imagenet_normalized(torch.ones(1, 3, 1, 1)).flatten()
    assert white.tolist() == pytest.approx([0.515 / 0.229, 0.544 / 0.224, 0.594 / 0.225], rel=1e-5)


@pytest.fixture(scope="module", params=["alex", "vgg"])
def lpips(request, make_state, tmp_path_factory) -> LPIPS:
    path = tmp_path_factory.mktemp("lpips") / "network.pth"
    with torch.device("meta"):
        empty = AlexNet() if request.param == "alex" else VGG(16)
    torch.save(make_state(empty), path)
    return LPIPS.from_file(path, network=request.param)


def test_lpips_is_zero_for_equal_images_symmetric_and_independent_of_the_batch(lpips):
    random = torch.Generator().manual_seed(0)
    first, second = (torch.rand(3, 3, 40, 36, generator=random) * 2 - 1 for _ in range(2))
    with torch.no_grad():
        assert torch.equal(lpips(first, first), torch.zeros(3))
        distance = lpips(first, second)
        assert bool((distance > 0.01).all())
        assert torch.allclose(distance, lpips(second, first))
        assert float(lpips(first[1:2], second[1:2])) == pytest.approx(float(distance[1]), rel=1e-5)
        assert bool((lpips(first, torch.lerp(first, second, 0.1)) < distance).all())


def test_lpips_of_constant_images_has_a_finite_gradient(lpips):
    black = torch.full((1, 3, 32, 32), -1.0, requires_grad=True)
    lpips(black, torch.zeros(1, 3, 32, 32)).sum().backward()
    assert black.grad is not None and bool(black.grad.isfinite().all())


def test_lpips_refuses_other_sizes(lpips):
    with pytest.raises(ShapeError, match="at least 32 px"):
        lpips(torch.zeros(1, 3, 31, 64), torch.zeros(1, 3, 31, 64))
    with pytest.raises(ShapeError, match="one size"):
        lpips(torch.zeros(1, 3, 32, 64), torch.zeros(1, 3, 64, 32))


def test_heads_are_those_of_version_0_1():
    assert [len(head) for head in read_heads("alex")] == list(WIDTHS)
    assert [len(head) for head in read_heads("vgg")] == [64, 128, 256, 512, 512]
    assert len(LAYERS) == 5
    for name, largest in (("alex", 1.3235669), ("vgg", 1.2828162)):
        heads = torch.cat(read_heads(name))
        assert float(heads.min()) >= 0
        assert float(heads.max()) == pytest.approx(largest, rel=1e-6)
