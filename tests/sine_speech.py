"""Talking discs in the layout of GRID: a mouth whose opening is the loudness of a sine tone, all drawn by code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from limner.data.audio import FRAMES_PER_SECOND, SAMPLE_RATE_HZ

SENTENCES = ("bbaf2n", "lwbsza", "prwq3s", "sgia1p")


def loudness(num_frames: int, random: np.random.Generator) -> np.ndarray:
    """(num_frames,) in [0, 1]: a few syllables."""
    places = np.arange(num_frames) / FRAMES_PER_SECOND
    return 0.5 - 0.5 * np.cos(2 * np.pi * random.uniform(2, 4) * places + random.uniform(0, 2 * np.pi))


def face(opening: float, colour: tuple[int, int, int], size: int) -> np.ndarray:
    """A head with eyes and a mouth open by a share of its width: (size, size, 3) uint8 RGB."""
    image = Image.new("RGB", (size, size), (90, 110, 130))
    pen, s = ImageDraw.Draw(image), size / 32
    pen.ellipse([4 * s, 2 * s, 28 * s, 30 * s], fill=colour)
    for x in (11, 19):
        pen.ellipse([x * s, 11 * s, (x + 3) * s, 14 * s], fill=(20, 20, 20))
    pen.ellipse([11 * s, (22 - 4 * opening) * s, 21 * s, (22 + 4 * opening) * s + 1], fill=(120, 20, 30))
    return np.asarray(image)


def clip(random: np.random.Generator, *, size: int, num_frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Frames (t, size, size, 3) and the tone (samples,) that opens the mouth."""
    colour = tuple(random.integers(120, 230, 3).tolist())
    opening = loudness(num_frames, random)
    frames = np.stack([face(value, colour, size) for value in opening])
    samples = np.arange(num_frames * SAMPLE_RATE_HZ // FRAMES_PER_SECOND)
    level = np.interp(samples / SAMPLE_RATE_HZ * FRAMES_PER_SECOND, np.arange(num_frames) + 0.5, opening)
    tone = 0.8 * level * np.sin(2 * np.pi * random.uniform(150, 300) * samples / SAMPLE_RATE_HZ)
    return frames, tone.astype(np.float32)


def write_sine_speech(root: Path, *, speakers: int = 2, size: int = 32, num_frames: int = 15, seed: int = 0) -> Path:
    """A data set `grid` of four sentences a speaker; needs the extra `video`."""
    from limner.media import write_video

    random = np.random.default_rng(seed)
    splits = ["name,split"]
    for speaker in range(1, speakers + 1):
        (root / f"s{speaker}/align").mkdir(parents=True, exist_ok=True)
        for number, sentence in enumerate(SENTENCES):
            frames, tone = clip(random, size=size, num_frames=num_frames)
            path = root / f"s{speaker}/{sentence}.mp4"
            write_video(
                path, iter(frames), frames_per_second=FRAMES_PER_SECOND, waveform=tone, sample_rate_hz=SAMPLE_RATE_HZ
            )
            end = num_frames * 1000
            (root / f"s{speaker}/align/{sentence}.align").write_text(f"0 {end // 2} bin\n{end // 2} {end} blue\n")
            splits.append(f"s{speaker}-{sentence},{'test' if number == 3 else 'train'}")
    (root / "splits.csv").write_text("\n".join(splits) + "\n")
    return root
