"""Clips of a data set: frames with their sound, at one rate (extra `video`)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from limner import media
from limner.data.manifest import Row
from limner.data.point_schema import IBUG_68
from limner.data.spec import AudioSpec
from limner.errors import DataError
from limner.files import MAX_TABLE_BYTES, read_json


@dataclass(frozen=True, eq=False)
class Clip:
    """Frames and what is heard meanwhile."""

    frames: npt.NDArray[np.uint8]
    """(t, H, W, 3) RGB."""
    waveform: npt.NDArray[np.float32]
    """(n,) in [-1, 1], one channel."""
    audio: AudioSpec
    """Rates of both."""


@dataclass(frozen=True, eq=False)
class FrameLabels:
    """What is known of every frame of a clip made by code."""

    landmarks: npt.NDArray[np.float64]
    """(t, 68, 2) x, y in pixels of the frames, iBUG order."""
    mouth_opening: npt.NDArray[np.float64]
    """(t,)."""
    phonemes: tuple[str, ...]
    """What is spoken meanwhile."""


def read_frame_labels(path: Path) -> FrameLabels:
    """The labels of a clip's frames from the JSON file that `limner data make people-talking` writes.

    Raises:
        DataError: if it is not of that form.
    """
    content = read_json(path, most=MAX_TABLE_BYTES)
    try:
        frames = content["frames"]
        landmarks = np.array([frame["landmarks"] for frame in frames], dtype=np.float64).reshape(len(frames), -1, 2)
        opening = np.array([frame["mouth_opening"] for frame in frames], dtype=np.float64)
        phonemes = tuple(str(frame["phoneme"]) for frame in frames)
        if landmarks.shape[1] != len(IBUG_68):
            raise ValueError
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path} needs {len(IBUG_68)} landmarks, a mouth opening and a phoneme a frame.") from error
    return FrameLabels(landmarks, opening, phonemes)


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

    def frame_labels(self, row: Row) -> FrameLabels | None:
        """What is known of every frame; none in sets of recordings.

        Raises:
            DataError: if the file is damaged.
        """
        video = self.root / row.video
        folder = video.parent.parent if video.parent.name == "video" else video.parent
        places = (video.with_suffix(".json"), folder / "labels" / f"{video.stem}.json")
        path = next((place for place in places if place.exists()), None)
        return None if path is None else read_frame_labels(path)

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
