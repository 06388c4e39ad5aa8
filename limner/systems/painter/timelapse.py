"""A painting as it grows: frames, GIF and MP4."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from limner.demo import contact_sheet
from limner.errors import ConfigError
from limner.files import at_home
from limner.media import write_video
from limner.motion import GIF_FRAMES_PER_SECOND, gif_durations
from limner.provenance import EDITED_MEDIA, Facts
from limner.systems.painter.strokes import StrokeDocument

MAX_SIDE = 512
"""Longest side of a frame in pixels."""
MAX_GIF_FRAMES = 300
HOLD_SECONDS = 1.0
"""How long the first and the last frame are shown."""
_STEPS_OF_MANY, _TILE_OF_MANY = 100, 96  # frames, and pixels of a painting, of several side by side
_MIN_FPS, _MAX_FPS = 1.0, 60.0


def frame_strokes(num_strokes: int, num_frames: int) -> list[int]:
    """Number of strokes on each frame: from none to all of them, in equal steps."""
    return [round(index * num_strokes / num_frames) for index in range(num_frames + 1)]


def num_frames(num_strokes: int, *, fps: float, seconds: float | None, most: int | None = None) -> int:
    """Frames after the empty canvas: one a stroke, or as many as fill the time.

    Raises:
        ConfigError: if rate or length are out of range.
    """
    if not _MIN_FPS <= fps <= _MAX_FPS:
        raise ConfigError(f"{fps} frames a second are not possible; the rate must be from 1 to 60.")
    if seconds is not None and not 0 < seconds <= 3600:
        raise ConfigError(f"A time lapse of {seconds} seconds is not possible; it must be from 0 to 3600.")
    frames = num_strokes if seconds is None else max(1, round(seconds * fps))
    return max(1, min(frames, num_strokes, most or frames))


def frame_size(size: tuple[int, int]) -> tuple[int, int]:
    """Even width and height, as video wants them, at most `MAX_SIDE` on the longer side."""
    scale = min(1.0, MAX_SIDE / max(size))
    width, height = (max(2, 2 * math.floor(value * scale / 2 + 0.5)) for value in size)
    return width, height


def frames(document: StrokeDocument, strokes: list[int]) -> Iterator[NDArray[np.uint8]]:
    """Pictures (height, width, 3) with the first n strokes, for ascending n."""
    size = frame_size(document.size)
    plane = document.blank(document.plane_side(size))
    done = 0
    for number in strokes:
        plane = document.strokes[done:number].paint(plane)
        done = number
        yield np.asarray(document.cut(plane, size))


def save_gif(path: Path, document: StrokeDocument, *, fps: float, seconds: float | None) -> None:
    """Write a GIF of at most 300 frames that is shown again and again; first and last frame are held.

    Raises:
        ConfigError: if rate or length are out of range.
    """
    num = len(document.strokes)
    rate = min(fps, GIF_FRAMES_PER_SECOND)
    count = num_frames(num, fps=rate, seconds=seconds, most=MAX_GIF_FRAMES)
    pictures = [Image.fromarray(frame) for frame in frames(document, frame_strokes(num, count))]
    duration = seconds / count if seconds is not None else max(1 / rate, num / count / rate)
    _write_gif(path, pictures, duration)


def save_gif_of_many(path: Path, images: Sequence[Image.Image], documents: Sequence[StrokeDocument]) -> None:
    """Write a GIF of several paintings that grow side by side below their pictures, in about ten seconds."""
    steps = [frame_strokes(len(document.strokes), _STEPS_OF_MANY) for document in documents]
    growing = [frames(document, step) for document, step in zip(documents, steps, strict=True)]
    names = [f"{number} strokes" for number in steps[0]] if len({len(one.strokes) for one in documents}) == 1 else []
    pictures = [
        contact_sheet(
            [images, [Image.fromarray(one) for one in shown]],
            tile=_TILE_OF_MANY,
            column_names=names[place : place + 1],
        )
        for place, shown in enumerate(zip(*growing, strict=True))
    ]
    _write_gif(path, pictures, 10.0 / _STEPS_OF_MANY)


def _write_gif(path: Path, pictures: Sequence[Image.Image], duration: float) -> None:
    """Pictures of `duration` seconds each; the first and the last are held."""
    between = max(duration, 1 / GIF_FRAMES_PER_SECOND)
    durations = gif_durations([HOLD_SECONDS, *[between] * (len(pictures) - 2), HOLD_SECONDS])
    pictures[0].save(
        at_home(path),
        format="GIF",
        save_all=True,
        append_images=pictures[1:],
        duration=durations,
        loop=0,
        comment=EDITED_MEDIA.encode(),
    )


def save_video(path: Path, document: StrokeDocument, *, fps: float, seconds: float | None) -> None:
    """Write an MP4 (H.264, yuv420p): the empty canvas, then a frame a stroke; first and last frame are held.

    Raises:
        ConfigError: if rate or length are out of range.
        MissingExtraError: if the package `av` is not installed.
    """
    num = len(document.strokes)
    counts = frame_strokes(num, num_frames(num, fps=fps, seconds=seconds))
    note = Facts(document.extra, from_photo=True).comment()
    write_video(path, _held(frames(document, counts), len(counts), fps), frames_per_second=fps, comment=note)


def _held(pictures: Iterator[NDArray[np.uint8]], count: int, fps: float) -> Iterator[NDArray[np.uint8]]:
    """Frames, the first and the last of them again and again for `HOLD_SECONDS`."""
    hold = round(HOLD_SECONDS * fps)
    for index, pixels in enumerate(pictures):
        yield from itertools.repeat(pixels, 1 + (hold if index in (0, count - 1) else 0))
