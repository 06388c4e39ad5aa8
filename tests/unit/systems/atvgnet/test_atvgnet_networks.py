"""ATVGnet's networks at their published sizes, and what each part may know."""

from __future__ import annotations

import pytest
import torch

from limner.errors import ShapeError
from limner.systems.atvgnet.networks import (
    Discriminator,
    FrameNetwork,
    LandmarkBasis,
    LandmarkNetwork,
    shape_numbers,
)


def count(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_numbers_of_parameters():
    with torch.device("meta"):
        assert count(LandmarkNetwork()) == 30_071_750
        assert count(FrameNetwork()) == 58_355_781
        assert count(Discriminator()) == 21_491_473 - 594_568  # without the decoder that is never used


def test_landmarks_of_a_frame_know_no_later_speech_and_parts_join():
    net = LandmarkNetwork(width=4).eval()
    random = torch.Generator().manual_seed(0)
    person, windows = torch.randn(2, 6, generator=random), torch.randn(2, 4, 28, 12, generator=random)
    with torch.no_grad():
        whole, _ = net(person, windows)
        start, memory = net(person, windows[:, :2])
        end, _ = net(person, windows[:, 2:], memory)
    assert whole.shape == (2, 4, 6)
    torch.testing.assert_close(torch.cat([start, end], dim=1), whole)


@pytest.mark.parametrize("size", [64, 128])
def test_frames_follow_their_landmarks_and_parts_join(size):
    net = FrameNetwork(image_size=size, width=4, num_blocks=1).eval()
    random = torch.Generator().manual_seed(1)
    photo = torch.rand(1, 3, size, size, generator=random) * 2 - 1
    own, moved = torch.randn(1, 136, generator=random), torch.randn(1, 3, 136, generator=random)
    with torch.no_grad():
        whole = net(photo, own, moved)
        start = net(photo, own, moved[:, :1])
        end = net(photo, own, moved[:, 1:], start.hidden)
        other = moved.clone()
        other[:, 2] += 1
        later = net(photo, own, other)
    assert whole.frame.shape == (1, 3, 3, size, size) and whole.frame.abs().max() <= 1
    assert whole.mask.min() > 0 and whole.mask.max() < 1
    torch.testing.assert_close(torch.cat([start.frame, end.frame], dim=1), whole.frame)
    assert torch.equal(later.frame[:, :2], whole.frame[:, :2]) and not torch.equal(later.frame[:, 2], whole.frame[:, 2])
    with pytest.raises(ShapeError, match="image_size is 96"):
        FrameNetwork(image_size=96)


def test_the_discriminator_finds_landmarks_from_the_photo_on():
    net = Discriminator(image_size=64, width=4)
    torch.nn.init.zeros_(net.to_landmarks.weight)
    own = torch.randn(2, 136)
    logit, points = net(torch.rand(2, 3, 3, 64, 64), own)
    assert logit.shape == (2,) and torch.equal(points, own[:, None].expand(-1, 3, -1))


def test_six_directions_rebuild_what_varies_in_six():
    random = torch.Generator().manual_seed(2)
    true = torch.linalg.qr(torch.randn(136, 6, generator=random)).Q.T
    shapes = 0.3 + torch.randn(50, 6, generator=random) @ true
    basis = LandmarkBasis()
    basis.add(shapes[:20])
    basis.add(shapes[20:])
    mean, directions = basis.directions()
    torch.testing.assert_close(mean, shapes.mean(dim=0), atol=1e-5, rtol=0)
    torch.testing.assert_close(directions @ directions.T, torch.eye(6), atol=1e-5, rtol=0)
    spread = basis(shapes).std(dim=0)
    assert (spread[:-1] >= spread[1:]).all(), "the largest first"
    torch.testing.assert_close(basis.shapes(basis(shapes)), shapes, atol=1e-3, rtol=0)


def test_numbers_of_a_shape_know_no_place():
    points = torch.randn(2, 68, 2) * 10 + 32
    numbers = shape_numbers(points, 64)
    torch.testing.assert_close(shape_numbers(points + torch.tensor([4.0, -7.0]), 64), numbers)
    torch.testing.assert_close(shape_numbers(2 * points, 128), numbers)
    assert numbers.shape == (2, 136)
