"""Detail and blocks by hand."""

import pytest
import torch

from limner.metrics.detail import blockiness, fine_detail, fixed_spot


def test_blur_takes_detail_away_and_noise_adds_it():
    torch.manual_seed(0)
    image = torch.rand(1, 3, 32, 32) * 2 - 1
    blurred = torch.nn.functional.avg_pool2d(image, 3, stride=1, padding=1)
    flat, ramp = torch.zeros(1, 3, 32, 32), torch.linspace(-1, 1, 32).expand(1, 3, 32, 32)
    assert float(fine_detail(flat)) == pytest.approx(0, abs=1e-6)
    assert float(fine_detail(ramp)) < 0.01
    assert float(fine_detail(blurred)) < 0.3 * float(fine_detail(image))


def test_detail_of_a_chessboard_by_hand():
    """One pixel black, one white: the binomial leaves a grey, so every pixel differs from it by 1."""
    board = (torch.arange(16)[:, None] + torch.arange(16)) % 2 * 2.0 - 1
    assert float(fine_detail(board.expand(1, 3, 16, 16))) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("side", [2, 4, 8])
def test_blocks_are_seen_whatever_their_side(side):
    torch.manual_seed(0)
    coarse = torch.rand(2, 3, 32 // side, 32 // side)
    blocks = coarse.repeat_interleave(side, 2).repeat_interleave(side, 3)
    blocks = blocks + 0.01 * torch.rand(2, 3, 32, 32)
    noise = torch.rand(2, 3, 32, 32)
    assert (blockiness(blocks) > 5).all()
    assert (blockiness(noise) < 1.5).all()


def test_a_spot_that_all_pictures_have_is_found():
    torch.manual_seed(0)
    images = torch.rand(16, 3, 32, 32) - 0.5
    before = float(fixed_spot(images))
    images[:, 1, 20, 7] = 1.0
    assert before < 0.4 and float(fixed_spot(images)) > 1.5 * before
    moved = torch.rand(16, 3, 32, 32) - 0.5
    moved[range(16), 1, range(8, 24), 7] = 1.0
    assert float(fixed_spot(moved)) < 1.3 * before, "a spot at sixteen places is none at one"


def test_spot_by_hand():
    """In one picture, a point on grey of which the binomial leaves (6 / 16)^2."""
    image = torch.zeros(1, 3, 9, 9)
    image[0, 2, 4, 4] = 1
    assert float(fixed_spot(image)) == pytest.approx(1 - (6 / 16) ** 2)
    assert float(fixed_spot(torch.cat([image, -image]))) == 0
