"""Scores of talking faces against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from limner.data.audio import log_mel, mel_windows, speech_windows, speech_windows_between
from limner.errors import ShapeError
from limner.metrics.talking import (
    best_lag,
    closure_share,
    correlation,
    landmark_distance,
    mouth_opening,
    psnr_grey,
    psnr_u8wrap,
    ssim_uniform,
    synchrony,
    unsteadiness,
)


def test_distance_of_landmarks_knows_no_shift_but_knows_size():
    true = torch.randn(3, 20, 2, generator=torch.Generator().manual_seed(0)).double()
    assert landmark_distance(true + torch.tensor([3.0, -2.0]), true).abs().max() < 1e-12
    middle = true - true.mean(dim=1, keepdim=True)
    torch.testing.assert_close(landmark_distance(2 * middle, middle), middle.norm(dim=2).mean(dim=1))


def test_opening_is_the_way_between_the_inner_lips():
    points = torch.zeros(2, 20, 2)
    points[1, 18] = torch.tensor([3.0, 4.0])
    assert mouth_opening(points).tolist() == [0.0, 5.0]


def test_correlation_and_lag():
    wave = np.sin(np.arange(40) * 0.9) + 0.1 * np.arange(40)
    assert correlation(wave, 3 * wave + 1) == pytest.approx(1) and correlation(wave, -wave) == pytest.approx(-1)
    assert np.isnan(correlation(wave, np.ones(40)))
    value, lag = best_lag(np.roll(wave, 4)[4:], wave[4:])
    assert lag == 4 and value == pytest.approx(1)
    assert best_lag(wave, wave)[1] == 0
    with pytest.raises(ShapeError, match="one length"):
        correlation(wave, wave[1:])


def test_lips_that_touch_are_a_small_share() -> None:
    opening, closed = [0.0, 4.0, 1.0, 6.0, 2.0], [True, False, True, False, False]
    assert closure_share(opening, closed) == pytest.approx(0.5 / 4)
    assert closure_share([3, 3, 3, 3, 3], closed) == 1
    assert np.isnan(closure_share(opening, [True, False, False, False, False]))
    assert np.isnan(closure_share([0, 0, 0, 0, 0], closed))


def test_even_motion_is_steady_and_every_second_frame_is_not() -> None:
    ramp = torch.arange(6.0)[:, None, None, None].expand(-1, 3, 4, 4)
    assert unsteadiness(ramp) == 0
    assert unsteadiness(ramp % 2) == 2
    assert np.isnan(unsteadiness(ramp[:2]))


def test_wrapping_psnr_is_no_psnr():
    """Noise beside noise has 7.7 dB in truth and 27.9 there (avwnet.md 9); 16 levels are no difference at all."""
    random = np.random.default_rng(0)
    first, second = random.integers(0, 256, (2, 64, 64), dtype=np.uint8)
    assert psnr_u8wrap(first, second) == pytest.approx(27.9, abs=0.2)
    assert psnr_u8wrap(np.zeros((4, 4), np.uint8), np.full((4, 4), 128, np.uint8)) == 100.0
    with pytest.raises(ShapeError, match="uint8"):
        psnr_u8wrap(first, second[1:])


def test_scores_of_the_parents_protocol():
    """Constant pictures have no variance: SSIM is that of the means; a red of 100 is 29.9 of brightness, rounded."""
    low, high = np.full((9, 9, 3), 100, np.uint8), np.full((9, 9, 3), 150, np.uint8)
    c1 = (0.01 * 255) ** 2
    assert ssim_uniform(low, high) == pytest.approx((2 * 100 * 150 + c1) / (100**2 + 150**2 + c1))
    assert ssim_uniform(low, low) == pytest.approx(1)
    black, red = np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2, 3), np.uint8)
    red[..., 0] = 100
    assert psnr_grey(black, red) == pytest.approx(10 * np.log10(255**2 / 30**2))
    assert psnr_grey(red, red) == float("inf")
    with pytest.raises(ShapeError, match="7 pixels along each edge"):
        ssim_uniform(black, red)
    with pytest.raises(ShapeError, match="one shape"):
        psnr_grey(black, low)


def test_synchrony_finds_the_shift():
    codes = torch.nn.functional.normalize(torch.randn(40, 16, generator=torch.Generator().manual_seed(1)), dim=1)
    found = synchrony(codes[:30], codes[3:33])  # what is heard at frame f belongs to frame f + 3
    assert found.offset == -3 and found.distance < 0.2 and found.confidence > 1
    assert synchrony(codes[:30], codes[:30]).offset == 0


def test_windows_of_a_part_are_those_of_the_whole():
    sound = np.random.default_rng(2).normal(size=40_000).astype(np.float32) * 0.1
    whole = speech_windows(sound)
    for start, stop in ((0, 9), (9, 40), (55, 62), (60, 99), (7, 7)):
        np.testing.assert_allclose(speech_windows_between(sound, start, stop), whole[start:stop], atol=1e-5)
    with pytest.raises(ShapeError, match="one row"):
        speech_windows_between(sound[None], 0, 1)


def test_mel_windows_begin_with_their_frames():
    sound = np.random.default_rng(3).normal(size=16_000).astype(np.float32) * 0.1
    windows, bands = mel_windows(sound), log_mel(sound)
    assert windows.shape == (25, 80, 16)
    assert np.array_equal(windows[10], bands[:, 32:48])
    assert np.array_equal(windows[24][:, -1], bands[:, -1])
