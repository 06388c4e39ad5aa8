"""Wrong types in Python are a sentence, as wrong words are on the command line.

In a process of its own, as the tests' own check of annotations would speak first.
"""

from __future__ import annotations

import subprocess
import sys

CALLS = """
import numpy as np
from limner.errors import ConfigError
from limner.people import Clip, Speech, Timed, describe, sample_person, sample_scene, speak

person, scene, rng = sample_person(1, 1), sample_scene(1, 1), np.random.default_rng(0)
silence = np.zeros(160, np.float32)
calls = {
    "The person is of the type NoneType": lambda: Clip(None, scene),
    "The scene is of the type str": lambda: Clip(person, "face"),
    "The size is of the type float": lambda: Clip(person, scene, 64.0),
    "The person is of the type str": lambda: describe("somebody", scene, rng),
    "rng is of the type int": lambda: describe(person, scene, 3),
    "num is of the type NoneType": lambda: describe(person, scene, rng, num=None),
    "The waveform of a speech is of the type list": lambda: Speech([0.0], (), ()),
    "must be one row of finite floating-point numbers": lambda: Speech(np.zeros(160, np.int16), (), ()),
    "What is said in a speech is of the type str": lambda: Speech(silence, "hello", ()),
    "A word or phoneme of a speech is of the type str": lambda: Speech(silence, (), ("h",)),
    "The time of a word or phoneme is of the type NoneType": lambda: Speech(silence, (Timed("a", None, 1.0),), ()),
    "The speech is of the type str": lambda: speak(person, "", rng, speech="speech.wav"),
    "The scene is of the type dict": lambda: speak(person, "hello", rng, scene={}),
}
for expected, call in calls.items():
    try:
        call()
    except ConfigError as error:
        assert expected in str(error), (expected, str(error))
    else:
        raise AssertionError(f"nothing said: {expected}")
"""


def test_other_types_are_refused_in_a_sentence() -> None:
    done = subprocess.run([sys.executable, "-c", CALLS], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
