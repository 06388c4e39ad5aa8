"""Photo and speech to video: any sound, any length, whole photos, views, and what is refused."""

from __future__ import annotations

import copy
import json
import logging
import tracemalloc
import wave
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from limner import media
from limner.cli.main import main
from limner.errors import ConfigError, DataError, MissingExtraError, ShapeError
from limner.people.gallery import ready
from limner.plan import GenerationPlan
from limner.talking_faces.data import mean_shape
from limner.talking_faces.pipeline import CHUNK
from limner.talking_faces.sound import read_sound, said

pytest.importorskip("av")


def write_wav(path: Path, samples: np.ndarray, rate: int) -> Path:
    """(n,) or (n, channels) in [-1, 1] as 16-bit PCM."""
    table = samples[:, None] if samples.ndim == 1 else samples
    with wave.open(str(path), "wb") as file:
        file.setnchannels(table.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.clip(table, -1, 1) * 32767).astype("<i2").tobytes())
    return path


def all_frames(speaker, plan: GenerationPlan, row: int = 0) -> np.ndarray:
    return np.stack(list(speaker.render(plan).media[row].draw()))


def test_a_video_has_the_length_and_the_sound_of_the_speech(speaker, face, speech, tmp_path):
    (path,) = speaker(face, speech).save(tmp_path)
    info = media.read_info(path)
    assert info.size == (64, 64) and info.frames_per_second == 25 and info.sample_rate_hz == 16_000
    assert len(list(media.read_frames(path))) == 50 and abs(info.seconds - 2.0) <= 0.04 + 1024 / 16_000
    heard = media.read_waveform(path)[: len(speech)]
    assert np.corrcoef(heard, speech[: len(heard)])[0, 1] > 0.95
    record = json.loads((tmp_path / "result.json").read_text())
    assert "Edited from a photo" in record["statement"]
    assert speaker.reproduce(tmp_path / "result.json").file_names() == ["talk.mp4"]


def test_chunks_join_to_the_frames_of_one_pass(speaker, face, speech):
    plan = speaker.plan(face, speech)
    frames = all_frames(speaker, plan)
    assert len(frames) == 50 > 2 * CHUNK
    from limner.data.audio import speech_windows
    from limner.talking_faces.data import landmark_maps
    from limner.talking_faces.sound import to_float

    points = torch.from_numpy(plan.conditions["landmarks"])
    photo = torch.from_numpy(plan.conditions["image"].copy()).permute(0, 3, 1, 2).float() / 127.5 - 1
    windows = torch.from_numpy(speech_windows(to_float(plan.conditions["samples"][0])))[None]
    with speaker.inference():
        maps = landmark_maps(points * 64 - 0.5, 64, usual=mean_shape())
        whole = speaker.generator(photo, maps, windows).fine.frame[0]
    pixels = ((whole.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
    assert abs(frames.astype(int) - pixels).max() <= 1, "only rounding may differ"
    assert frames.std(axis=0).max() > 0, "the speech moves something"


def test_memory_does_not_grow_with_the_length(speaker, face, speech):
    """Python's own memory while frames are drawn: longer by four times, the same peak but for the samples."""

    def peak(seconds: int) -> int:
        plan = speaker.plan(face, np.tile(speech, seconds // 2))
        clip = speaker.render(plan).media[0]
        tracemalloc.start()
        for _ in clip.draw():
            pass
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    short, long = peak(4), peak(16)
    assert long < short * 1.2 + 100_000


@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (44_100, 2), (16_000, 1), (48_000, 6)])
def test_sound_of_any_rate_and_channels(rate, channels, tmp_path):
    seconds = np.arange(rate) / rate
    tone = 0.4 * np.sin(2 * np.pi * 300 * seconds)
    path = write_wav(tmp_path / "tone.wav", np.repeat(tone[:, None], channels, axis=1), rate)
    sound = read_sound(path)
    assert sound.samples.dtype == np.int16 and abs(len(sound.samples) - 16_000) < 320
    middle = sound.samples[4_000:12_000] / 32767
    assert np.abs(np.fft.rfft(middle)).argmax() == 150  # 300 Hz in half a second
    assert 0.3 < np.abs(middle).max() < 0.5


@pytest.mark.parametrize("suffix", ["flac", "mp3", "mp4"])
def test_sound_of_any_kind_of_file(suffix, speech, tmp_path):
    import av

    path = tmp_path / f"speech.{suffix}"
    if suffix == "mp4":
        media.write_video(path, [np.zeros((16, 16, 3), np.uint8)] * 50, frames_per_second=25, waveform=speech)
    else:
        with av.open(str(path), "w") as container:
            stream = container.add_stream({"flac": "flac", "mp3": "libmp3lame"}[suffix], rate=16_000, layout="mono")
            frame = av.AudioFrame.from_ndarray((speech[None] * 32767).astype(np.int16), format="s16p", layout="mono")
            frame.sample_rate = 16_000
            for part in av.AudioResampler(format=stream.format, rate=16_000, layout="mono").resample(frame):
                container.mux(stream.encode(part))
            container.mux(stream.encode())
    samples = read_sound(path).samples / 32767
    assert abs(len(samples) - len(speech)) < 3_000
    spectrum = np.abs(np.fft.rfft(samples[:16_000]))
    assert abs(int(spectrum.argmax()) - 220) <= 4  # the tone, split by its coming and going


def test_sound_that_says_nothing(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        read_sound(write_wav(tmp_path / "silence.wav", np.zeros(16_000), 16_000))
        read_sound(write_wav(tmp_path / "loud.wav", np.clip(9 * np.sin(np.arange(16_000) / 20), -1, 1), 16_000))
    assert "silence.wav is silent" in caplog.text and "loud.wav is overdriven" in caplog.text


def test_sound_that_is_refused(tmp_path):
    (tmp_path / "empty.wav").write_bytes(b"")
    (tmp_path / "broken.mp3").write_bytes(b"ID3" + bytes(range(200)))
    media.write_video(tmp_path / "mute.mp4", [np.zeros((16, 16, 3), np.uint8)] * 3, frames_per_second=25)
    with pytest.raises(DataError, match="damaged"):
        read_sound(tmp_path / "empty.wav")
    with pytest.raises(DataError, match="damaged"):
        read_sound(tmp_path / "broken.mp3")
    with pytest.raises(DataError, match="has no sound"):
        read_sound(tmp_path / "mute.mp4")
    with pytest.raises(DataError, match=r"0.020 s long, shorter than a frame \(0.04 s\)"):
        read_sound(write_wav(tmp_path / "short.wav", np.full(320, 0.1), 16_000))
    with pytest.raises(DataError, match="longer than 60 minutes; cut it"):
        read_sound(write_wav(tmp_path / "hours.wav", np.zeros(8_000 * 3_602, np.int16), 8_000))
    with pytest.raises(ShapeError, match="finite floating-point samples"):
        read_sound(np.array([0.1, np.nan], np.float32))
    with pytest.raises(ShapeError, match="divide samples of 16 bits by 32767"):
        read_sound(np.zeros(16_000, np.int16))  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match="a tuple of unlike things; it must be a file"):
        read_sound((16_000, np.zeros(16_000)))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="--text is empty"):
        said(" ")


def test_a_text_is_said_where_espeak_is_installed():
    try:
        sound = said("good morning")
    except MissingExtraError as error:
        assert "limner[speech]" in str(error)
        return
    assert sound.name == "text" and 0.4 < len(sound.samples) / 16_000 < 4
    with pytest.raises(ConfigError, match=r'Nothing of --text "\.\.\." can be said'):
        said("...")
    with pytest.raises(ConfigError, match=r'Nothing of --text "\.{77}\.\.\." can be said'):
        said("." * 5_000)


def test_a_photo_is_cut_by_its_landmarks_and_put_back(speaker, speech):
    person = ready("face")[0]
    photo = np.full((300, 420, 3), 90, np.uint8)
    photo[60:188, 200:328] = person.image
    landmarks = person.landmarks + np.array([200, 60])
    plan = speaker.plan(photo, speech, landmarks=landmarks, paste_back=True)
    found = plan.conditions["landmarks"][0]
    eyes = (found[36:48].mean(axis=0), mean_shape().numpy()[36:48].mean(axis=0))
    assert np.abs(eyes[0] - eyes[1]).max() < 0.03 and plan.settings["landmarks"] == "measured"
    frame = next(iter(speaker.render(plan).media[0].draw()))
    assert frame.shape == photo.shape
    changed = np.abs(frame.astype(int) - photo).max(axis=2) > 0
    rows, columns = np.nonzero(changed)
    assert changed.any() and rows.min() >= 20 and columns.min() >= 160, "far from the face nothing changes"


def test_a_photo_that_is_too_large_for_a_video_is_shown_smaller(speaker, speech, caplog, monkeypatch):
    monkeypatch.setattr("limner.talking_faces.pipeline.MAX_SHOWN_SIDE", 105)
    person = ready("face")[0]
    photo = np.full((300, 420, 3), 90, np.uint8)
    photo[60:188, 200:328] = person.image
    given = {"landmarks": person.landmarks + np.array([200, 60]), "paste_back": True}
    with caplog.at_level(logging.WARNING):
        plan = speaker.plan(photo, speech, **given)
    assert "photo is 420x300; its video shows it at 105x75" in caplog.text
    frames = all_frames(speaker, plan)
    assert frames.shape[1:] == (75, 105, 3)
    rows, columns = np.nonzero(np.abs(frames.astype(int) - plan.conditions["photo"][0]).max(axis=(0, 3)) > 0)
    assert rows.min() >= 10 and rows.max() <= 52 and columns.min() >= 45 and columns.max() <= 87, "around the face"


def test_a_photo_without_known_landmarks_is_warned_of_or_refused(speaker, face, speech, caplog, monkeypatch):
    monkeypatch.setattr("limner.ageing.inputs._has_finder", lambda: False)
    with caplog.at_level(logging.WARNING):
        plan = speaker.plan(face, speech)
    assert "fill the square as in people-talking" in caplog.text and plan.settings["landmarks"] == "mean face"
    with pytest.raises(DataError, match="must be cut to its face"):
        speaker.plan(face[:, :100], speech)
    with pytest.raises(DataError, match="too small to see a face"):
        speaker.plan(face[:8, :8], speech)
    with pytest.raises(ShapeError, match="68 points"):
        speaker.plan(face, speech, landmarks=np.zeros((5, 2)))


def test_views(speaker, face, speech):
    plan = speaker.plan(face, speech[:6_400], show=["talk", "coarse", "both", "attention"])
    clips = speaker.render(plan).media
    shapes = [next(iter(clip.draw())).shape for clip in clips]
    assert shapes == [(64, 64, 3), (32, 32, 3), (64, 128, 3), (64, 384, 3)]
    fine, both = (next(iter(clips[row].draw())) for row in (0, 2))
    assert np.array_equal(both[:, 64:], fine)
    with pytest.raises(ConfigError, match=r'has no view "atention"; .*Did you mean "attention"'):
        speaker.plan(face, speech, show=["atention"])
    with pytest.raises(ConfigError, match="show is empty"):
        speaker.plan(face, speech, show=[])
    with pytest.raises(ConfigError, match='on the view "talk" alone'):
        speaker.plan(face, speech, show=["both"], paste_back=True)


def test_gain_moves_the_mouth_about_the_mean_of_the_whole_clip(speaker, face, speech):
    still = all_frames(speaker, speaker.plan(face, speech, gain=0.0))
    assert (still == still[:1]).all(), "without gain nothing moves, in all chunks"
    plain, wide = (all_frames(speaker, speaker.plan(face, speech, gain=gain)) for gain in (1.0, 3.0))
    assert wide.std(axis=0).mean() > plain.std(axis=0).mean() > 0
    with pytest.raises(ConfigError, match=r"gain \(--mouth-gain\) is 9"):
        speaker.plan(face, speech, gain=9)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"view": "tlak"}, 'has no view "tlak"'),
        ({"gain": float("nan")}, "is nan; it must be a number"),
        ({"image": np.zeros((32, 32, 3), np.uint8)}, r"image is uint8 of the shape \(32, 32, 3\)"),
        ({"landmarks": np.full((68, 2), np.nan, np.float32)}, "landmarks has a number that is not finite"),
        ({"samples": np.zeros((2, 640), np.int16)}, r"samples is int16 of the shape \(2, 640\)"),
    ],
)
def test_frames_are_refused_before_the_first_is_asked_for(speaker, face, speech, given, text):
    arrays = speaker.plan(face, speech).conditions
    usual = {name: arrays[name][0] for name in ("image", "landmarks", "samples")}
    with pytest.raises((ConfigError, ShapeError), match=text):
        speaker.frames(**{**usual, **given})


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda plan: plan.conditions.pop("samples"), "lacks the condition"),
        (lambda plan: plan.conditions.update(samples=np.zeros((1, 3), np.int16)), "shorter than a frame"),
        (lambda plan: plan.conditions.update(view=np.array([7])), "must lie in 0..3"),
        (lambda plan: plan.conditions.update(matrix=np.zeros((1, 2, 3))), 'one of "photo" and "matrix"'),
        (lambda plan: plan.settings.update(gain="much"), "gain is 'much'"),
    ],
)
def test_stored_plans_are_checked(speaker, face, speech, change, text):
    plan = speaker.plan(face, speech)
    change(plan)
    with pytest.raises((ConfigError, ShapeError), match=text):
        speaker.render(plan)


def test_a_folder_at_once_and_words_read_back(speaker, face, speech, tmp_path, capsys, caplog):
    from limner.data.captions import END, Vocabulary
    from limner.data.spec import DataSpec
    from limner.systems.wordnet.networks import WordNetwork
    from limner.systems.wordnet.pipeline import WordNetPipeline

    speaker.save_pretrained(tmp_path / "speaker")
    spec = DataSpec(vocabulary=Vocabulary((END, "about", "because")))
    reader = WordNetwork(num_words=2, width=4, mouth_size=16)
    WordNetPipeline(spec=spec, size=32, reader=reader).save_pretrained(tmp_path / "reader")
    for name in ("ann", "bob"):
        (tmp_path / "faces").mkdir(exist_ok=True)
        Image.fromarray(face).save(tmp_path / f"faces/{name}.png")
    write_wav(tmp_path / "hello.wav", speech[:9_600], 16_000)
    command = ["generate", "avwnet", "--weights", str(tmp_path / "speaker"), "--photo", str(tmp_path / "faces")]
    command += ["--audio", str(tmp_path / "hello.wav"), "--read-back", str(tmp_path / "reader")]
    assert main([*command, "--out", str(tmp_path / "out")]) == 0
    for name in ("ann", "bob"):
        folder = tmp_path / f"out/{name}-hello"
        assert (folder / "talk.mp4").is_file()
        read = json.loads((folder / "words.json").read_text())
        assert {one["word"] for one in read["words"]} == {"ABOUT", "BECAUSE"} and read["frames"] == 15
    assert main([*command, "--out", str(tmp_path / "out"), "--text", "hello"]) == 2
    assert "--audio has no effect with --text" in capsys.readouterr().err
    np.save(tmp_path / "face.npy", ready("face")[0].landmarks)
    assert main([*command, "--out", str(tmp_path / "two"), "--landmarks", str(tmp_path / "face.npy")]) == 0
    assert "is of one photo, but is taken for all 2" in caplog.text


def test_the_demo_lets_shipped_people_say_a_shipped_word(speaker, tmp_path):
    from limner.systems.avwnet.demo import MOMENTS, NUM_SPEAKERS, TILE, demo

    pictures = demo(tmp_path, speaker)
    assert [picture.name for picture in pictures] == ["talking", "attention"]
    assert pictures[0].image.width >= (MOMENTS + 1) * TILE and pictures[0].image.height >= (NUM_SPEAKERS + 1) * TILE
    videos = sorted(tmp_path.glob("*-says-it/talk.mp4"))
    assert len(videos) == NUM_SPEAKERS
    assert media.read_info(videos[0]).sample_rate_hz == 16_000 and 28 < len(list(media.read_frames(videos[0]))) < 31


def test_a_photo_that_shows_no_face_or_two_is_refused_without_dlib(speaker, face, speech, monkeypatch):
    monkeypatch.setattr("limner.ageing.inputs._has_finder", lambda: False)
    with pytest.raises(DataError, match="no single face"):
        speaker.plan(np.full((128, 128, 3), 90, np.uint8), speech)
    with pytest.raises(DataError, match="more than one face"):
        speaker.plan(np.concatenate([face[:, 32:96], ready("face")[1].image[:, 32:96]], axis=1), speech)
    landmarks = ready("face")[0].landmarks
    assert speaker.plan(np.full((128, 128, 3), 90, np.uint8), speech, landmarks=landmarks).settings["photo"] == "photo"


def test_evaluation_by_the_parents_protocol(speaker, tmp_path):
    """The same clips score otherwise at 256 pixels with uniform windows, and the names say so."""
    from limner.talking_faces.evaluation import evaluate
    from tests.sine_speech import write_sine_words

    words = write_sine_words(tmp_path / "words", num=(1, 1, 2))
    data = speaker.open_data(words)
    clean, parent = (evaluate(speaker, data, num_images=2, protocol=name) for name in ("clean", "parent"))
    for key, name in (("ssim", "SSIM (parent)"), ("psnr", "PSNR, dB (parent)")):
        assert parent.measurements[key].protocol.metric == name
        assert parent.measurements[key].value != clean.measurements[key].value
    assert parent.measurements["mouth_error"].value == clean.measurements["mouth_error"].value
    with pytest.raises(ConfigError, match="must be clean or parent"):
        evaluate(speaker, data, protocol="other")


def test_onnx_runtime_draws_all_parts_of_a_clip_by_two_files(speaker, face, speech, tmp_path, monkeypatch) -> None:
    """Also the last part, which is shorter than the others; frames are PyTorch's to a rounding."""
    for module in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(module)
    monkeypatch.setenv("LIMNER_CACHE", str(tmp_path))
    pipe = copy.copy(speaker)
    pipe.runtime, pipe._forwards = "onnx", {}
    plan = speaker.plan(face, speech[: 21 * 640], show=["talk", "attention"])
    found, expected = pipe.render(plan), speaker.render(plan)
    for one, other in zip(found.media, expected.media, strict=True):
        frames = [np.stack(list(clip.draw())).astype(int) for clip in (one, other)]
        assert len(frames[0]) == 21 and np.abs(frames[0] - frames[1]).max() <= 1
    assert "onnxruntime" in found.provenance and "onnxruntime" not in expected.provenance
    assert sorted(path.name.split("-")[0] for path in tmp_path.rglob("*.onnx")) == ["paint", "speech"]
