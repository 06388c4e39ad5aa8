"""Clips of a data set: frames with their sound, at one rate (extra `video`)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from limner import media
from limner.data.manifest import Row
from limner.data.spec import AudioSpec
from limner.errors import DataError


@dataclass(frozen=True, eq=False)
class Clip:
    """Frames and what is heard meanwhile."""

    frames: npt.NDArray[np.uint8]
    """(t, H, W, 3) RGB."""
    waveform: npt.NDArray[np.float32]
    """(n,) in [-1, 1], one channel."""
    audio: AudioSpec
    """Rates of both."""


@dataclass(frozen=True)
class ClipReader:
    """Video files with sound; `Row.video` and `Row.audio` are paths below `root`."""

    root: Path
    audio: AudioSpec

    def read_clip(self, row: Row) -> Clip:
        """All frames and the sound.

        Raises:
            DataError: if a file cannot be used.
            MissingExtraError: without the extra `video`.
        """
        frames = list(media.read_frames(self.root / row.video, frames_per_second=self.audio.frames_per_second))
        if not frames:
            raise DataError(f"{self.root / row.video} has no frames.")
        waveform = media.read_waveform(self.root / row.audio, sample_rate_hz=self.audio.sample_rate_hz)
        return Clip(np.stack(frames), waveform, self.audio)

    def read_image(self, row: Row) -> npt.NDArray[np.uint8]:
        """The middle frame, (H, W, 3) uint8 RGB."""
        frames = list(media.read_frames(self.root / row.video))
        if not frames:
            raise DataError(f"{self.root / row.video} has no frames.")
        return frames[len(frames) // 2]

    def read_label_map(self, row: Row) -> npt.NDArray[np.uint8]:
        """Raises: DataError, as there are none."""
        raise DataError(f"{self.root} has no label maps.")

    def files(self, row: Row) -> tuple[Path, ...]:
        """The video."""
        return (self.root / row.video,)
