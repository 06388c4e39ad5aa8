"""How a talking face follows voices that it did not learn from, and whether it drifts over a minute of speech.

Protocol: a ready-made person with a shut mouth says one sentence in espeak-ng's voices (extra `speech`): faster,
slower, higher, lower, other speakers, with noise nearer and nearer to the voice, softer and louder. A mouth that opens
gets dark between the lips: how much darker it is than in the photo, in levels of 255, stands beside what the phonemes
ask of the jaw, as a correlation over the frames. Drift: the sentence is said again and again until a minute is full;
the same frames of the second and of the last time are compared, in the mouth's box and outside of it, in levels of 255.

    python benchmarks/talking_voices.py
    python benchmarks/talking_voices.py --weights runs/avwnet --seconds 300
"""

from __future__ import annotations

from typing import Any

from measure import in_fresh_process, new_parser, report

SENTENCE = "Nobody may believe a mumbling man; my mother paid for a big brown box of apples."
VOICES: dict[str, tuple[str, int, int]] = {
    "as learned": ("en-us", 145, 50),
    "slow": ("en-us", 90, 50),
    "fast": ("en-us", 220, 50),
    "very fast": ("en-us", 320, 50),
    "low": ("en-us", 145, 10),
    "high": ("en-us", 145, 95),
    "another accent": ("en-gb", 145, 50),
    "a female voice": ("en-us+f3", 145, 50),
    "whispering": ("en-us+whisper", 145, 50),
}
NOISE_DB = (20, 10, 0)
GAINS = (0.1, 3.0)
"""Factors on the samples; the greater one cuts peaks off."""
SPEAKER = 1
"""Of the ready-made faces: the mouth is shut."""
INNER_LIPS = slice(60, 68)


def measure(weights: str, seconds: float) -> dict[str, Any]:
    """Correlations by voice, and the drift."""
    import numpy as np

    import limner
    from limner.people.speech import Voice, synthesise

    pipe = limner.load(weights)
    found: dict[str, Any] = {"weights": pipe.weights_name, "voices": {}}
    usual = None
    for name, (voice, rate, pitch) in VOICES.items():
        speech = synthesise(SENTENCE, Voice(name=voice, rate=rate, pitch=pitch, range=50))
        usual = speech if usual is None else usual
        found["voices"][name] = _followed(pipe, speech, speech.waveform)
    assert usual is not None
    power = float(np.sqrt(np.square(usual.waveform).mean()))
    noise = np.random.default_rng(0).standard_normal(len(usual.waveform)).astype(np.float32)
    for decibels in NOISE_DB:
        noisy = usual.waveform + power * 10 ** (-decibels / 20) * noise
        found["voices"][f"noise, {decibels} dB below the voice"] = _followed(pipe, usual, noisy)
    for gain in GAINS:
        changed = np.clip(gain * usual.waveform, -1, 1)
        found["voices"][f"{gain:g} times as loud"] = _followed(pipe, usual, changed)
    found["voices"]["noise alone"] = _followed(pipe, usual, power * noise)
    found["drift"] = _drift(pipe, usual.waveform, seconds)
    return found


def _frames(pipe: Any, samples: Any) -> tuple[Any, Any, Any]:
    """All frames, (f, h, w, 3), the photo, and its landmarks in pixels."""
    import numpy as np

    from limner.people.gallery import ready

    person = ready("face")[SPEAKER]
    plan = pipe.plan(person.image, samples.astype(np.float32), landmarks=person.landmarks)
    frames = np.stack(list(pipe.render(plan).media[0].draw())).astype(np.float32)
    photo, landmarks = (plan.condition(name, range(1))[0] for name in ("image", "landmarks"))
    return frames, photo, landmarks * len(photo)


def _followed(pipe: Any, speech: Any, samples: Any) -> dict[str, float]:
    """Correlation of the mouth's darkness with what the phonemes ask of the jaw, and how far the darkness goes."""
    import numpy as np

    from limner.metrics.talking import correlation
    from limner.people.visemes import mouth_actions

    frames, photo, landmarks = _frames(pipe, samples)
    (left, top), (right, bottom) = (
        edge(landmarks[INNER_LIPS], axis=0).round().astype(int) for edge in (np.min, np.max)
    )
    box = (slice(max(top - 1, 0), bottom + 2), slice(left, right + 1))
    darker = photo[box].mean() - frames[:, box[0], box[1]].mean(axis=(1, 2, 3))
    times = ((np.arange(len(frames)) + 0.5) / 25).tolist()
    wanted = [actions.get("jawOpen", 0.0) for actions in mouth_actions(speech, times, {})]
    return {"correlation": correlation(darker, wanted), "deviation": float(darker.std())}


def _drift(pipe: Any, samples: Any, seconds: float) -> dict[str, float]:
    """Difference of the second and the last saying of a sentence."""
    import numpy as np

    from limner.talking_faces.evaluation import mouth_slices

    whole = samples[: len(samples) // 640 * 640]
    times = max(3, round(seconds * 16_000 / len(whole)))
    frames, _, _ = _frames(pipe, np.tile(whole, times))
    length = len(whole) // 640
    apart = np.abs(frames[length : 2 * length] - frames[(times - 1) * length :][:length]).mean(axis=(0, 3))
    inside = np.zeros(apart.shape, bool)
    inside[mouth_slices(apart.shape[0])] = True
    return {
        "seconds": times * length / 25,
        "mouth": float(apart[inside].mean()),
        "outside": float(apart[~inside].mean()),
    }


def main() -> None:
    """Measure and print."""
    parser = new_parser(__doc__)
    parser.add_argument("--weights", default="avwnet", metavar="NAME|DIR", help="of a talking face (avwnet)")
    parser.add_argument("--seconds", type=float, default=None, help="of the long clip (60; with --quick 10)")
    options = parser.parse_args()
    seconds = options.seconds or (10.0 if options.quick else 60.0)
    found = in_fresh_process(measure, weights=options.weights, seconds=seconds)
    voices = [
        {
            "voice": name,
            "correlation with the jaw": f"{one['correlation']:.2f}",
            "deviation of the darkness, levels": f"{one['deviation']:.1f}",
        }
        for name, one in found["voices"].items()
    ]
    drift = found["drift"]
    rows = [
        {"where": "the mouth's box", "levels of 255": f"{drift['mouth']:.3f}"},
        {"where": "outside of it", "levels of 255": f"{drift['outside']:.3f}"},
    ]
    tables = {"Voices": voices, f"Second and last saying in {drift['seconds']:.0f} s": rows}
    report("Voices of a talking face", f"Weights {found['weights']}.", tables, found, options)


if __name__ == "__main__":
    main()
