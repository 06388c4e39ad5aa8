"""Speech with the times of its words and phonemes: by espeak-ng (extra "speech"), or a recording of one's own.

espeak-ng is GPL-3: it is no part of Limner, is installed by the extra, and runs in a process of its own
(`limner.people.espeak`).
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from limner.errors import ConfigError, DataError, nearest
from limner.files import short
from limner.media import MAX_SECONDS
from limner.optional import optional
from limner.people.dice import Dice, check_type
from limner.people.person import Person

RATE_HZ = 16_000
PAUSES = ("_", "_:", "", "sil", "sp", "SIL", "SP")
"""Names of phonemes that are silence."""
NO_SUCH_VOICE, TOO_LONG = 2, 3
"""Exit codes of `limner.people.espeak`."""
_TAPS = 24
_BLOCK = 1 << 14  # samples that are resampled at once
_FEMALE, _MALE = ("f1", "f2", "f3", "f4", "f5"), ("m1", "m2", "m3", "m4", "m6", "m7", "m8")


@dataclass(frozen=True)
class Timed:
    """A word or a phoneme with its time in seconds."""

    text: str
    start: float
    end: float

    @property
    def middle(self) -> float:
        """Half-way between start and end."""
        return (self.start + self.end) / 2


@dataclass(frozen=True, eq=False)
class Speech:
    """A waveform and what is said in it.

    Attributes:
        waveform: (n,) float32 in [-1, 1] at 16 kHz.
        words: in their order.
        phonemes: in their order; what lies between them, and `PAUSES`, is silence.
        alphabet: of the phonemes: "espeak" (its mnemonics) or "arpabet" (AA0, B, CH ..., as aligners write).
    """

    waveform: npt.NDArray[np.float32]
    words: tuple[Timed, ...]
    phonemes: tuple[Timed, ...]
    alphabet: str = "espeak"

    def __post_init__(self) -> None:
        check_type("The waveform of a speech", self.waveform, np.ndarray)
        if self.waveform.ndim != 1 or self.waveform.dtype.kind != "f" or not np.isfinite(self.waveform).all():
            raise ConfigError("The waveform of a speech must be one row of finite floating-point numbers at 16 kHz.")
        if self.alphabet not in ("espeak", "arpabet"):
            raise ConfigError(f'The alphabet of phonemes is "{self.alphabet}", but must be espeak or arpabet.')
        check_type("What is said in a speech", self.words, tuple, list)
        check_type("The phonemes of a speech", self.phonemes, tuple, list)
        for timed in (*self.words, *self.phonemes):
            check_type("A word or phoneme of a speech", timed, Timed)
            for time in (timed.start, timed.end):
                check_type("The time of a word or phoneme", time, float, int, np.floating, np.integer)
            if not timed.start <= timed.end:
                raise ConfigError(f'"{timed.text}" ends at {timed.end} s, before it begins at {timed.start} s.')

    @property
    def seconds(self) -> float:
        """Length."""
        return len(self.waveform) / RATE_HZ

    def cut(self, start: float, seconds: float) -> Speech:
        """What lies from `start` on, with silence where there is nothing; words that lie in it in part stay."""
        first, num = round(start * RATE_HZ), round(seconds * RATE_HZ)
        waveform = np.zeros(num, np.float32)
        low, high = max(first, 0), min(first + num, len(self.waveform))
        if low < high:
            waveform[low - first : high - first] = self.waveform[low:high]

        def moved(items: tuple[Timed, ...]) -> tuple[Timed, ...]:
            shifted = (Timed(item.text, item.start - start, item.end - start) for item in items)
            return tuple(item for item in shifted if item.end > 0 and item.start < seconds)

        return Speech(waveform, moved(self.words), moved(self.phonemes), self.alphabet)


@dataclass(frozen=True)
class Voice:
    """How a person sounds."""

    name: str
    """A voice of espeak-ng with its variant, such as "en-us+f3"."""
    rate: int
    """Words a minute."""
    pitch: int
    """0 to 100."""
    range: int
    """Of the pitch, 0 to 100."""


def voice_of(person: Person) -> Voice:
    """The voice of a person, the same in every clip."""
    dice = Dice(person.seed, person.index, "voice")
    accent = dice.pick({"en-us": 0.6, "en": 0.4})
    variants = _MALE if person.male else _FEMALE
    child = max(0.0, (15 - person.age_years) / 15)
    return Voice(
        name=f"{accent}+{variants[dice.integer(len(variants))]}",
        rate=int(dice.uniform(125, 165)),
        pitch=int(min(dice.uniform(35, 65) + 30 * child, 99)),
        range=int(dice.uniform(35, 70)),
    )


def synthesise(text: str, voice: Voice) -> Speech:
    """Say a text; the same text and voice give the same samples.

    Raises:
        ConfigError: if there is nothing to say, or it takes longer than `limner.media.MAX_SECONDS`.
        DataError: if there is no such voice, or espeak-ng fails.
        MissingExtraError: if the extra "speech" is not installed.
    """
    if not text.strip():
        raise ConfigError("There is no text to say.")
    loader = optional("espeakng_loader", extra="speech")
    _check_variant(voice.name, Path(loader.get_data_path()) / "voices" / "!v")
    request = {"library": loader.get_library_path(), "data": loader.get_data_path(), "text": text}
    request |= {"voice": voice.name, "rate": voice.rate, "pitch": voice.pitch, "range": voice.range}
    request["max_seconds"] = MAX_SECONDS
    script = Path(__file__).with_name("espeak.py")
    done = subprocess.run(
        [sys.executable, "-I", str(script)], input=json.dumps(request).encode(), capture_output=True, check=False
    )
    if done.returncode == NO_SUCH_VOICE:
        known = json.loads(done.stdout)
        language = voice.name.partition("+")[0]
        raise DataError(
            f'espeak-ng has no voice "{voice.name}"; give a language, and a variant behind it or none, such as '
            f"en-us+f3.{nearest(language, known)}"
        )
    if done.returncode == TOO_LONG:
        raise ConfigError(
            f"The text has {len(text.split())} words and takes more than {MAX_SECONDS / 60:g} minutes to say; say it "
            "in parts."
        )
    if done.returncode != 0 or b"\n" not in done.stdout:
        raise DataError(
            f'espeak-ng could not say "{short(text)}" with the voice {voice.name} (exit code {done.returncode}).'
        )
    header, _, samples = done.stdout.partition(b"\n")
    answer = json.loads(header)
    wave = (np.frombuffer(samples, "<i2") / 32768).astype(np.float32)
    words, phonemes = _times(text, answer["events"], len(wave) / answer["rate_hz"])
    return Speech(resampled(wave, answer["rate_hz"]), words, phonemes)


def _check_variant(voice: str, folder: Path) -> None:
    """Refuse a variant that is not there; espeak-ng would leave it out without a word."""
    _, plus, variant = voice.partition("+")
    known = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    if plus and known and variant not in known:
        raise DataError(f'espeak-ng has no variant "{variant}" of a voice.{nearest(variant, known)}')


def _times(text: str, events: list[list[Any]], seconds: float) -> tuple[tuple[Timed, ...], tuple[Timed, ...]]:
    """Words and phonemes from the events of espeak-ng, each of which has only a start.

    Words that espeak-ng says as one ("in the") have one event, and come as one.
    """
    places = [name for kind, _, name in events if kind == "word"]
    spoken = iter(" ".join(text[start:end].split()) for start, end in pairwise([*places, len(text)]))
    sounds = [(milliseconds / 1000, name) for kind, milliseconds, name in events if kind == "phoneme"]
    ends = iter([*(start for start, _ in sounds[1:]), seconds])
    phonemes, groups = list[Timed](), list[tuple[str, list[Timed]]]()
    for kind, milliseconds, name in events:
        if kind == "word":
            groups.append((next(spoken), []))
            continue
        phoneme = Timed(name, milliseconds / 1000, next(ends))
        if name not in PAUSES:
            phonemes.append(phoneme)
            if groups:
                groups[-1][1].append(phoneme)
    return tuple(Timed(word, group[0].start, group[-1].end) for word, group in groups if group), tuple(phonemes)


def resampled(wave: npt.NDArray[np.float32], rate_hz: int) -> npt.NDArray[np.float32]:
    """The waveform at 16 kHz: a windowed sinc below the lower of both Nyquist frequencies."""
    if rate_hz == RATE_HZ or not len(wave):
        return wave
    num = round(len(wave) * RATE_HZ / rate_hz)
    padded, found = np.pad(wave, _TAPS), np.empty(num, np.float32)
    cutoff = min(1.0, RATE_HZ / rate_hz)
    for start in range(0, num, _BLOCK):  # an hour at once would take tens of gigabytes
        places = np.arange(start, min(start + _BLOCK, num)) * (rate_hz / RATE_HZ)
        taps = np.floor(places).astype(int)[:, None] + np.arange(-_TAPS + 1, _TAPS + 1)
        distance = places[:, None] - taps
        kernel = cutoff * np.sinc(cutoff * distance) * (0.5 + 0.5 * np.cos(np.pi * distance / _TAPS))
        found[start : start + _BLOCK] = (padded[taps + _TAPS] * kernel).sum(axis=1)
    return found
