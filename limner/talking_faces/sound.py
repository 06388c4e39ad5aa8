"""Speech as users give it: files of any rate and number of channels, videos, samples, or a text to be said."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from limner import media
from limner.arguments import as_array
from limner.data.audio import FRAMES_PER_SECOND, SAMPLE_RATE_HZ
from limner.data.clip_checks import CLIPPED_SHARE, FULL_SCALE, SILENT
from limner.errors import ConfigError, DataError, ShapeError, quoted
from limner.files import short

SoundInput = str | Path | npt.NDArray[np.floating]
"""A file with sound, or samples (n,) in [-1, 1] at 16 kHz."""
FRAME_SAMPLES = SAMPLE_RATE_HZ // FRAMES_PER_SECOND

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Sound:
    """What is to be said.

    Attributes:
        name: of the file, or "speech".
        samples: (n,) int16 at 16 kHz, one channel.
    """

    name: str
    samples: npt.NDArray[np.int16]


def read_sound(sound: SoundInput) -> Sound:
    """The speech of a file or of samples, refused or warned of where no mouth could follow it.

    Raises:
        ConfigError, MissingExtraError: as `limner.media.read_audio`.
        DataError: if a file cannot be read, has no sound, is shorter than a frame or longer than an hour.
        ShapeError: if samples are no row of finite numbers.
    """
    if isinstance(sound, str | Path):
        where, name, parts, total = str(sound), Path(sound).stem, [], 0
        for block in media.read_audio(sound, sample_rate_hz=SAMPLE_RATE_HZ):
            total += len(block)
            if total > media.MAX_SECONDS * SAMPLE_RATE_HZ:
                raise DataError(f"{sound} is longer than {media.MAX_SECONDS / 60:g} minutes; cut it.")
            parts.append(to_int16(block))
        samples = np.concatenate(parts)
    else:
        where, name = "The sound", "speech"
        try:
            given = as_array(sound, "The sound")
        except ValueError as error:  # as of (rate, samples), which some readers give
            raise ShapeError(
                f"The sound is a {type(sound).__name__} of unlike things; it must be a file, or samples (n,) at "
                f"{SAMPLE_RATE_HZ} Hz."
            ) from error
        if given.ndim != 1 or given.dtype.kind != "f" or not np.isfinite(given).all():
            raise ShapeError(
                f"The sound is {given.dtype} {given.shape}; it must be finite floating-point samples (n,) in [-1, 1] "
                f"at {SAMPLE_RATE_HZ} Hz: divide samples of 16 bits by 32767, and take the mean of several channels."
            )
        samples = to_int16(given)
    if len(samples) < FRAME_SAMPLES:
        raise DataError(
            f"{where} is {len(samples) / SAMPLE_RATE_HZ:.3f} s long, shorter than a frame "
            f"({FRAME_SAMPLES / SAMPLE_RATE_HZ:g} s); give a longer one."
        )
    _warn(samples, where)
    return Sound(name, samples)


def said(text: str, *, voice: str = "en-us", rate: int = 145, pitch: int = 50) -> Sound:
    """A text, spoken by espeak-ng (extra `speech`).

    Raises:
        ConfigError: if there is nothing to say, or more than an hour of it, or a number is out of range.
        DataError: if the voice is not known.
        MissingExtraError: if the extra is not installed.
    """
    from limner.people.speech import Voice, synthesise

    if not text.strip():
        raise ConfigError("--text is empty; give a sentence to say.")
    for name, value, low, high in (("rate", rate, 80, 450), ("pitch", pitch, 0, 99)):
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ConfigError(f"{name} is {quoted(value)}; it must be a whole number from {low} to {high}.")
    speech = synthesise(text, Voice(name=voice, rate=rate, pitch=pitch, range=50))
    if len(speech.waveform) < FRAME_SAMPLES or not speech.phonemes:
        raise ConfigError(f'Nothing of --text "{short(text)}" can be said; give a sentence.')
    return Sound("text", to_int16(speech.waveform))


def to_int16(samples: npt.NDArray[np.floating]) -> npt.NDArray[np.int16]:
    """[-1, 1] -> 16 bits; what is louder is cut."""
    return np.asarray(np.clip(np.round(samples * media.INT16_SCALE), -media.INT16_SCALE, media.INT16_SCALE), np.int16)


def to_float(samples: npt.NDArray[np.int16]) -> npt.NDArray[np.float32]:
    """The reverse of `to_int16`."""
    return samples.astype(np.float32) / np.float32(media.INT16_SCALE)


def _warn(samples: npt.NDArray[np.int16], where: str) -> None:
    loud = np.abs(samples)
    if loud.max() < SILENT * 32767:
        _log.warning("%s is silent: the mouth will hardly move.", where)
    elif float((loud > FULL_SCALE * 32767).mean()) > CLIPPED_SHARE:
        _log.warning("%s is overdriven (its peaks are cut off): the mouth may open too far; record it softer.", where)
