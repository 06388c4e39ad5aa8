"""From phonemes to the movement of a mouth: thirteen visemes, Gaussian coarticulation, lips that close.

Each phoneme has the actions of its viseme as a target; what neighbours want is mixed by a Gaussian over time. Closures
are not mixed: on p, b and m the lips of at least one frame touch, however short the sound is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from limner.errors import DataError
from limner.people.speech import PAUSES, Speech, Timed

Actions = dict[str, float]
SIGMA_SECONDS = 0.045
"""Of the Gaussian over time (avwnet.md 15)."""
CLOSING_SECONDS = 0.028
"""How fast lips close and part."""
STEPS_HZ = 200
VISEMES: dict[str, Actions] = {
    # name -> facial actions; those of two sides without Left and Right
    "rest": {},
    "closed": {},
    "f": {"jawOpen": 0.05, "mouthRollLower": 0.5, "mouthUpperUp": 0.25},
    "th": {"jawOpen": 0.12, "tongueOut": 0.2, "mouthLowerDown": 0.25, "mouthUpperUp": 0.1},
    "t": {"jawOpen": 0.1, "mouthLowerDown": 0.25, "mouthUpperUp": 0.1},
    "s": {"jawOpen": 0.05, "mouthStretch": 0.3, "mouthLowerDown": 0.35, "mouthUpperUp": 0.2},
    "sh": {"jawOpen": 0.08, "mouthFunnel": 0.5, "mouthPucker": 0.2},
    "k": {"jawOpen": 0.16, "mouthLowerDown": 0.15},
    "r": {"jawOpen": 0.1, "mouthPucker": 0.35, "mouthFunnel": 0.2},
    "oo": {"jawOpen": 0.07, "mouthPucker": 0.8, "mouthFunnel": 0.15},
    "oh": {"jawOpen": 0.34, "mouthFunnel": 0.4, "mouthPucker": 0.3},
    "ah": {"jawOpen": 0.55, "mouthLowerDown": 0.3, "mouthUpperUp": 0.15},
    "eh": {"jawOpen": 0.28, "mouthLowerDown": 0.25, "mouthStretch": 0.15},
    "ee": {"jawOpen": 0.1, "mouthSmile": 0.25, "mouthStretch": 0.3, "mouthLowerDown": 0.3, "mouthUpperUp": 0.15},
}
_TWO_SIDED = ("mouthUpperUp", "mouthLowerDown", "mouthStretch", "mouthSmile", "mouthPress")
_ESPEAK: dict[str, tuple[str, ...]] = {
    # beginning of a mnemonic without its stress -> visemes in their order; the longest one that fits counts
    "p": ("closed",), "b": ("closed",), "m": ("closed",), "f": ("f",), "v": ("f",), "T": ("th",), "D": ("th",),
    "t": ("t",), "d": ("t",), "n": ("t",), "l": ("t",), "*": ("t",), "s": ("s",), "z": ("s",), "S": ("sh",),
    "Z": ("sh",), "tS": ("sh",), "dZ": ("sh",), "k": ("k",), "g": ("k",), "N": ("k",), "h": ("k",), "x": ("k",),
    "?": ("k",), "r": ("r",), "w": ("oo",), "j": ("ee",), "u": ("oo",), "U": ("oo",), "O": ("oh",), "o": ("oh",),
    "oU": ("oh", "oo"), "0": ("oh",), "OI": ("oh", "ee"), "a": ("ah",), "A": ("ah",), "V": ("ah",),
    "aI": ("ah", "ee"), "aU": ("ah", "oo"), "E": ("eh",), "e": ("eh",), "eI": ("eh", "ee"), "e@": ("eh",),
    "3": ("eh",), "@": ("eh",), "@L": ("eh", "t"), "@U": ("eh", "oo"), "i": ("ee",), "I": ("ee",), "i@": ("ee", "eh"),
    "I@": ("ee", "eh"), "U@": ("oo", "eh"), "A@": ("ah", "r"), "O@": ("oh", "r"), "o@": ("oh", "r"), "Q": ("oh",),
    ";": ("ee",),
}  # fmt: skip
_ARPABET: dict[str, tuple[str, ...]] = {
    "P": ("closed",), "B": ("closed",), "M": ("closed",), "EM": ("closed",), "F": ("f",), "V": ("f",), "TH": ("th",),
    "DH": ("th",), "T": ("t",), "D": ("t",), "N": ("t",), "EN": ("t",), "L": ("t",), "EL": ("t",), "DX": ("t",),
    "S": ("s",), "Z": ("s",), "SH": ("sh",), "ZH": ("sh",), "CH": ("sh",), "JH": ("sh",), "K": ("k",), "G": ("k",),
    "NG": ("k",), "HH": ("k",), "R": ("r",), "ER": ("eh", "r"), "AXR": ("eh", "r"), "W": ("oo",), "WH": ("oo",),
    "Y": ("ee",), "UW": ("oo",), "UX": ("oo",), "UH": ("oo",), "OW": ("oh", "oo"), "AO": ("oh",), "OY": ("oh", "ee"),
    "AA": ("ah",), "AE": ("ah",), "AH": ("ah",), "AY": ("ah", "ee"), "AW": ("ah", "oo"), "EH": ("eh",),
    "EY": ("eh", "ee"), "AX": ("eh",), "IX": ("ee",), "IY": ("ee",), "IH": ("ee",),
}  # fmt: skip


def visemes_of(phoneme: str, alphabet: str = "espeak") -> tuple[str, ...]:
    """Names of `VISEMES` that a phoneme goes through; of a pause "rest".

    Raises:
        DataError: if the phoneme is not known.
    """
    if phoneme in PAUSES:
        return ("rest",)
    if alphabet == "arpabet":
        found = _ARPABET.get(phoneme.upper().rstrip("012"))
    else:
        name = phoneme.lstrip("',%=")
        found = next((_ESPEAK[name[:end]] for end in range(len(name), 0, -1) if name[:end] in _ESPEAK), None)
    if found is None:
        raise DataError(f'There is no phoneme "{phoneme}" in the alphabet {alphabet}: see limner/people/visemes.py.')
    return found


def is_closure(phoneme: Timed, alphabet: str = "espeak") -> bool:
    """Whether the lips touch: p, b, m."""
    return visemes_of(phoneme.text, alphabet) == ("closed",)


def mouth_actions(
    speech: Speech, times: Sequence[float], closed: Mapping[str, float], *, strength: float = 1.0
) -> list[Actions]:
    """Facial actions of a mouth that says a speech.

    Args:
        speech: what is said.
        times: of the frames, seconds, evenly spaced.
        closed: the actions with which the lips of this face just touch.
        strength: factor on the targets of all visemes but the closed one.
    """
    names = sorted({name for viseme in VISEMES.values() for name in viseme})
    num = int((max(speech.seconds, *times) + 1) * STEPS_HZ)
    targets = np.zeros((num, len(names)))
    for phoneme in speech.phonemes:
        parts = visemes_of(phoneme.text, speech.alphabet)
        edges = np.linspace(phoneme.start, phoneme.end, len(parts) + 1)
        for viseme, start, end in zip(parts, edges, edges[1:], strict=False):
            row = [strength * VISEMES[viseme].get(name, 0.0) for name in names]
            targets[max(round(start * STEPS_HZ), 0) : max(round(end * STEPS_HZ), 0)] = row
    reach = int(4 * SIGMA_SECONDS * STEPS_HZ)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / (SIGMA_SECONDS * STEPS_HZ)) ** 2)
    grid = np.arange(num) / STEPS_HZ
    curves = [np.convolve(np.pad(curve, reach, "edge"), weights / weights.sum(), "valid") for curve in targets.T]
    open_ = np.stack([np.interp(times, grid, curve) for curve in curves], axis=1)
    shut = closing(speech, times)
    return [_actions(dict(zip(names, row, strict=True)), closed, float(w)) for row, w in zip(open_, shut, strict=True)]


def closing(speech: Speech, times: Sequence[float]) -> npt.NDArray[np.float64]:
    """How far the lips are drawn together at each time, 0 to 1: 1 inside p, b and m and in the frame nearest to the
    middle of each."""
    found = np.zeros(len(times))
    at = np.asarray(times)
    for phoneme in speech.phonemes:
        if not is_closure(phoneme, speech.alphabet) or not at[0] - 0.02 <= phoneme.middle <= at[-1] + 0.02:
            continue
        outside = np.maximum(np.maximum(phoneme.start - at, at - phoneme.end), 0)
        found = np.maximum(found, np.exp(-0.5 * (outside / CLOSING_SECONDS) ** 2))
        found[np.abs(at - phoneme.middle).argmin()] = 1.0
    return found


def _actions(targets: Actions, closed: Mapping[str, float], shut: float) -> Actions:
    """One frame: between open and closed, both sides alike."""
    found: Actions = {}
    for name, value in targets.items():
        for side in ("Left", "Right") if name in _TWO_SIDED else ("",):
            found[name + side] = (1 - shut) * value
    for name, value in closed.items():
        found[name] = found.get(name, 0.0) + shut * value
    return {name: min(max(value, 0.0), 1.0) for name, value in found.items() if value > 1e-4}
