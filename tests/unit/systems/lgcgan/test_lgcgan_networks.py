"""Counts to the unit, landmark maps, and what the networks must not be able to do (lgcgan.md 10)."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from limner.data.point_schema import IBUG_68
from limner.systems.lgcgan.landmark_maps import PARTS, render_landmarks
from limner.systems.lgcgan.networks import Discriminator, Generator

TINY = {"image_size": 32, "width": 8, "num_blocks": 1, "kernel": 3}


def count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def parts(size: int = 32, batch: int = 2) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    image = torch.rand(batch, 3, size, size, generator=generator) * 2 - 1
    points = 0.5 + 0.2 * torch.randn(batch, 68, 2, generator=generator)
    return image, points, render_landmarks(points, size)


def tiny(**changes) -> Generator:
    torch.manual_seed(0)
    network = Generator(**(TINY | changes))
    for module in network.modules():  # larger than at the start of training, so that differences show
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, 0.0, 0.1)
    return network.eval()


def test_published_sizes() -> None:
    generator = count(Generator(image_size=128, upsampling="transposed"))
    discriminator = count(Discriminator(image_size=128))
    assert generator == 9_625_062
    assert discriminator == 5_503_307
    assert 2 * (generator + discriminator) == 30_256_738
    assert count(Generator(image_size=128, upsampling="transposed", pixel_attention=False)) == 9_621_925
    small = Generator(image_size=128, upsampling="transposed", width=16, num_blocks=2)
    assert count(small) == 320_126
    assert count(Discriminator(image_size=128, width=16)) == 417_371


def test_enlarging_by_neighbours_has_fewer_weights() -> None:
    fewer = (4 * 4 - 3 * 3) * (256 * 128 + 128 * 64)
    assert count(Generator(image_size=128)) == 9_625_062 - fewer


@pytest.mark.parametrize("landmarks", ["maps", "coords", "none"])
@pytest.mark.parametrize("age_at", ["bottleneck", "input"])
def test_shapes_and_ranges(landmarks: str, age_at: str) -> None:
    image, points, maps = parts()
    network = tiny(landmarks=landmarks, age_at=age_at)
    aged = network(image, torch.eye(10)[:2], {"maps": maps, "coords": points, "none": None}[landmarks])
    assert aged.image.shape == image.shape and aged.image.abs().max() <= 1
    assert [mask.shape for mask in aged.attention] == [(2, 1, 8, 8), (2, 1, 16, 16)]
    assert all(mask.min() > 0 and mask.max() < 1 for mask in (*aged.attention, aged.mask))
    assert aged.bottleneck.shape == (2, 32, 8, 8)


def test_discriminator_shapes() -> None:
    image, _, maps = parts()
    verdict = Discriminator(image_size=32, width=4)(
        torch.cat([image, maps], 1), torch.eye(10)[None, :3].repeat(2, 1, 1)
    )
    assert verdict.scores.shape == (2, 3, 1, 2, 2) and verdict.age_logits.shape == (2, 10)


def test_age_head_of_the_discriminator_sees_no_age() -> None:
    image, _, maps = parts()
    network = Discriminator(image_size=32, width=4).eval()
    pair = torch.cat([image, maps], 1)
    logits = [network(pair, torch.eye(10)[[k, k]][:, None]).age_logits for k in (0, 7)]
    assert torch.equal(*logits)


def test_a_mask_of_zero_returns_the_input_to_the_bit() -> None:
    image, _, maps = parts()
    network = tiny()
    nn.init.zeros_(network.mask.weight)
    nn.init.constant_(network.mask.bias, -200.0)  # sigmoid is exactly 0 there
    assert torch.equal(network(image, torch.eye(10)[:2], maps).image, image)


def closed(attention: nn.Sequential, value: float) -> None:
    nn.init.zeros_(attention[1].weight)
    nn.init.constant_(attention[1].bias, value)


def test_closed_fine_attention_hides_age_and_landmarks() -> None:
    image, points, maps = parts()
    network = tiny()
    closed(network.attention_fine, -200.0)
    first = network(image, torch.eye(10)[[0, 0]], maps).image
    second = network(image, torch.eye(10)[[9, 3]], render_landmarks(points + 0.1, 32)).image
    assert torch.equal(first, second)


def test_open_attention_leaves_no_way_past_the_bottleneck() -> None:
    image, _, maps = parts()
    network = tiny(pixel_attention=False)
    closed(network.attention_fine, 200.0)
    closed(network.attention_coarse, 200.0)
    expected = network(image, torch.eye(10)[:2], maps).image

    def forget(module: nn.Module, inputs: tuple[torch.Tensor], output: torch.Tensor) -> None:
        assert inputs[0].abs().max() > 0
        inputs[0].zero_()  # e1 is gone after e2 was computed from it

    handle = network.e2.register_forward_hook(forget)
    with torch.no_grad():
        found = network(image, torch.eye(10)[:2], maps).image
    handle.remove()
    torch.testing.assert_close(found, expected)


def test_age_and_landmarks_change_the_result_and_company_does_not() -> None:
    image, points, maps = parts()
    network = tiny()
    base = network(image, torch.eye(10)[[2, 5]], maps).image
    assert (network(image, torch.eye(10)[[3, 6]], maps).image - base).abs().max() > 1e-3
    assert (network(image, torch.eye(10)[[2, 5]], render_landmarks(points + 0.1, 32)).image - base).abs().max() > 1e-3
    swapped = network(image.flip(0), torch.eye(10)[[5, 2]], maps.flip(0)).image.flip(0)
    torch.testing.assert_close(swapped, base)


def face(size: int) -> torch.Tensor:
    """68 points on a grid of pixel middles, far from each other."""
    place = torch.arange(68)
    return ((torch.stack([4 + 5 * (place % 12), 4 + 9 * (place // 12)], 1).float() + 0.5) / size)[None]


def test_maps_are_one_on_a_vertex_and_zero_far_away() -> None:
    maps = render_landmarks(face(128), 128)
    assert maps.shape == (1, 7, 128, 128)
    for channel, lines in enumerate(PARTS.values()):
        for point in {point for line in lines for point in line}:
            x, y = (face(128)[0, point] * 128).long().tolist()
            assert maps[0, channel, y, x] == pytest.approx(1.0, abs=1e-3)
    one_spot = render_landmarks(torch.full((1, 68, 2), 64.5 / 128), 128)
    assert one_spot[0, :, 64, 64].min() > 0.999 and one_spot[0, :, 64, 74].max() < 1e-3
    # exp(-3^2 / (2 * 1.5^2)) three pixels away, by hand.
    assert one_spot[0, 0, 67, 64].item() == pytest.approx(0.135335, abs=1e-4)


def test_maps_move_with_the_landmarks() -> None:
    points = 0.3 + 0.3 * torch.rand(1, 68, 2, generator=torch.Generator().manual_seed(0))
    maps = render_landmarks(points, 64)
    moved = render_landmarks(points + torch.tensor([8 / 64, 0.0]), 64)
    torch.testing.assert_close(moved[..., 8:], maps[..., :-8], atol=1e-5, rtol=0)


def test_mirrored_landmarks_give_mirrored_maps() -> None:
    points = torch.rand(2, 68, 2, generator=torch.Generator().manual_seed(3))
    order = IBUG_68.flip_permutation().tolist()
    mirrored = points[:, order] * torch.tensor([-1.0, 1.0]) + torch.tensor([1.0, 0.0])
    expected = render_landmarks(points, 32).flip(3)[:, [0, 2, 1, 3, 5, 4, 6]]  # left and right change places
    torch.testing.assert_close(render_landmarks(mirrored, 32), expected, atol=1e-4, rtol=0)
