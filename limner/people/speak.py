"""A person says a text: frames at 25 a second, sound at 16 kHz, and exact labels of every frame."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from limner.errors import ConfigError
from limner.people.clip import Clip
from limner.people.dice import check_type
from limner.people.person import Person
from limner.people.rendering import Rendering, pose_body
from limner.people.scene import Scene, sample_scene
from limner.people.speech import RATE_HZ, Speech, Timed, synthesise, voice_of
from limner.people.visemes import mouth_actions

FRAMES_PER_SECOND = 25
SAMPLES_PER_FRAME = RATE_HZ // FRAMES_PER_SECOND
BLINK_SECONDS = 0.2
BLINK_PAUSES = (3.4, 4.8)
"""Least and longest time from one blink to the next, seconds: 0.21 to 0.29 a second."""
SWAY_DEGREES = {"head_yaw": 1.6, "head_pitch": 1.3, "head_roll": 0.9}
"""Largest movement of the head about each axis; together below 3 degrees."""
MAX_GRAIN = 0.0012
"""Of the film, standard deviation: the background of one frame differs from that of the next by less than it."""
INNER_LIPS = (62, 66)
"""Middles of the upper and lower lip's inner border in iBUG order."""


@dataclass(frozen=True, eq=False)
class Talk:
    """A clip of somebody who speaks.

    Attributes:
        frames: (T, size, size, 3) uint8 RGB at 25 a second.
        waveform: (640 T,) float32 in [-1, 1] at 16 kHz.
        words: with their times in seconds.
        phonemes: likewise.
        frame_phonemes: what is said in the middle of each frame; "" is silence.
        landmarks68: (T, 68, 2) float32 pixels, iBUG order.
        mouth_opening: (T,) float32, distance of the inner lips in pixels.
        blinks: (T,) float32, how far the lids are closed, 0 to 1.
        identity: of the person.
        size: pixels along an edge.
    """

    frames: npt.NDArray[np.uint8]
    waveform: npt.NDArray[np.float32]
    words: tuple[Timed, ...]
    phonemes: tuple[Timed, ...]
    frame_phonemes: tuple[str, ...]
    landmarks68: npt.NDArray[np.float32]
    mouth_opening: npt.NDArray[np.float32]
    blinks: npt.NDArray[np.float32]
    identity: str
    size: int


def speak(
    person: Person,
    text: str,
    rng: np.random.Generator,
    *,
    size: int = 128,
    speech: Speech | None = None,
    scene: Scene | None = None,
) -> Talk:
    """Film a person who says a text.

    Args:
        person: who.
        text: what is said, in the person's own voice of espeak-ng.
        rng: chooses the scene, when the lids close and how the head moves.
        size: pixels along an edge.
        speech: a recording in place of the synthesised text, with the times of its phonemes; the text is not read then.
        scene: how the person is seen; None: a calm face before any background.

    Raises:
        ConfigError: if there is no text and no speech, or the speech is empty.
        DataError: if a phoneme of the speech is not known, or espeak-ng fails.
        MissingExtraError: if the extra "people" is missing, or the extra "speech" where the text is synthesised.
    """
    check_type("The person", person, Person)
    check_type("The text", text, str)
    check_type("rng", rng, np.random.Generator)
    if scene is not None:
        check_type("The scene", scene, Scene)
    if speech is not None:
        check_type("The speech", speech, Speech)
    if speech is None:
        speech = synthesise(text, voice_of(person))
    num = math.ceil(len(speech.waveform) / SAMPLES_PER_FRAME)
    if num == 0:
        raise ConfigError("There is no sound in the speech: give a waveform of at least one sample.")
    speech = speech.cut(0.0, num / FRAMES_PER_SECOND)
    scene = talking_scene(int(rng.random() * 2**31)) if scene is None else replace(scene, actions={})
    strength = 0.85 + 0.3 * float(rng.random())
    times = (np.arange(num) + 0.5) / FRAMES_PER_SECOND
    actions = mouth_actions(speech, times.tolist(), closed_lips(person, scene), strength=strength)
    blinks = blinking(times, rng)
    head = swaying(times, rng)
    clip = Clip(person, scene, size)
    grain = int(rng.random() * 2**31)
    shots = []
    for number in range(num):
        lids = {f"eyeBlink{side}": round(float(blinks[number]), 4) for side in ("Left", "Right")}
        turned = {name: getattr(scene, name) + float(sway[number]) for name, sway in head.items()}
        frame = replace(scene, actions=actions[number] | lids, **turned)
        shots.append(clip.frame(frame, grain_seed=grain + number))
    return _talk(person, speech, shots, blinks, size)


def _talk(person: Person, speech: Speech, shots: list[Rendering], blinks: npt.NDArray[np.float64], size: int) -> Talk:
    landmarks = np.stack([shot.landmarks68 for shot in shots])
    upper, lower = (landmarks[:, index] for index in INNER_LIPS)
    middles = (np.arange(len(shots)) + 0.5) / FRAMES_PER_SECOND
    return Talk(
        frames=np.stack([shot.image for shot in shots]),
        waveform=speech.waveform,
        words=speech.words,
        phonemes=speech.phonemes,
        frame_phonemes=tuple(
            next((p.text for p in speech.phonemes if p.start <= middle < p.end), "") for middle in middles
        ),
        landmarks68=landmarks,
        mouth_opening=np.linalg.norm(upper - lower, axis=1).astype(np.float32),
        blinks=blinks.astype(np.float32),
        identity=person.identity,
        size=size,
    )


def talking_scene(seed: int) -> Scene:
    """A calm face that looks into the camera, in any light and before any background, with very little grain."""
    scene = sample_scene(seed, 0, "age")
    film = replace(scene.film, grain=min(scene.film.grain, MAX_GRAIN), blur=0.3 * scene.film.blur)
    return replace(scene, actions={}, head_yaw=0.6 * scene.head_yaw, film=film)


def closed_lips(person: Person, scene: Scene) -> dict[str, float]:
    """The facial actions with which the lips of a person just touch: at rest they are a little apart, or overlap."""

    def gap(actions: dict[str, float]) -> float:
        body = pose_body(person, replace(scene, actions=actions))
        upper, lower = (body.landmarks68[index] for index in INNER_LIPS)
        return float((upper - lower) @ body.head.axes[2])

    rest = gap({})
    names = ("mouthPressLeft", "mouthPressRight") if rest > 0 else ("jawOpen",)
    amount = 0.2
    change = gap(dict.fromkeys(names, amount)) - rest  # actions add up: the gap is linear in their strength
    return dict.fromkeys(names, min(max(-rest / change * amount, 0.0), 1.0)) if change else {}


def blinking(times: npt.NDArray[np.float64], rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """How far the lids are closed at each time, 0 to 1."""
    low, high = BLINK_PAUSES
    found = np.zeros(len(times))
    middle = high * float(rng.random())
    while middle < times[-1] + BLINK_SECONDS:
        found = np.maximum(found, np.clip(1.5 - 3 * np.abs(times - middle) / BLINK_SECONDS, 0, 1))
        middle += low + (high - low) * float(rng.random())
    return found


def swaying(times: npt.NDArray[np.float64], rng: np.random.Generator) -> dict[str, npt.NDArray[np.float64]]:
    """Small slow movement of the head about each axis, radians: two waves of 0.15 to 0.6 a second."""
    found = {}
    for name, degrees in SWAY_DEGREES.items():
        waves = [
            np.sin(2 * np.pi * ((0.15 + 0.45 * float(rng.random())) * times + float(rng.random()))) for _ in range(2)
        ]
        found[name] = math.radians(degrees) * (0.4 + 0.6 * float(rng.random())) * (0.6 * waves[0] + 0.4 * waves[1])
    return found
