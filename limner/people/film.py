"""From light to a file: automatic exposure, tone curve, colour, blur and grain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from limner.people.surface import Floats

if TYPE_CHECKING:
    from limner.people.scene import Film

LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)
"""Weights of linear red, green and blue (Rec. 709)."""
MIDDLE = 0.21
"""Luminance that automatic exposure gives to a picture of middle brightness."""
ADAPTATION = 0.65
"""How far the exposure follows the picture: 1 would make dark and fair skin alike, 0 leave night scenes black."""
KNEE = 0.62
"""Luminance above which highlights are compressed."""
SOFTNESS_PX = 0.45
"""Standard deviation of the blur that lens and sensor give even to sharp pictures, pixels."""
PUNCH = 1.3
"""Contrast that cameras give to every picture."""


def develop(light: Floats, film: Film, *, exposure: float, seed: int) -> npt.NDArray[np.uint8]:
    """Turn linear light (size, size, 3) into an sRGB picture (size, size, 3) uint8.

    Args:
        light: any non-negative brightness.
        film: settings.
        exposure: factor of the automatic exposure, see `automatic_exposure`; the film's own comes on top.
        seed: of the grain.
    """
    sigma_px = float(np.hypot(film.blur * len(light), SOFTNESS_PX))
    exposed = blurred(light, sigma_px) * (exposure * film.exposure)
    exposed = exposed * np.array([1 + film.warmth, 1.0, 1 - film.warmth], np.float32)
    grey = (exposed @ LUMINANCE)[..., None]
    exposed = np.maximum(grey + film.saturation * (exposed - grey), 0)
    values = with_contrast(to_srgb(soft_highlights(exposed)), PUNCH * film.contrast)
    values = values + film.grain * grain(len(light), seed)
    return (np.clip(values, 0, 1) * 255 + 0.5).astype(np.uint8)


def automatic_exposure(light: Floats, subject: npt.NDArray[np.bool_]) -> float:
    """The factor of automatic exposure: the log-mean luminance of the subject, and a little of the rest, goes towards
    `MIDDLE`.

    Args:
        light: (size, size, 3).
        subject: (size, size), the skin: cameras look for faces to measure the exposure on.
    """
    weights = max(0.3 * float(subject.mean()), 1e-3) + subject
    logs = np.log(np.maximum(light @ LUMINANCE, 1e-3))
    mean = float(np.exp((weights * logs).sum() / weights.sum()))
    return float((MIDDLE / mean) ** ADAPTATION)


def soft_highlights(light: Floats) -> Floats:
    """Linear up to `KNEE`, then ever flatter towards 1, as film and cameras do."""
    room = np.float32(1 - KNEE)
    return np.where(light <= KNEE, light, KNEE + room * np.tanh((light - KNEE) / room)).astype(np.float32)


def to_srgb(light: Floats) -> Floats:
    """sRGB values of linear ones, both in [0, 1] (IEC 61966-2-1)."""
    curved = 1.055 * np.maximum(light, 0.0031308) ** np.float32(1 / 2.4) - 0.055
    return np.where(light <= 0.0031308, 12.92 * light, curved).astype(np.float32)


def with_contrast(values: Floats, contrast: float) -> Floats:
    """sRGB values with another slope at the middle; black and white stay where they are."""
    curve = values * values * (3 - 2 * values)  # slope 1.5 at the middle
    return (values + 2 * (contrast - 1) * (curve - values)).astype(np.float32)


def grain(size: int, seed: int) -> Floats:
    """Noise (size, size, 3) with mean 0 and standard deviation 1, much of it common to the three channels."""
    random = np.random.Generator(np.random.PCG64(seed))
    # Sums of three uniform numbers are near enough to normal ones, and their stream is the same in every numpy.
    common, own = (
        2 * (random.random((3, size, size, channels), np.float32) - np.float32(0.5)).sum(axis=0) for channels in (1, 3)
    )
    return np.asarray(np.float32(0.8) * common + np.float32(0.6) * own, np.float32)


def blurred(image: Floats, sigma_px: float) -> Floats:
    """A square image (size, size, channels) under a Gaussian; the border is repeated."""
    if sigma_px < 0.2:
        return image
    size = len(image)
    reach = int(3 * sigma_px) + 1
    positions = np.arange(-reach, size + reach)
    weights = np.exp(-0.5 * ((np.arange(size)[:, None] - positions) / sigma_px) ** 2)
    weights[:, reach] += weights[:, :reach].sum(axis=1)
    weights[:, size + reach - 1] += weights[:, size + reach :].sum(axis=1)
    matrix = weights[:, reach : size + reach]
    matrix = (matrix / matrix.sum(axis=1, keepdims=True)).astype(np.float32)
    # As two products of matrices: faster than loops over the taps at every size that is used here.
    rows = np.tensordot(matrix, image, axes=(1, 0))
    return np.ascontiguousarray(np.tensordot(matrix, rows, axes=(1, 1)).transpose(1, 0, 2), dtype=np.float32)
