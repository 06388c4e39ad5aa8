"""What networks hear of speech: cepstral coefficients in windows of one video frame, and logarithmic mel bands.

Plain numpy. `mfcc` follows the defaults of the package python_speech_features, with which the parents of AVWnet were
trained; `log_mel` those of Wav2Lip's synchrony expert.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from limner.errors import ShapeError

SAMPLE_RATE_HZ = 16_000
FRAMES_PER_SECOND = 25
NUM_COEFFICIENTS = 12
"""Coefficients 1 to 12 of each row; coefficient 0, the loudness, is left out of the windows."""
WINDOW_ROWS = 28
"""Rows of 10 ms that one video frame hears: 0.28 s around its middle."""
NUM_MEL_BANDS = 80
MEL_COLUMNS = 16
"""Columns of `log_mel` that one judgement of synchrony hears: 0.2 s, five video frames."""

Waveform = npt.NDArray[np.float32]
Float64 = npt.NDArray[np.float64]

_FRAME, _HOP, _FFT = 400, 160, 512  # 25 ms, 10 ms, samples of a transform
_BEFORE, _EXTRA = 1_920, 400  # zeros before and behind; the extra ones keep the last frame of a clip
_MEL_FRAME, _MEL_HOP, _MEL_LOW_HZ, _MEL_HIGH_HZ = 800, 200, 55.0, 7_600.0


def num_frames(waveform: Waveform) -> int:
    """Video frames that a sound lasts, the last one whole."""
    return len(waveform) * FRAMES_PER_SECOND // SAMPLE_RATE_HZ


def mfcc(waveform: npt.NDArray[np.floating]) -> Float64:
    """Mel-frequency cepstral coefficients: (rows of 10 ms, 13).

    Pre-emphasis 0.97, frames of 25 ms without a window, power spectrum of 512 points, 26 mel bands up to 8 kHz,
    logarithm, orthonormal DCT-II, lifter 22; column 0 is the logarithm of the energy.

    Args:
        waveform: (samples,) mono at `SAMPLE_RATE_HZ`, [-1, 1].

    Raises:
        ShapeError: if it is not one row of samples.
    """
    signal = _checked(waveform)
    signal = np.append(signal[:1], signal[1:] - 0.97 * signal[:-1])
    rows = 1 + max(0, -(-(len(signal) - _FRAME) // _HOP))
    padded = np.pad(signal, (0, max(0, (rows - 1) * _HOP + _FRAME - len(signal))))
    frames = padded[np.arange(rows)[:, None] * _HOP + np.arange(_FRAME)]
    power = np.abs(np.fft.rfft(frames, _FFT)) ** 2 / _FFT
    tiny = np.finfo(np.float64).eps
    energy = np.maximum(power.sum(axis=1), tiny)
    bands = np.maximum(power @ _mel_filters(26, _FFT, 0.0, SAMPLE_RATE_HZ / 2, whole_bins=True).T, tiny)
    coefficients = np.log(bands) @ _dct(26)[:13].T * (1 + 11 * np.sin(np.pi * np.arange(13) / 22))
    coefficients[:, 0] = np.log(energy)
    return np.asarray(coefficients)


def speech_windows(waveform: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    """What each video frame of a sound hears: (frames, `WINDOW_ROWS`, `NUM_COEFFICIENTS`).

    A sound shorter than a frame gives none.

    Raises:
        ShapeError: if it is not one row of samples.
    """
    signal = _checked(waveform)
    count = len(signal) * FRAMES_PER_SECOND // SAMPLE_RATE_HZ
    rows = mfcc(np.pad(signal, (_BEFORE, _BEFORE + _EXTRA)))[:, 1:]
    places = 4 * np.arange(count)[:, None] + np.arange(WINDOW_ROWS)
    return np.asarray(rows[places], np.float32)


def log_mel(waveform: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    """Loudness of 80 mel bands between 55 and 7,600 Hz every 12.5 ms, in [-4, 4]: (80, columns).

    Column `int(80 * f / 25)` is the first one of video frame f.

    Raises:
        ShapeError: if it is not one row of samples.
    """
    signal = _checked(waveform)
    signal = np.append(signal[:1], signal[1:] - 0.97 * signal[:-1])
    padded = np.pad(signal, _MEL_FRAME // 2, mode="reflect" if len(signal) > _MEL_FRAME // 2 else "constant")
    columns = 1 + (len(padded) - _MEL_FRAME) // _MEL_HOP
    frames = padded[np.arange(columns)[:, None] * _MEL_HOP + np.arange(_MEL_FRAME)]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_MEL_FRAME) / _MEL_FRAME)
    magnitude = np.abs(np.fft.rfft(frames * window, _MEL_FRAME))
    bands = magnitude @ _mel_filters(NUM_MEL_BANDS, _MEL_FRAME, _MEL_LOW_HZ, _MEL_HIGH_HZ).T
    decibels = 20 * np.log10(np.maximum(bands, 1e-5)) - 20
    return np.asarray(np.clip((decibels + 100) / 100, 0, 1) * 8 - 4, np.float32).T


def speech_windows_between(waveform: npt.NDArray[np.floating], start: int, stop: int) -> npt.NDArray[np.float32]:
    """`speech_windows(waveform)[start:stop]` from the samples that these frames hear alone, for long sounds.

    Raises:
        ShapeError: if the sound is not one row of samples.
    """
    if waveform.ndim != 1:
        raise ShapeError(f"A sound has the shape {waveform.shape}; it must be one row of samples (mono).")
    stop = min(stop, len(waveform) * FRAMES_PER_SECOND // SAMPLE_RATE_HZ)
    if stop <= start:
        return np.zeros((0, WINDOW_ROWS, NUM_COEFFICIENTS), np.float32)
    # A row more in front: its first sample has no one before it, as only the first of the whole sound may.
    first = (4 * start - 1) * _HOP - _BEFORE
    last = (4 * (stop - 1) + WINDOW_ROWS - 1) * _HOP + _FRAME - _BEFORE
    inside = _checked(waveform[max(first, 0) : max(last, 0)])
    part = np.pad(inside, (max(-first, 0), max(last - max(first, 0) - len(inside), 0)))
    rows = mfcc(part)[1:, 1:]
    places = 4 * np.arange(stop - start)[:, None] + np.arange(WINDOW_ROWS)
    return np.asarray(rows[places], np.float32)


def mel_windows(waveform: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    """`log_mel` from the beginning of each video frame on: (frames, 80, `MEL_COLUMNS`); the last column is repeated.

    Raises:
        ShapeError: if it is not one row of samples.
    """
    count = len(_checked(waveform)) * FRAMES_PER_SECOND // SAMPLE_RATE_HZ
    bands = log_mel(waveform)
    first = (NUM_MEL_BANDS * np.arange(count)) // FRAMES_PER_SECOND  # 80 columns a second
    places = np.minimum(first[:, None] + np.arange(MEL_COLUMNS), bands.shape[1] - 1)
    return np.ascontiguousarray(bands[:, places].transpose(1, 0, 2))


def _checked(waveform: npt.NDArray[np.floating]) -> Float64:
    signal = np.asarray(waveform, dtype=np.float64)
    if signal.ndim != 1:
        raise ShapeError(f"A sound has the shape {signal.shape}; it must be one row of samples (mono).")
    return signal


def _mel_filters(count: int, size: int, low_hz: float, high_hz: float, *, whole_bins: bool = False) -> Float64:
    """Triangles of equal width on the mel scale: (count, size // 2 + 1).

    With `whole_bins` their corners lie on bins of the transform, and the scale is 2595 log10(1 + f / 700); else the
    scale is Slaney's (linear below 1 kHz), and each triangle has the area 1 in Hz.
    """
    limits = np.array([low_hz, high_hz])
    places = np.arange(size // 2 + 1, dtype=np.float64)
    if whole_bins:
        low, high = 2595 * np.log10(1 + limits / 700)
        hz = 700 * (10 ** (np.linspace(low, high, count + 2) / 2595) - 1)
        corners = np.floor((size + 1) * hz / SAMPLE_RATE_HZ)
    else:
        low, high = _hz_to_slaney(limits)
        corners, places = _slaney_to_hz(np.linspace(low, high, count + 2)), places * SAMPLE_RATE_HZ / size
    left, middle, right = (corners[start : start + count, None] for start in range(3))
    with np.errstate(divide="ignore", invalid="ignore"):
        rising, falling = (places - left) / (middle - left), (right - places) / (right - middle)
    filters = np.where((places >= left) & (places < middle), rising, 0.0)
    filters = np.where((places >= middle) & (places < right), falling, filters)
    return filters if whole_bins else filters * (2 / (right - left))


def _hz_to_slaney(hz: Float64) -> Float64:
    return np.where(hz < 1000, hz * 3 / 200, 15 + np.log(np.maximum(hz, 1e-9) / 1000) * 27 / np.log(6.4))


def _slaney_to_hz(mels: Float64) -> Float64:
    return np.where(mels < 15, mels * 200 / 3, 1000 * np.exp((mels - 15) * np.log(6.4) / 27))


def _dct(size: int) -> Float64:
    """The orthonormal cosine transform of type II as a matrix."""
    angles = np.pi * np.arange(size)[:, None] * (np.arange(size) + 0.5) / size
    matrix = np.cos(angles) * np.sqrt(2 / size)
    matrix[0] /= np.sqrt(2)
    return np.asarray(matrix)
