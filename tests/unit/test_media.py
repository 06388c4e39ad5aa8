"""Video and audio, in and out."""

from __future__ import annotations

import itertools
import json
import os
import struct
import tracemalloc
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from limner import media, provenance
from limner.errors import ConfigError, DataError, ShapeError

av = pytest.importorskip("av")
RATE = 16_000


def frame(number: int, *, height: int = 32, width: int = 48) -> np.ndarray:
    """Grey that grows brighter by ten a frame."""
    return np.full((height, width, 3), 10 * number, np.uint8)


def sine(seconds: float, hz: float, rate: int) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate).astype(np.float32)


def write_wav(path: Path, channels: list[np.ndarray], rate: int) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(channels))
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.stack(channels, axis=1) * 32767).astype("<i2").tobytes())
    return path


def write_floats(path: Path, samples: np.ndarray) -> Path:
    """A WAV file of 32-bit floating-point samples, of which those of a broken program may be no numbers."""
    data = samples.astype("<f4").tobytes()
    head = struct.pack("<IHHIIHH", 16, 3, 1, RATE, 4 * RATE, 4, 32)
    path.write_bytes(
        b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt " + head + b"data" + struct.pack("<I", len(data)) + data
    )
    return path


def loudest_hz(waveform: np.ndarray, rate: int) -> float:
    return float(np.abs(np.fft.rfft(waveform)).argmax() * rate / len(waveform))


def test_a_clip_comes_back_with_its_frames_its_sound_and_its_provenance(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    note = provenance.Facts({"system": "toy"}, from_photo=True).comment()
    frames = [frame(number) for number in range(25)]
    media.write_video(
        path, frames, frames_per_second=25, waveform=sine(1.0, 440, RATE), sample_rate_hz=RATE, comment=note
    )
    info = media.read_info(path)
    assert info.size == (32, 48) and info.frames_per_second == 25 and info.sample_rate_hz == RATE
    assert info.seconds == pytest.approx(1.0, abs=0.1)  # AAC starts with some silence
    found = list(media.read_frames(path))
    # H.264 with crf 18 changes flat grey by a level or two; the next frame is ten away.
    assert len(found) == 25 and all(abs(int(one.mean()) - 10 * number) <= 3 for number, one in enumerate(found))
    heard = media.read_waveform(path, sample_rate_hz=RATE)
    assert loudest_hz(heard, RATE) == pytest.approx(440, abs=3)
    with av.open(str(path)) as container:
        facts = json.loads(container.metadata["comment"])
    assert facts["system"] == "toy" and facts["digital_source_type"] == provenance.IPTC_COMPOSITE
    assert facts["statement"] == provenance.EDITED_MEDIA


def turning(width: int, height: int, num: int = 25) -> list[np.ndarray]:
    """A rough surface that moves by whole pixels, so that the encoder looks back and forth for it."""
    surface = np.cumsum(np.cumsum(np.random.default_rng(0).normal(size=(height, width, 3)), axis=0), axis=1)
    surface = 255 * (surface - surface.min()) / np.ptp(surface)
    return [np.roll(surface, (number, number // 2), (0, 1)).astype(np.uint8) for number in range(num)]


@pytest.mark.parametrize(("width", "height"), [(44, 64), (186, 192)])
def test_the_same_frames_and_sound_give_the_same_bytes(tmp_path: Path, width: int, height: int) -> None:
    # x264's macroblock tree made about every second file of the narrow frames another one, on processors with AVX-512.
    frames, rng, found = turning(width, height), np.random.default_rng(1), set()
    for _ in range(12):
        used = [np.full(rng.integers(500, 60_000), rng.integers(256), np.uint8) for _ in range(5)]
        del used  # memory that is given back holds what was in it
        path = tmp_path / "clip.mp4"
        media.write_video(path, frames, frames_per_second=12.5, waveform=sine(2.0, 440, RATE))
        found.add(path.read_bytes())
    assert len(found) == 1
    options = next(iter(found)).partition(b"options: ")[2]
    assert b" mbtree=0 " in options and b" threads=1 " in options  # on processors that do not show it, too


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system gives a process no processors")
def test_the_bytes_do_not_go_by_the_number_of_processors(tmp_path: Path) -> None:
    if len(mine := os.sched_getaffinity(0)) < 2:
        pytest.skip("there is one processor")
    frames, written = turning(128, 128), []
    try:
        for processors in (mine, {min(mine)}):
            os.sched_setaffinity(0, processors)
            media.write_video(tmp_path / "clip.mp4", frames, frames_per_second=25)
            written.append((tmp_path / "clip.mp4").read_bytes())
    finally:
        os.sched_setaffinity(0, mine)
    assert written[0] == written[1]


def test_frames_are_taken_and_given_one_by_one(tmp_path: Path) -> None:
    taken = 0

    def frames() -> Iterator[np.ndarray]:
        nonlocal taken
        for number in itertools.count():
            taken += 1
            if number == 40:
                return
            yield frame(number % 20)

    path = tmp_path / "clip.mp4"
    media.write_video(path, frames(), frames_per_second=10)
    assert taken == 41
    first = list(itertools.islice(media.read_frames(path), 2))
    assert [round(int(one.mean()) / 10) for one in first] == [0, 1]
    assert media.read_info(path).sample_rate_hz is None


def test_frames_at_another_rate(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    media.write_video(path, [frame(number) for number in range(20)], frames_per_second=20)
    half = [round(int(one.mean()) / 10) for one in media.read_frames(path, frames_per_second=10)]
    assert half == [0, 2, 4, 6, 8, 10, 12, 14, 16, 18]
    double = [round(int(one.mean()) / 10) for one in media.read_frames(path, frames_per_second=40)]
    assert double == [number // 2 for number in range(40)]


def test_odd_sides_lose_one_pixel(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    media.write_video(path, [frame(3, height=33, width=49)] * 2, frames_per_second=5)
    assert media.read_info(path).size == (32, 48)


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".mp3"])
def test_sound_of_any_kind_becomes_one_channel_at_one_rate(tmp_path: Path, suffix: str) -> None:
    left, right = sine(1.0, 300, 44_100), sine(1.0, 300, 44_100)
    path = write_wav(tmp_path / "stereo.wav", [left, right], 44_100)
    if suffix != ".wav":
        source, path = path, tmp_path / f"stereo{suffix}"
        with av.open(str(source)) as given, av.open(str(path), "w") as made:
            stream = made.add_stream({".flac": "flac", ".mp3": "mp3"}[suffix], rate=44_100)
            for part in itertools.chain(given.decode(audio=0), [None]):
                made.mux(stream.encode(part))
    waveform = media.read_waveform(path, sample_rate_hz=RATE)
    assert waveform.dtype == np.float32 and waveform.ndim == 1
    assert abs(len(waveform) - RATE) < 0.1 * RATE  # MP3 pads its ends
    assert loudest_hz(waveform, RATE) == pytest.approx(300, abs=3)
    assert 0.4 < np.abs(waveform).max() < 0.6
    assert np.array_equal(np.concatenate(list(media.read_audio(path, sample_rate_hz=RATE))), waveform)


def test_channels_are_averaged(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "one.wav", [sine(0.5, 300, RATE), np.zeros(RATE // 2, np.float32)], RATE)
    assert np.abs(media.read_waveform(path)).max() == pytest.approx(0.25, abs=0.02)


@pytest.mark.parametrize(("other", "refused"), [(-1.0, True), (-0.99, True), (-0.8, False), (0.0, False), (1.0, False)])
def test_channels_that_cancel_each_other_out_are_refused(tmp_path: Path, other: float, refused: bool) -> None:
    """Their average is silence, and a mouth would not move; true silence and other balances are fine."""
    sound = sine(1.5, 300, RATE)
    path = write_wav(tmp_path / "two.wav", [sound, other * sound], RATE)
    silence = write_wav(tmp_path / "silence.wav", [np.zeros(RATE, np.float32)] * 2, RATE)
    assert not media.read_waveform(silence).any()
    if refused:
        with pytest.raises(DataError, match=r"two\.wav cancel each other out .* give one channel alone"):
            media.read_waveform(path)
    else:
        assert np.abs(media.read_waveform(path)).max() > 0.04


def test_what_is_no_recording_is_refused_in_a_sentence(tmp_path: Path) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("no video")
    silent = tmp_path / "silent.mp4"
    media.write_video(silent, [frame(1)], frames_per_second=5)
    sound = write_wav(tmp_path / "sound.wav", [sine(0.2, 300, RATE)], RATE)
    with pytest.raises(DataError, match=r"no\.mp4 is missing"):
        media.read_info(tmp_path / "no.mp4")
    with pytest.raises(DataError, match="is not a file"):
        media.read_info(tmp_path)
    with pytest.raises(DataError, match="is no video or audio that can be read") as caught:
        media.read_info(text)
    assert "Errno" not in str(caught.value)
    for value in (np.nan, np.inf):
        with pytest.raises(DataError, match="samples that are no numbers"):
            media.read_waveform(write_floats(tmp_path / "floats.wav", np.full(RATE // 4, value)))
    with pytest.raises(DataError, match="has no sound"):
        media.read_waveform(silent)
    with pytest.raises(DataError, match="has no picture"):
        next(media.read_frames(sound))
    with pytest.raises(DataError, match=r"longer than 0\.1 seconds"):
        media.read_waveform(sound, max_seconds=0.1)
    with pytest.raises(ConfigError, match="44 Hz"):
        media.read_waveform(sound, sample_rate_hz=44)
    with pytest.raises(ConfigError, match="the rate must be from 1 to 120"):
        media.write_video(tmp_path / "x.mp4", [frame(0)], frames_per_second=0)
    with pytest.raises(ShapeError, match="at least one frame"):
        media.write_video(tmp_path / "x.mp4", [], frames_per_second=5)
    with pytest.raises(ShapeError, match="all must be of one size"):
        media.write_video(tmp_path / "x.mp4", [frame(0), frame(0, height=16)], frames_per_second=5)
    with pytest.raises(ShapeError, match="The waveform is float32"):
        media.write_video(
            tmp_path / "x.mp4", [frame(0)], frames_per_second=5, waveform=np.array([np.nan], dtype=np.float32)
        )


def test_an_endless_file_is_refused_before_it_is_read(tmp_path):
    with open(tmp_path / "clip.png", "wb") as file:
        file.truncate(media.MAX_BYTES + 1)
    with pytest.raises(DataError, match="more than 4 GB"):
        media.read_info(tmp_path / "clip.png")


def test_sound_of_16_bits_is_written_as_it_is_without_a_copy_of_the_whole(tmp_path):
    seconds = np.arange(60 * 16_000) / 16_000
    samples = (32_767 * 0.5 * np.sin(2 * np.pi * 220 * seconds)).astype(np.int16)
    frames = [np.full((16, 16, 3), 90, np.uint8)] * 2
    floating = samples.astype(np.float32) / np.float32(media.INT16_SCALE)
    media.write_video(tmp_path / "float.mp4", frames, frames_per_second=25, waveform=floating)
    tracemalloc.start()
    try:
        media.write_video(tmp_path / "int.mp4", frames, frames_per_second=25, waveform=samples)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (tmp_path / "int.mp4").read_bytes() == (tmp_path / "float.mp4").read_bytes()
    assert peak < samples.nbytes, "of an hour it would be hundreds of megabytes"
    with pytest.raises(ShapeError, match="or int16"):
        media.write_video(tmp_path / "no.mp4", frames, frames_per_second=25, waveform=samples.astype(np.int32))


def encoded(path: Path, codec: str, *, seconds: float = 2.0, **options: str) -> Path:
    """A sine as a program that knows its length writes it."""
    samples = (sine(seconds, 440, RATE) * 32767).astype(np.int16)
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream(codec, rate=RATE, layout="mono")
        for start in range(0, len(samples), 1024):
            block = av.AudioFrame.from_ndarray(samples[None, start : start + 1024], format="s16", layout="mono")
            block.sample_rate, block.pts = RATE, start
            container.mux(stream.encode(block))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.wav", "pcm_s16le"), ("a.avi", "pcm_s16le"), ("a.mka", "pcm_s16le"), ("a.mov", "pcm_s16le"), ("a.mp3", "mp3")],
)
def test_sound_that_ends_before_its_head_says_is_refused(tmp_path: Path, name: str, codec: str) -> None:
    options = {"movflags": "faststart"} if name.endswith("mov") else {}  # else the head is at the end, and cut off
    whole = encoded(tmp_path / name, codec, **options)
    assert len(media.read_waveform(whole)) / RATE == pytest.approx(2.0, abs=0.1)
    cut = tmp_path / f"cut-{name}"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(DataError, match=r"cut-a\.\w+ is cut off: its head promises about [12]\.\d s, .* after [01]\."):
        media.read_waveform(cut)


@pytest.mark.parametrize("length", [0, 0x7FFFF000, 0xFFFFFFFF])
def test_sound_of_a_program_that_did_not_know_its_length_is_read(tmp_path: Path, length: int) -> None:
    whole = write_wav(tmp_path / "piped.wav", [sine(1.0, 440, RATE)], RATE)
    content = bytearray(whole.read_bytes())
    content[4:8] = content[40:44] = struct.pack("<I", length)
    whole.write_bytes(content)
    assert len(media.read_waveform(whole)) == RATE


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi"])
def test_a_video_that_ends_before_its_head_says_is_refused(tmp_path: Path, name: str) -> None:
    whole = tmp_path / name
    with av.open(str(whole), "w", options={"movflags": "faststart"} if name == "a.mp4" else {}) as container:
        stream = container.add_stream("mjpeg" if name == "a.avi" else "libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuvj420p" if name == "a.avi" else "yuv420p"
        for picture in turning(48, 32, num=50):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    assert len(list(media.read_frames(whole))) == 50
    content = whole.read_bytes()
    refused = r"cut\.\w+ (is cut off: its head promises about [12]\.\d s, .* after [01]\.|is no video .*damaged)"
    for share in (0.4, 0.6, 0.8):
        cut = tmp_path / f"cut{whole.suffix}"
        cut.write_bytes(content[: int(len(content) * share)])
        with pytest.raises(DataError, match=refused):
            list(media.read_frames(cut))
