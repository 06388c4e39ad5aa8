"""The parser's network: shapes at any size, batch of one, gradients, no batch statistics."""

from __future__ import annotations

import pytest
import torch

from limner.systems.parser.networks import ParsingNetwork


def make(num_classes: int = 5, num_attributes: int = 3, width: int = 8) -> ParsingNetwork:
    torch.manual_seed(0)
    return ParsingNetwork(num_classes=num_classes, num_attributes=num_attributes, width=width)


@pytest.mark.parametrize("size", [(64, 64), (16, 16), (50, 37), (1, 1), (128, 32)])
def test_shapes(size):
    output = make()(torch.randn(2, 3, *size))
    assert output.logits.shape == (2, 5, *size)
    assert output.attribute_logits.shape == (2, 3)
    assert output.features.shape == (2, 64)


def test_no_attributes_and_one_class():
    output = make(num_classes=1, num_attributes=0)(torch.randn(1, 3, 32, 32))
    assert output.logits.shape == (1, 1, 32, 32)
    assert output.attribute_logits.shape == (1, 0)


def test_an_image_is_judged_the_same_alone_and_in_a_batch():
    network, images = make(), torch.randn(3, 3, 40, 40)
    together = network(images)
    alone = network(images[1:2])
    for many, one in zip(together, alone, strict=True):
        torch.testing.assert_close(many[1:2], one, rtol=1e-4, atol=1e-5)


def test_partial_calls_equal_the_whole():
    network, images = make(), torch.randn(2, 3, 20, 24)
    output = network(images)
    torch.testing.assert_close(network.features(images), output.features)
    torch.testing.assert_close(network.attribute_logits(images), output.attribute_logits)


def test_gradients_reach_every_parameter_and_the_image():
    network, image = make(), torch.randn(1, 3, 32, 32, requires_grad=True)
    output = network(image)
    (output.logits.square().mean() + output.attribute_logits.square().mean()).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())
    assert image.grad.abs().sum() > 0


def test_config_rebuilds_it():
    network = make()
    again = ParsingNetwork(**network.config)
    again.load_state_dict(network.state_dict())
    image = torch.randn(1, 3, 16, 16)
    assert torch.equal(again(image).logits, network(image).logits)


def test_a_shifted_image_moves_the_labels():
    # The network is convolutional: moving by its stride moves what it sees in the middle of the picture.
    network, image = make().double(), torch.randn(1, 3, 256, 256, dtype=torch.float64)
    moved = network(image.roll(16, dims=3)).logits.roll(-16, dims=3)
    middle = (slice(None), slice(None), slice(112, 144), slice(112, 144))
    difference = (moved[middle] - network(image).logits[middle]).abs().mean()
    # Not equal: group normalisation sees the whole picture, borders included.
    assert difference < 0.05 * network(image).logits.std()
