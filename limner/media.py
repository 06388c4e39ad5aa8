"""Pictures and clips as results hold them; video and audio in and out (extra `video`).

Frames and samples of files come and go one after the other, so that memory stays the same however long a clip is.

Frames are (height, width, 3) uint8 RGB, waveforms float32 in [-1, 1], one channel. Imports no torch.
"""

from __future__ import annotations

import base64
import contextlib
import io
import itertools
import math
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from limner.errors import ConfigError, DataError, MissingExtraError, ShapeError
from limner.files import at_home, open_regular, reason
from limner.optional import optional
from limner.provenance import Facts

Frame = NDArray[np.uint8]
Waveform = NDArray[np.float32]
Samples = NDArray[np.int16]
INT16_SCALE = 32_767
"""What stands for 1 in 16 bits."""

MAX_BYTES = 4 << 30  # of a video or an audio file
EXTRA = "video"
VIDEO_SUFFIXES = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg")
AUDIO_SUFFIXES = (".wav", ".flac", ".mp3", ".m4a", ".aac", ".ogg", ".opus")
MIN_FPS, MAX_FPS = 1.0, 120.0
MIN_SAMPLE_RATE_HZ, MAX_SAMPLE_RATE_HZ = 8_000, 192_000
MAX_SIDE_PX = 8_192
MAX_SECONDS = 3_600.0
"""Longer recordings are not read whole."""

_AUDIO_BIT_RATE = 128_000
_SAME_BYTES = {"mbtree": "0", "threads": "1"}
"""Of x264, so that equal frames give equal files: where the processor has AVX-512, its macroblock tree (core 165) reads
memory that it never wrote, and how it shares work among threads goes by the number of processors."""
_BLOCK_SECONDS = 1.0
_MISSING_SECONDS = 0.25
"""By which a recording must end before its head says to count as cut off; encoders round and pad by less."""
_CANCELLED = 1e-3  # energy of the channels' average beside theirs: where less is left, they have opposite phase
_UNKNOWN_LENGTH = 0x7F00_0000
"""From here on, lengths in the head of a WAV or AVI file are those of programs that did not know it, as of pipes."""


class Media(Protocol):
    """One thing that was made."""

    suffix: ClassVar[str]
    """Of its file."""

    def write(self, path: Path, facts: Facts) -> None:
        """Write the file, which says of itself what `facts` say."""

    def still(self) -> Image.Image:
        """A picture that stands for it."""

    def to_html(self) -> str:
        """An element that shows it, without any other file."""


@dataclass(frozen=True, eq=False)
class Picture:
    """An RGB picture; its file is a PNG."""

    image: Image.Image
    suffix: ClassVar[str] = ".png"

    def write(self, path: Path, facts: Facts) -> None:
        """See `Media`."""
        self.image.save(at_home(path), format="PNG", pnginfo=facts.png_info())

    def still(self) -> Image.Image:
        """See `Media`."""
        return self.image

    def to_bytes(self) -> bytes:
        """A PNG without metadata."""
        buffer = io.BytesIO()
        self.image.save(buffer, format="PNG")
        return buffer.getvalue()

    def to_html(self) -> str:
        """See `Media`."""
        data = base64.b64encode(self.to_bytes()).decode()
        return f'<img src="data:image/png;base64,{data}" width="{self.image.width}" height="{self.image.height}">'


@dataclass(frozen=True, eq=False)
class Clip:
    """A video, with sound or without; its file is an MP4 (extra `video`).

    Attributes:
        frames: (frames, height, width, 3) uint8 RGB.
        frames_per_second: from 1 to 120.
        waveform: (samples,) float32 in [-1, 1]; none: no sound.
        sample_rate_hz: of the waveform.
    """

    frames: Frame
    frames_per_second: float
    waveform: Waveform | None = None
    sample_rate_hz: int = 16_000
    suffix: ClassVar[str] = ".mp4"

    def write(self, path: Path, facts: Facts) -> None:
        """See `Media`.

        Raises:
            ConfigError, ShapeError, DataError, MissingExtraError: as `write_video`.
        """
        write_video(
            path,
            self.frames,
            frames_per_second=self.frames_per_second,
            waveform=self.waveform,
            sample_rate_hz=self.sample_rate_hz,
            comment=facts.comment(),
        )

    def still(self) -> Image.Image:
        """The middle frame."""
        return Image.fromarray(self.frames[len(self.frames) // 2])

    def to_html(self) -> str:
        """See `Media`; the middle frame where no video can be written."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "clip.mp4"
            try:
                self.write(path, Facts({}))
            except MissingExtraError:
                return Picture(self.still()).to_html()
            data = base64.b64encode(path.read_bytes()).decode()
        height, width = self.frames.shape[1:3]
        return f'<video controls loop src="data:video/mp4;base64,{data}" width="{width}" height="{height}"></video>'


@dataclass(frozen=True)
class MediaInfo:
    """What the head of a video or audio file says.

    Attributes:
        size: height and width of the frames in pixels; none: there is no picture.
        frames_per_second: of the picture; none: there is none, or the file does not say.
        sample_rate_hz: of the sound; none: there is none.
        seconds: how long it is; none: the file does not say.
    """

    size: tuple[int, int] | None
    frames_per_second: float | None
    sample_rate_hz: int | None
    seconds: float | None


def read_info(path: str | Path) -> MediaInfo:
    """What is in a video or audio file, without decoding it.

    Raises:
        DataError: if the file is missing or no recording.
        MissingExtraError: if the package `av` is not installed.
    """
    with _opened(path) as container:
        video = container.streams.video[0] if container.streams.video else None
        audio = container.streams.audio[0] if container.streams.audio else None
        rate = None if video is None else video.average_rate or video.guessed_rate
        return MediaInfo(
            size=None if video is None else (int(video.height), int(video.width)),
            frames_per_second=None if rate is None else float(rate),
            sample_rate_hz=None if audio is None else int(audio.sample_rate),
            seconds=None if container.duration is None else float(container.duration) / 1e6,
        )


def read_frames(path: str | Path, *, frames_per_second: float | None = None) -> Iterator[Frame]:
    """The frames of a video in order, one in memory at a time.

    Args:
        path: of the video.
        frames_per_second: give frames at this rate, each the last one shown at its time; none: all frames as they are.

    Raises:
        ConfigError: if the rate is out of range.
        DataError: if the file is missing, damaged, cut off, no video, or has frames larger than `MAX_SIDE_PX`.
        MissingExtraError: if the package `av` is not installed.
    """
    if frames_per_second is not None:
        _check_rate(frames_per_second)
    with _opened(path) as container:
        if not container.streams.video:
            raise DataError(f"{path} has no picture; give a video.")
        stream = container.streams.video[0]
        if max(stream.height, stream.width) > MAX_SIDE_PX:
            raise DataError(f"{path} is {stream.width}x{stream.height}; a side must be at most {MAX_SIDE_PX} pixels.")
        stream.thread_type = "AUTO"
        shown = _shown(path, container, stream)
        first = next(shown, None)
        if first is None:
            raise DataError(f"{path} has no frame; it is empty or cut off.")
        timed = itertools.chain([first], shown)
        if frames_per_second is None:
            yield from (pixels for _, pixels in timed)
        else:
            rate = float(stream.average_rate or stream.guessed_rate or frames_per_second)
            yield from _at_rate(timed, frames_per_second, last_for=1 / rate)


def _shown(path: str | Path, container: Any, stream: Any) -> Iterator[tuple[float, Frame]]:
    """Frames and the times in seconds from which they are shown; refused at the end if some are missing."""
    rate = stream.average_rate or stream.guessed_rate
    end = 0.0
    for frame in container.decode(stream):
        lasts = frame.duration * frame.time_base if frame.duration else 1 / rate if rate else 0
        end = max(end, float((frame.time or 0) + lasts))
        yield float(frame.time or 0), frame.to_ndarray(format="rgb24")
    if end:
        _refuse_cut_off(path, container, stream, end)


def _at_rate(timed: Iterable[tuple[float, Frame]], frames_per_second: float, *, last_for: float) -> Iterator[Frame]:
    """Frames that are shown from a time in seconds on, as they are at the moments of another rate."""
    number, held, start = 0, None, 0.0
    for start, pixels in timed:
        while held is not None and number / frames_per_second < start - 1e-6:
            yield held
            number += 1
        held = pixels
    while held is not None and number / frames_per_second < start + last_for - 1e-6:
        yield held
        number += 1


def read_waveform(path: str | Path, *, sample_rate_hz: int = 16_000, max_seconds: float = MAX_SECONDS) -> Waveform:
    """The sound of an audio or video file (WAV, FLAC, MP3, MP4, …) as float32 (samples,) at one rate.

    Several channels are averaged.

    Raises:
        ConfigError: if the rate is out of range.
        DataError: if the file is missing, damaged, cut off, has no sound, has channels that cancel each other out, or
            is longer than `max_seconds`.
        MissingExtraError: if the package `av` is not installed.
    """
    blocks, samples = [], 0
    for block in read_audio(path, sample_rate_hz=sample_rate_hz):
        blocks.append(block)
        samples += len(block)
        if samples > max_seconds * sample_rate_hz:
            raise DataError(f"{path} is longer than {max_seconds:g} seconds; cut it.")
    return np.concatenate(blocks)


def read_audio(path: str | Path, *, sample_rate_hz: int = 16_000) -> Iterator[Waveform]:
    """The same in blocks of about a second, one in memory at a time.

    Raises:
        ConfigError, DataError, MissingExtraError: as `read_waveform`.
    """
    _check_sample_rate(sample_rate_hz)
    av = optional("av", extra=EXTRA)
    with _opened(path) as container:
        if not container.streams.audio:
            raise DataError(f"{path} has no sound; give an audio file, or a video with sound.")
        resampler = av.AudioResampler(format="fltp", rate=sample_rate_hz)  # FFmpeg would add channels up
        waiting: list[Waveform] = []
        empty = True

        def block() -> Waveform:
            found = np.concatenate(waiting)
            if not np.isfinite(found).all():
                raise DataError(f"{path} holds samples that are no numbers (NaN or infinite): it is damaged.")
            return found

        end, of_channels, of_mean = 0.0, 0.0, 0.0  # the latter two: energies
        for frame in itertools.chain(container.decode(audio=0), [None]):
            if frame is not None:
                end = (end if frame.time is None else frame.time) + frame.samples / frame.sample_rate
            for part in resampler.resample(frame):
                channels = part.to_ndarray()
                mean = channels.mean(axis=0, dtype=np.float32)
                of_channels += float(np.square(channels, dtype=np.float64).sum() / len(channels))
                of_mean += float(np.square(mean, dtype=np.float64).sum())
                waiting.append(mean)
            if sum(map(len, waiting)) >= _BLOCK_SECONDS * sample_rate_hz:
                empty = False
                yield block()
                waiting = []
        if waiting and sum(map(len, waiting)):
            empty = False
            yield block()
        if empty:
            raise DataError(f"{path} holds no sound; it is empty or cut off.")
        if of_mean < _CANCELLED * of_channels:
            raise DataError(
                f"The channels of {path} cancel each other out (they have opposite phase), so that their average is "
                "silent; give one channel alone."
            )
        _refuse_cut_off(path, container, container.streams.audio[0], end)


def write_video(
    path: str | Path,
    frames: Iterable[Frame],
    *,
    frames_per_second: float,
    waveform: Waveform | Samples | None = None,
    sample_rate_hz: int = 16_000,
    comment: str = "",
) -> None:
    """Write an MP4: H.264 (yuv420p), with AAC sound if there is any. Frames are taken one by one.

    The same frames, sound and comment give the same bytes with one version of FFmpeg on one kind of processor.

    Args:
        path: of the file.
        frames: (height, width, 3) uint8, all of one size; odd sides lose their last row or column, as H.264 wants
            even ones.
        frames_per_second: from 1 to 120.
        waveform: (samples,) float32 in [-1, 1], or int16, `INT16_SCALE` for 1; none: no sound.
        sample_rate_hz: of the waveform.
        comment: the file's metadata; see `limner.provenance.Facts`.

    Raises:
        ConfigError: if a rate is out of range.
        ShapeError: if there is no frame, or frames or waveform have another shape or type.
        DataError: if the file cannot be written.
        MissingExtraError: if the package `av` is not installed.
    """
    _check_rate(frames_per_second)
    av = optional("av", extra=EXTRA)
    remaining = iter(frames)
    first = next(remaining, None)
    if first is None:
        raise ShapeError("A video needs at least one frame.")
    height, width = (side - side % 2 for side in _checked_frame(first, None).shape[:2])
    try:
        with av.open(str(at_home(path)), "w", format="mp4") as container:
            container.metadata["comment"] = comment
            stream = container.add_stream("libx264", rate=Fraction(frames_per_second).limit_denominator(1001))
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            stream.options = {"crf": "18", **_SAME_BYTES}
            sound = None if waveform is None else _Sound(av, container, waveform, sample_rate_hz)
            for number, frame in enumerate(itertools.chain([first], remaining), 1):
                pixels = np.ascontiguousarray(_checked_frame(frame, first)[:height, :width])
                container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
                if sound is not None:
                    sound.write_until(number / frames_per_second)
            container.mux(stream.encode())
            if sound is not None:
                sound.finish()
    except av.error.FFmpegError as error:
        raise DataError(f"The video {path} cannot be written: {reason(error)}.") from error


class _Sound:
    """The sound of a video, written in step with its frames so that neither waits in memory for the other."""

    _BLOCK = 1024  # samples of an AAC frame

    def __init__(self, av: Any, container: Any, waveform: Waveform | Samples, sample_rate_hz: int) -> None:
        _check_sample_rate(sample_rate_hz)
        is_sound = waveform.ndim == 1 and (waveform.dtype.kind == "f" or waveform.dtype == np.int16)
        starts = range(0, len(waveform), MAX_SAMPLE_RATE_HZ) if is_sound else ()
        # In parts, here and below: the whole may be an hour, of which copies would take hundreds of megabytes.
        if not is_sound or not all(np.isfinite(waveform[one : one + MAX_SAMPLE_RATE_HZ]).all() for one in starts):
            raise ShapeError(
                f"The waveform is {waveform.dtype} {waveform.shape}; it must be finite float32 (samples,), or int16."
            )
        self.av, self.container, self.rate, self.done = av, container, sample_rate_hz, 0
        self.waveform, self.full_scale = waveform, np.float32(INT16_SCALE if waveform.dtype == np.int16 else 1)
        self.stream = container.add_stream("aac", rate=sample_rate_hz, layout="mono")
        self.stream.bit_rate = _AUDIO_BIT_RATE

    def write_until(self, seconds: float) -> None:
        """Encode what is heard before this time."""
        while self.done < min(len(self.waveform), seconds * self.rate):
            block = self.waveform[None, self.done : self.done + self._BLOCK].astype(np.float32) / self.full_scale
            frame = self.av.AudioFrame.from_ndarray(np.clip(block, -1, 1), format="fltp", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = self.rate, self.done, Fraction(1, self.rate)
            self.done += block.shape[1]
            self.container.mux(self.stream.encode(frame))

    def finish(self) -> None:
        """Encode the rest."""
        self.write_until(math.inf)
        self.container.mux(self.stream.encode())


@contextlib.contextmanager
def _opened(path: str | Path) -> Iterator[Any]:
    """A container; damage that is found while it is read becomes a DataError."""
    av = optional("av", extra=EXTRA)
    place = at_home(path)
    if not place.is_file():
        kind = "is missing" if not place.exists() else "is not a file"
        raise DataError(f"{path} {kind}: give a video or an audio file.")
    if place.stat().st_size > MAX_BYTES:
        raise DataError(f"{path} has more than {MAX_BYTES >> 30} GB, too much for a video or an audio file here.")
    try:
        with av.open(str(place), metadata_errors="replace") as container:
            yield container
    except (av.error.FFmpegError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is no video or audio that can be read, or it is damaged: {reason(error)}.") from error


def _refuse_cut_off(path: str | Path, container: Any, stream: Any, end: float) -> None:
    """Refuse a recording whose head says that it goes on after `end`, in seconds, where nothing could be read."""
    promised = _promised_end(at_home(path), container, stream, end)
    if promised - end > _MISSING_SECONDS:
        raise DataError(
            f"{path} is cut off: its head promises about {promised:.1f} s, but it ends after {end:.1f} s. Copy or "
            "download it again, or save what there is as a new file."
        )


def _promised_end(path: Path, container: Any, stream: Any, end: float) -> float:
    """The time at which a stream ends as its file's head says; `end` where it does not say, or only FFmpeg guesses."""
    kind = container.format.name
    if kind in ("wav", "avi"):  # FFmpeg corrects these lengths by that of the file
        return end * max(1.0, _promised_bytes(path) / path.stat().st_size)
    if kind.startswith("mov") or (kind == "mp3" and _counts_frames(path)):
        starts = stream.start_time or 0
        return end if stream.duration is None else float((starts + stream.duration) * stream.time_base)
    if kind.startswith("matroska"):  # of one stream among several only a tag says it, such as 00:00:02.064000000
        hours, _, rest = stream.metadata.get("DURATION", "").partition(":")
        minutes, _, seconds = rest.partition(":")
        with contextlib.suppress(ValueError):
            return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
        if len(container.streams) == 1 and container.duration is not None:
            return float(container.duration) / 1e6
    return end


def _promised_bytes(path: Path) -> int:
    """The length of a WAV or AVI file by the lengths of its chunks; that of the file where they do not say."""
    place, size = 12, path.stat().st_size
    with open_regular(path) as file:
        if file.read(4) != b"RIFF":
            return size
        while place + 8 <= size:
            file.seek(place)
            name, length = file.read(4), int.from_bytes(file.read(4), "little")
            if not 0 < length < _UNKNOWN_LENGTH:  # 0: of a recording that was never closed
                return size
            place += 8 + length
            if place > size or name == b"data":
                return max(place, size)
            place += length % 2
    return size


def _counts_frames(path: Path) -> bool:
    """Whether an MP3 says how many frames it has; where it does not, its length is guessed from its first ones."""
    with open_regular(path) as file:
        head = file.read(1 << 16)
    return b"Xing" in head or b"Info" in head


def _checked_frame(frame: Frame, first: Frame | None) -> Frame:
    if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8 or min(frame.shape[:2]) < 2:
        raise ShapeError(f"A frame is {frame.dtype} {frame.shape}; it must be uint8 (height, width, 3), sides from 2.")
    if first is not None and frame.shape != first.shape:
        raise ShapeError(f"A frame has shape {frame.shape}, but the first one {first.shape}; all must be of one size.")
    return frame


def _check_rate(frames_per_second: float) -> None:
    if not MIN_FPS <= frames_per_second <= MAX_FPS:
        raise ConfigError(
            f"{frames_per_second:g} frames a second are not possible; the rate must be from {MIN_FPS:g} to {MAX_FPS:g}."
        )


def _check_sample_rate(sample_rate_hz: int) -> None:
    if not MIN_SAMPLE_RATE_HZ <= sample_rate_hz <= MAX_SAMPLE_RATE_HZ:
        raise ConfigError(
            f"The sample rate is {sample_rate_hz} Hz; it must be from {MIN_SAMPLE_RATE_HZ} to {MAX_SAMPLE_RATE_HZ}."
        )
