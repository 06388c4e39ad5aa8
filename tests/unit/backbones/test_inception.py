"""Inception-v3: the graph of the FID weights by its shapes, its names, its size and a stored output."""

from __future__ import annotations

import hashlib

import pytest
import torch
from torch.nn import functional as F

from limner.backbones.inception import InceptionV3
from limner.errors import WeightsError


def picture() -> torch.Tensor:
    y, x = torch.meshgrid(*(torch.arange(299, dtype=torch.float64),) * 2, indexing="ij")
    channels = [torch.sin(x / 7 + y / 11), torch.cos(x / 5), torch.sin(y / 13) * torch.cos(x / 3)]
    return torch.stack(channels).float()[None]


@pytest.fixture(scope="module")
def state(make_state) -> dict[str, torch.Tensor]:
    with torch.device("meta"):
        return make_state(InceptionV3())


@pytest.fixture(scope="module")
def network(state, tmp_path_factory) -> InceptionV3:
    """Through a file, as users load it; some ports count batches in their norms, so this file does too."""
    path = tmp_path_factory.mktemp("inception") / "port.pth"
    torch.save({**state, "Mixed_5b.branch1x1.bn.num_batches_tracked": torch.tensor(7)}, path)
    return InceptionV3.from_file(path)


def test_size_and_names_of_the_published_port(network):
    # 21 785 568 in the convolutions and norms, 2048 x 1008 + 1008 in the last layer
    assert sum(p.numel() for p in network.parameters()) == 23_850_960
    assert not any(p.requires_grad for p in network.parameters())
    names = [name for name in network.state_dict() if not name.endswith("num_batches_tracked")]
    assert len(names) == 472
    text = "\n".join(f"{name} {tuple(network.state_dict()[name].shape)}" for name in names)
    # Of torchvision's inception_v3(num_classes=1008, aux_logits=False), whose names the port has, in their order.
    digest = "5cd80b7358cc11d104a4492d216982e2381da7ee34a86cf996ea4d821070053c"
    assert hashlib.sha256(text.encode()).hexdigest() == digest


def test_shapes_and_output_of_the_published_graph(network):
    shapes = {}
    hooks = [
        module.register_forward_hook(lambda _, __, output, name=name: shapes.update({name: tuple(output.shape[1:])}))
        for name, module in network.named_children()
    ]
    features = network(picture())
    for hook in hooks:
        hook.remove()
    expected = {
        "Conv2d_1a_3x3": (32, 149, 149),
        "Conv2d_2a_3x3": (32, 147, 147),
        "Conv2d_2b_3x3": (64, 147, 147),
        "Conv2d_3b_1x1": (80, 73, 73),
        "Conv2d_4a_3x3": (192, 71, 71),
        "Mixed_5b": (256, 35, 35),
        "Mixed_5c": (288, 35, 35),
        "Mixed_5d": (288, 35, 35),
        **{f"Mixed_6{letter}": (768, 17, 17) for letter in "abcde"},
        "Mixed_7a": (1280, 8, 8),
        "Mixed_7b": (2048, 8, 8),
        "Mixed_7c": (2048, 8, 8),
    }
    assert shapes == expected
    # Stored values of the pytorch-fid graph, filled with the same weights; torchvision's own graph gives 7391.18.
    assert float(features.sum()) == pytest.approx(7855.936, rel=1e-5)
    first = [0.7156, 7.5681, 8.5317, 0.0169, 9.3753, 0.5025, 0.3326, 4.6703]
    assert features[0, :8].tolist() == pytest.approx(first, abs=2e-4)
    logits = network.class_scores(features)
    assert logits.shape == (1, 1008)
    assert logits[0, :3].tolist() == pytest.approx([10.7488, -0.1030, -6.2064], abs=2e-3)


def test_average_pooling_divides_by_the_pixels_under_the_window(network):
    """At a corner four of nine pixels are under the window, at an edge six."""
    ones = torch.ones(1, 192, 35, 35)
    block = network.Mixed_5b
    pooled = block.branch_pool(ones)  # of a constant the mean is the constant, also at the border
    assert torch.allclose(block(ones)[:, -32:], pooled, atol=1e-4)


def test_the_last_block_pools_by_maximum(network):
    peak = torch.zeros(1, 2048, 8, 8)
    peak[:, :, 4, 4] = 1
    spread = torch.zeros(1, 2048, 8, 8)
    spread[:, :, 3:6, 3:6] = 1
    assert torch.allclose(network.Mixed_7c(peak)[:, -192:], network.Mixed_7c.branch_pool(spread), atol=1e-4)
    mean = F.avg_pool2d(peak, 3, stride=1, padding=1, count_include_pad=False)
    before = network.Mixed_7b(peak[:, :1280])[:, -192:]
    assert torch.allclose(before, network.Mixed_7b.branch_pool(mean[:, :1280]), atol=1e-4)


def test_weights_of_another_classifier_are_refused(state, tmp_path):
    torch.save({**state, "fc.weight": torch.zeros(1000, 2048)}, tmp_path / "imagenet.pth")  # torchvision's
    with pytest.raises(WeightsError, match=r'"fc.weight" has shape \(1000, 2048\), it must be \(1008, 2048\)'):
        InceptionV3.from_file(tmp_path / "imagenet.pth")
