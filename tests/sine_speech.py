"""Talking discs in the layouts of GRID and LRW: a mouth whose opening is the loudness of a sine tone, drawn by code."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from limner.data.audio import FRAMES_PER_SECOND, SAMPLE_RATE_HZ

SENTENCES = ("bbaf2n", "lwbsza", "prwq3s", "sgia1p")
WORDS = {"ABOUT": (2.0, 160.0), "BECAUSE": (4.0, 320.0)}
"""Words of the drawn LRW -> syllables a second, and their tone in Hz."""
WORD_FRAMES, WORD_SECONDS = 29, 0.6


def loudness(num_frames: int, random: np.random.Generator, syllables: float | None = None) -> np.ndarray:
    """(num_frames,) in [0, 1]: so many syllables a second, or a few."""
    places = np.arange(num_frames) / FRAMES_PER_SECOND
    rate = random.uniform(2, 4) if syllables is None else syllables
    return 0.5 - 0.5 * np.cos(2 * np.pi * rate * places + random.uniform(0, 2 * np.pi))


def face(opening: float, colour: tuple[int, int, int], size: int) -> np.ndarray:
    """A head with eyes and a mouth open by a share of its width: (size, size, 3) uint8 RGB."""
    image = Image.new("RGB", (size, size), (90, 110, 130))
    pen, s = ImageDraw.Draw(image), size / 32
    pen.ellipse([4 * s, 2 * s, 28 * s, 30 * s], fill=colour)
    for x in (11, 19):
        pen.ellipse([x * s, 11 * s, (x + 3) * s, 14 * s], fill=(20, 20, 20))
    pen.ellipse([11 * s, (22 - 4 * opening) * s, 21 * s, (22 + 4 * opening) * s + 1], fill=(120, 20, 30))
    return np.asarray(image)


def landmarks(opening: float, size: int) -> np.ndarray:
    """(68, 2) x, y in pixels of the head that `face` draws, iBUG order."""

    def arc(num: int, centre: tuple[float, float], reach: tuple[float, float], start: float, end: float) -> np.ndarray:
        angles = np.radians(np.linspace(start, end, num))
        return np.array(centre) + np.array(reach) * np.stack([np.cos(angles), np.sin(angles)], axis=1)

    mouth, height = (16.0, 22.0), 4 * opening
    parts = [
        arc(17, (16, 16), (12, 14), 180, 0),  # jaw, through the chin
        *(arc(5, (x, 11), (3, 2), 180, 360) for x in (12.5, 20.5)),  # brows
        np.stack([np.full(4, 16.0), np.linspace(12, 17, 4)], axis=1),  # bridge of the nose
        np.stack([np.linspace(14, 18, 5), np.full(5, 18.0)], axis=1),
        *(arc(6, (x, 12.5), (1.5, 1.5), 180, 480) for x in (12.5, 20.5)),  # eyes
        arc(12, mouth, (5, height + 0.5), 180, 510),
        arc(8, mouth, (4, height), 180, 495),
    ]
    return np.concatenate(parts) * size / 32


def clip(
    random: np.random.Generator, *, size: int, num_frames: int, word: str | None = None, has_timbre: bool = False
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frames (t, size, size, 3), the tone (samples,) that opens the mouth, and how far it is open (t,).

    With timbre the tone gets brighter as the mouth opens, at one loudness: cepstral coefficients above the first do not
    tell how loud a pure tone is.
    """
    syllables, pitch = WORDS[word] if word else (None, random.uniform(150, 300))
    colour = tuple(random.integers(120, 230, 3).tolist())
    opening = loudness(num_frames, random, syllables)
    frames = np.stack([face(value, colour, size) for value in opening])
    samples = np.arange(num_frames * SAMPLE_RATE_HZ // FRAMES_PER_SECOND)
    level = np.interp(samples / SAMPLE_RATE_HZ * FRAMES_PER_SECOND, np.arange(num_frames) + 0.5, opening)
    tone = 0.8 * level * np.sin(2 * np.pi * pitch * samples / SAMPLE_RATE_HZ)
    if has_timbre:
        waves = [np.sin(2 * np.pi * factor * pitch * samples / SAMPLE_RATE_HZ) for factor in (1, 9)]
        tone = 0.4 * ((1 - level) * waves[0] + level * waves[1]) + 0.01 * random.standard_normal(len(samples))
    return frames, tone.astype(np.float32), opening


def write_clip(path: Path, frames: np.ndarray, tone: np.ndarray) -> None:
    """A video file with sound; needs the extra `video`."""
    from limner.media import write_video

    path.parent.mkdir(parents=True, exist_ok=True)
    write_video(path, iter(frames), frames_per_second=FRAMES_PER_SECOND, waveform=tone, sample_rate_hz=SAMPLE_RATE_HZ)


def write_sine_speech(root: Path, *, speakers: int = 2, size: int = 32, num_frames: int = 15, seed: int = 0) -> Path:
    """A data set `grid` of four sentences a speaker; needs the extra `video`."""
    random = np.random.default_rng(seed)
    splits = ["name,split"]
    for speaker in range(1, speakers + 1):
        (root / f"s{speaker}/align").mkdir(parents=True, exist_ok=True)
        for number, sentence in enumerate(SENTENCES):
            frames, tone, _ = clip(random, size=size, num_frames=num_frames)
            write_clip(root / f"s{speaker}/{sentence}.mp4", frames, tone)
            end = num_frames * 1000
            (root / f"s{speaker}/align/{sentence}.align").write_text(f"0 {end // 2} bin\n{end // 2} {end} blue\n")
            splits.append(f"s{speaker}-{sentence},{'test' if number == 3 else 'train'}")
    (root / "splits.csv").write_text("\n".join(splits) + "\n")
    return root


def write_sine_words(
    root: Path,
    *,
    num: tuple[int, int, int] = (4, 2, 2),
    size: int = 32,
    seed: int = 0,
    has_timbre: bool = False,
) -> Path:
    """A data set `lrw` of two words with landmarks of every frame and two speakers; needs the extra `video`.

    Args:
        root: made here.
        num: clips a word for train, val and test.
        size: of the frames.
        seed: of the clips.
        has_timbre: see `clip`.
    """
    random = np.random.default_rng(seed)
    records = []
    for word in WORDS:
        number = 0
        for split, count in zip(("train", "val", "test"), num, strict=True):
            for _ in range(count):
                number += 1
                path = root / f"lipread_mp4/{word}/{split}/{word}_{number:05d}.mp4"
                frames, tone, opening = clip(
                    random, size=size, num_frames=WORD_FRAMES, word=word, has_timbre=has_timbre
                )
                write_clip(path, frames, tone)
                path.with_suffix(".txt").write_text(f"Duration: {WORD_SECONDS} seconds\n")
                labels = [
                    {
                        "landmarks": landmarks(value, size).tolist(),
                        "mouth_opening": 8 * value * size / 32,
                        "phoneme": "a" if value > 0.5 else "m",
                    }
                    for value in opening.tolist()
                ]
                path.with_suffix(".json").write_text(json.dumps({"frames": labels}))
                records.append(json.dumps({"name": path.stem, "identity": f"speaker-{number % 2}"}))
    (root / "records.jsonl").write_text("\n".join(records) + "\n")
    return root
