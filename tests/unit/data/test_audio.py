"""Coefficients of speech: worked-out numbers, and what must not change them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.fftpack import dct

from limner.data.audio import log_mel, mfcc, num_frames, speech_windows
from limner.errors import ShapeError


def tone(seconds: float = 1.16, hz: float = 440.0) -> np.ndarray:
    time = np.arange(round(16_000 * seconds)) / 16_000
    return (0.3 * np.sin(2 * np.pi * hz * time) * (1 + np.sin(2 * np.pi * 3 * time)) / 2).astype(np.float32)


def test_rows_by_an_independent_computation():
    """One row at a time, with loops in place of matrices."""
    sound = tone(0.2).astype(float) + 0.01 * np.random.default_rng(0).standard_normal(3_200)
    emphasised = [sound[0], *(sound[i] - 0.97 * sound[i - 1] for i in range(1, len(sound)))]
    corners = [
        int(513 * 700 * (10 ** (mel / 2595) - 1) / 16_000)
        for mel in np.linspace(0, 2595 * np.log10(1 + 8_000 / 700), 28)
    ]
    rows = mfcc(sound)
    assert rows.shape == (19, 13)
    for row in (0, 7, 18):
        frame = np.zeros(512)
        part = emphasised[row * 160 : row * 160 + 400]
        frame[: len(part)] = part
        power = np.abs(np.fft.fft(frame)[:257]) ** 2 / 512
        bands = []
        for low, middle, high in zip(corners, corners[1:], corners[2:], strict=False):
            rising = sum(power[i] * (i - low) / (middle - low) for i in range(low, middle))
            bands.append(rising + sum(power[i] * (high - i) / (high - middle) for i in range(middle, high)))
        wanted = dct(np.log(bands), type=2, norm="ortho")[:13] * [1 + 11 * np.sin(np.pi * n / 22) for n in range(13)]
        wanted[0] = np.log(power.sum())
        np.testing.assert_allclose(rows[row], wanted, atol=1e-9)


def test_windows_of_a_clip_of_lrw():
    sound = tone()
    assert len(mfcc(np.pad(sound, (1_920, 2_320)))) == 141
    windows = speech_windows(sound)
    assert windows.shape == (29, 28, 12) and num_frames(sound) == 29 and windows.dtype == np.float32
    assert np.array_equal(windows[1, :24], windows[0, 4:])
    assert speech_windows(sound[:639]).shape == (0, 28, 12)
    assert speech_windows(np.zeros(16_000)).shape == (25, 28, 12) and np.isfinite(speech_windows(np.zeros(640))).all()
    with pytest.raises(ShapeError, match="one row of samples"):
        mfcc(np.zeros((100, 2)))


def test_loudness_is_in_the_first_column_alone():
    loud = tone().astype(float) + 0.01 * np.random.default_rng(1).standard_normal(18_560)
    difference = mfcc(loud) - mfcc(loud / 2)
    np.testing.assert_allclose(difference[:, 0], 2 * np.log(2))
    np.testing.assert_allclose(difference[:, 1:], 0, atol=1e-9)


def test_mel_bands():
    bands = log_mel(tone(1.0, hz=1_000))
    assert bands.shape == (80, 81) and bands.min() >= -4 and bands.max() <= 4
    loudest = int(bands[:, 20:60].mean(axis=1).argmax())
    higher = int(log_mel(tone(1.0, hz=3_000))[:, 20:60].mean(axis=1).argmax())
    assert 15 < loudest < 40 < higher
    assert (log_mel(np.zeros(16_000)) == -4).all()
    # 6 dB more are a factor of two, and a hundred decibels are the whole scale of 8.
    louder = log_mel(tone(1.0, hz=1_000) * 2)[loudest, 20:60] - bands[loudest, 20:60]
    np.testing.assert_allclose(louder, 8 * 20 * np.log10(2) / 100, atol=1e-4)
