"""People who speak: visemes, closed lips, blinks, the writer. Speech is sines with times, or espeak-ng where it is."""

from __future__ import annotations

import dataclasses
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from limner.data.collection import RECORDS
from limner.data.datasets.lrw import read_duration
from limner.data.manifest import open_manifest
from limner.errors import ConfigError, DataError, MissingExtraError
from limner.people import Speech, Talk, Timed, sample_person, speak
from limner.people.clip import Clip
from limner.people.speak import blinking, closed_lips, swaying, talking_scene
from limner.people.speech import RATE_HZ, Voice, resampled, synthesise, voice_of
from limner.people.visemes import VISEMES, closing, is_closure, mouth_actions, visemes_of
from limner.people.write.talking import (
    CLIPS_PER_PERSON,
    GRAMMAR,
    LRW_FRAMES,
    WORDS,
    Talking,
    sentence_code,
    write_talking,
)
from tests.training.runs import environment, struck

PHONEMES = ("'a", "p", "'u:", "m", "a", "b", "i:", "s", "aU", "_", "m")


def sine_speech(phonemes: tuple[str, ...] = PHONEMES, step: float = 0.07) -> Speech:
    """A tone, and phonemes that follow each other evenly: shorter than two frames each."""
    seconds = step * (len(phonemes) + 1)
    waveform = 0.3 * np.sin(2 * np.pi * 200 * np.arange(round(seconds * RATE_HZ)) / RATE_HZ)
    timed = tuple(Timed(name, step * (i + 0.5), step * (i + 1.5)) for i, name in enumerate(phonemes))
    return Speech(waveform.astype(np.float32), (Timed("word", timed[0].start, timed[-1].end),), timed)


@pytest.fixture(scope="module")
def talks() -> list[Talk]:
    """Two people at 128 pixels, the size of the bound on closed lips."""
    return [speak(sample_person(2, i), "", np.random.default_rng(i), size=128, speech=sine_speech()) for i in (0, 3)]


def test_lips_touch_on_every_p_b_and_m(talks):
    for talk in talks:
        closed = [phoneme for phoneme in talk.phonemes if is_closure(phoneme)]
        assert len(closed) == 4
        for phoneme in closed:
            frame = int(np.abs((np.arange(len(talk.frames)) + 0.5) / 25 - phoneme.middle).argmin())
            upper, lower = talk.landmarks68[frame, [62, 66]]
            assert np.linalg.norm(upper - lower) < 0.5, (phoneme, talk.mouth_opening)
        assert talk.mouth_opening.max() > 3, "and open between"


def test_the_background_stays(talks):
    for talk in talks:
        corner = talk.frames[:, :6, :6].astype(int)  # above the shoulders, beside the head
        assert np.abs(np.diff(corner, axis=0)).mean() <= 0.5
        assert np.abs(np.diff(talk.frames.astype(int), axis=0)).mean() > 0.2, "the rest moves"


def test_sound_and_frames_are_as_long_as_each_other(talks):
    for talk in talks:
        assert len(talk.waveform) == 640 * len(talk.frames) and talk.waveform.dtype == np.float32
        assert talk.landmarks68.shape == (len(talk.frames), 68, 2) and len(talk.frame_phonemes) == len(talk.frames)
        assert "m" in talk.frame_phonemes and "" in talk.frame_phonemes


def test_the_same_seed_gives_the_same_clip():
    speech = sine_speech(("a", "m"))
    one, same, other = (
        speak(sample_person(2, 1), "", np.random.default_rng(seed), size=32, speech=speech) for seed in (5, 5, 6)
    )
    assert one.frames.tobytes() == same.frames.tobytes() != other.frames.tobytes()


def test_every_face_can_close_its_lips():
    for index in range(8):
        person, scene = sample_person(1, index), talking_scene(index)
        clip = Clip(person, scene, 16)
        frame = clip.frame(dataclasses.replace(scene, actions=closed_lips(person, scene)))
        upper, lower = frame.landmarks68[[62, 66]]
        assert np.linalg.norm(upper - lower) * 128 / 16 < 0.5


def test_phonemes_have_visemes():
    assert visemes_of("'aI") == ("ah", "ee") and visemes_of("@L") == ("eh", "t") and visemes_of("_:") == ("rest",)
    assert visemes_of("i@3") == ("ee", "eh") and visemes_of("t#") == ("t",) and visemes_of("tS") == ("sh",)
    assert visemes_of("AY1", "arpabet") == ("ah", "ee") and visemes_of("T", "arpabet") == ("t",) != visemes_of("T")
    with pytest.raises(DataError, match='no phoneme "QQ" in the alphabet arpabet'):
        visemes_of("QQ", "arpabet")


def test_coarticulation_mixes_neighbours_but_not_closures():
    speech = sine_speech(("a", "u:", "p", "a"), step=0.12)
    times = (np.arange(15) + 0.5) / 25
    frames = mouth_actions(speech, times.tolist(), {"mouthPressLeft": 0.1, "mouthPressRight": 0.1})
    jaw = np.array([frame.get("jawOpen", 0.0) for frame in frames])
    assert (jaw[1:] != jaw[:-1]).mean() > 0.7 and 0 < jaw[0] < jaw.max() <= VISEMES["ah"]["jawOpen"]
    shut = closing(speech, times.tolist())
    nearest = int(np.abs(times - speech.phonemes[2].middle).argmin())
    assert shut[nearest] == 1 and frames[nearest] == {"mouthPressLeft": 0.1, "mouthPressRight": 0.1}
    pucker = [frame.get("mouthPucker", 0.0) for frame in frames]
    before = int(np.abs(times - speech.phonemes[0].middle).argmin())
    assert pucker[before] > 0.01, "the vowel is rounded ahead of its neighbour"


def test_blinks_and_head():
    times = np.arange(25 * 600) / 25
    lids = blinking(times, np.random.default_rng(0))
    starts = np.flatnonzero((lids[1:] > 0) & (lids[:-1] == 0))
    assert 0.2 <= len(starts) / 600 <= 0.3 and lids.max() == 1 and (lids > 0).mean() < 0.1
    sway = swaying(times, np.random.default_rng(1))
    turns = np.stack([sway[name] for name in ("head_pitch", "head_roll", "head_yaw")], axis=1)
    assert 0.5 < np.degrees(np.linalg.norm(turns, axis=1)).max() <= 3
    assert np.degrees(np.abs(np.diff(turns, axis=0))).max() < 0.5, "from frame to frame"


def test_speech_can_be_cut():
    cut = sine_speech().cut(-0.1, 0.4)
    assert len(cut.waveform) == 6400 and (cut.waveform[:1600] == 0).all() and np.abs(cut.waveform[1700:]).max() > 0.2
    assert cut.phonemes[0].start == pytest.approx(0.135) and all(p.start < 0.4 for p in cut.phonemes)


def test_resampling_keeps_a_tone(monkeypatch):
    tone = np.sin(2 * np.pi * 440 * np.arange(22050) / 22050).astype(np.float32)
    expected = np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    found = resampled(tone, 22050)
    assert len(found) == 16000 and np.abs(found - expected)[100:-100].max() < 0.01
    high = np.sin(2 * np.pi * 10_000 * np.arange(22050) / 22050).astype(np.float32)
    assert np.abs(resampled(high, 22050)[100:-100]).max() < 0.1, "above the new Nyquist frequency"
    monkeypatch.setattr("limner.people.speech._BLOCK", 999)
    assert np.array_equal(resampled(tone, 22050), found), "in blocks"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: Speech(np.zeros((2, 3), np.float32), (), ()), "one row of finite floating-point numbers"),
        (lambda: Speech(np.zeros(3, np.float32), (), (), "ipa"), 'is "ipa", but must be espeak or arpabet'),
        (lambda: Speech(np.zeros(3, np.float32), (), (Timed("a", 1.0, 0.5),)), "before it begins"),
        (lambda: synthesise("  ", Voice("en", 140, 50, 50)), "no text to say"),
        (
            lambda: speak(
                sample_person(0, 0), "", np.random.default_rng(0), speech=Speech(np.zeros(0, np.float32), (), ())
            ),
            "no sound in the speech",
        ),
    ],
)
def test_wrong_speech_is_refused(wrong, message):
    with pytest.raises(ConfigError, match=message):
        wrong()


def test_without_espeak_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "espeakng_loader", None)
    with pytest.raises(MissingExtraError, match=r"limner\[speech\]"):
        speak(sample_person(0, 0), "hello", np.random.default_rng(0))
    with pytest.raises(MissingExtraError, match=r"limner\[speech\]"):
        write_talking(tmp_path / "out", num=1, size=64)
    assert not (tmp_path / "out").exists()


def test_sentences_of_one_person_differ():
    codes = [sentence_code(3, index) for index in range(3 * CLIPS_PER_PERSON)]
    assert len(set(codes)) == len(codes)
    assert all(letter in choices for code in codes for letter, choices in zip(code, GRAMMAR, strict=True))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layout": "lrv"}, 'Did you mean "lrw"'),
        ({"size": 65}, "even number"),
        ({"num": 0}, "num is 0"),
        ({"words": ["Window"]}, '"Window" is no word that can be filmed'),
        ({"words": []}, "at least one"),
        ({"words": ["window", "window"]}, "none twice"),
        ({"words": ["evening"]}, '"evening" is said by "we heard {} in the evening"'),
        ({"words": ["window"], "layout": "grid"}, "words are of the layout lrw"),
        ({"carriers": ["no place"]}, "{} once among them"),
        ({"carriers": []}, "no sentence"),
        ({"carriers": ["a {} now"], "layout": "grid"}, "carriers are of the layout lrw"),
    ],
)
def test_wrong_arguments_write_nothing(tmp_path, arguments, message):
    with pytest.raises(ConfigError, match=message):
        write_talking(tmp_path / "out", **{"num": 1, "size": 64} | arguments)
    assert not (tmp_path / "out").exists()


# --- with espeak-ng


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def espeak():
    pytest.importorskip("espeakng_loader")


def test_a_text_sounds_the_same_every_time(espeak):
    voice = voice_of(sample_person(0, 0))
    one, other = (synthesise("bin blue at F two now", voice) for _ in range(2))
    assert np.array_equal(one.waveform, other.waveform) and np.abs(one.waveform).max() > 0.05
    assert [word.text for word in one.words] == ["bin", "blue", "at", "F", "two", "now"]
    assert all(first.end <= second.start for first, second in zip(one.words, one.words[1:], strict=False))
    assert one.phonemes[-1].end <= one.seconds and is_closure(one.phonemes[0])
    assert len({voice_of(sample_person(0, index)) for index in range(12)}) == 12


@pytest.mark.parametrize("variant", ["f2", "f3", "f5"])
def test_a_breathy_voice_sounds_the_same_in_another_second(espeak, variant):
    """Their breath is noise, which the library seeds by the seconds of the clock."""
    voice = dataclasses.replace(voice_of(sample_person(0, 0)), name=f"en-us+{variant}")
    one = synthesise("because", voice).waveform
    second = int(time.time())
    while int(time.time()) == second:
        time.sleep(0.01)
    assert np.array_equal(one, synthesise("because", voice).waveform)


def test_a_voice_is_known_by_its_name_or_its_language(espeak):
    """The examples of `--help` among them: en-gb is the language of a voice of another name."""
    lengths = {}
    for name in ("en-us", "en-gb", "en-gb+f3", "de"):
        speech = synthesise("hello my friend", Voice(name, 145, 50, 50))
        assert speech.phonemes[0].text == "h" and np.abs(speech.waveform).max() > 0.05
        lengths[name] = len(speech.waveform)
    assert len(set(lengths.values())) == 4


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("en-gbb", 'Did you mean "en-gb"?'),
        ("", 'has no voice ""'),
        ("klingon\x1b+f3", "has no voice"),
        ("en-us+nosuch", 'no variant "nosuch"'),
        ("en-us+../../voices", "no variant"),
    ],
)
def test_voices_that_are_not_there_are_refused_in_one_sentence(espeak, name, words):
    with pytest.raises(DataError) as caught:
        synthesise("hello", Voice(name, 145, 50, 50))
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_a_text_that_takes_too_long_is_refused_before_all_of_it_is_said(espeak, monkeypatch):
    monkeypatch.setattr("limner.people.speech.MAX_SECONDS", 6.0)
    with pytest.raises(ConfigError, match=r"has 200 words and takes more than 0\.1 minutes to say; say it in parts"):
        synthesise("hello " * 200, Voice("en-us", 145, 50, 50))
    assert 0.5 < synthesise("hello my friend", Voice("en-us", 145, 50, 50)).seconds < 6


@pytest.fixture(scope="module")
def made(tmp_path_factory, espeak) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("talking")
    for layout, num in (("lrw", 2), ("grid", 1)):
        write_talking(root / layout, num=num, size=64, seed=4, layout=layout)
    return {"lrw": root / "lrw", "grid": root / "grid"}


def test_clips_are_read_as_those_of_the_real_sets(made):
    for layout, length in (("lrw", LRW_FRAMES), ("grid", 75)):
        manifest = open_manifest(made[layout])
        assert manifest.kind == layout and not manifest.problems
        for record in map(json.loads, (made[layout] / RECORDS).read_text().splitlines()):
            video = next(name for name in record["files"] if name.endswith(".mp4"))
            labels = json.loads((made[layout] / next(n for n in record["files"] if n.endswith(".json"))).read_text())
            assert len(labels["frames"]) == length and (made[layout] / video).stat().st_size > 3000
            assert len(labels["frames"][0]["landmarks"]) == 136 and labels["size"] == 64
        marks = manifest.marks(manifest.rows[0].name)
        assert marks.words and all(
            0 <= word.start_seconds < word.end_seconds <= length / 25 + 1e-6 for word in marks.words
        )


def test_the_word_of_a_clip_is_in_its_middle(made):
    for path in made["lrw"].rglob("*.txt"):
        labels = json.loads(path.with_suffix(".json").read_text())
        word = path.parts[-3].lower()
        start, end = next((start, end) for text, start, end in labels["words"] if text == word)
        assert word in WORDS and (start + end) / 2 == pytest.approx(0.58, abs=1e-3)
        assert read_duration(path) == pytest.approx(end - start, abs=2e-3)


def test_a_stopped_run_goes_on_to_the_same_bytes(made, killed_while_writing, tmp_path):
    """As a kill leaves it: one clip is cut off, another's line is half written."""
    tmp_path = tmp_path / "lrw"
    shutil.copytree(made["lrw"], tmp_path)
    whole = contents(tmp_path)
    video = next(tmp_path.rglob("*.mp4"))
    untouched = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.mp4") if path != video}
    video.write_bytes(video.read_bytes()[:1000])
    killed_while_writing(video)
    write_talking(tmp_path, num=2, size=64, seed=4)
    assert contents(tmp_path) == whole
    assert {path: path.stat().st_mtime_ns for path in untouched} == untouched, "what is whole is kept"
    with pytest.raises(ConfigError, match="layout = lrw, not grid"):
        write_talking(tmp_path, num=2, size=64, seed=4, layout="grid")


def test_a_word_that_runs_into_its_neighbours_is_refused_before_anything_is_written(espeak, tmp_path):
    with pytest.raises(ConfigError, match=r'runs "the" in "in the house" together .*--words.*--carriers'):
        write_talking(tmp_path / "out", num=1, size=64, words=["the"], carriers=["in {} house"])
    assert not (tmp_path / "out").exists()


def test_words_that_are_not_the_usual_ones(espeak, tmp_path):
    own = {"words": ["window"], "carriers": ["his big {} was blue"]}
    write_talking(tmp_path, num=1, size=64, seed=4, **own)
    (text,) = tmp_path.rglob("*.txt")
    assert text.parts[-3] == "WINDOW" and " WINDOW " in text.read_text() and "BIG" in text.read_text()
    assert open_manifest(tmp_path).rows[0].category == "WINDOW"
    with pytest.raises(ConfigError, match="words = "):
        write_talking(tmp_path, num=1, size=64, seed=4, words=["garden"], carriers=own["carriers"])
    assert "words" not in Talking(4, 64, "lrw").settings(), "folders on record go on"


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_bytes(espeak, tmp_path):
    words = [sys.executable, "-m", "limner", "data", "make", "people-talking", "--num", "3", "--size", "64"]
    words += ["--seed", "4", "--out", str(tmp_path / "killed")]
    done = subprocess.run(struck(words, RECORDS, blow=signal.SIGKILL, number=3), env=environment(), timeout=1800)
    assert done.returncode == -signal.SIGKILL
    assert len((tmp_path / "killed" / RECORDS).read_text().splitlines()) == 1
    for folder in ("killed", "whole"):
        write_talking(tmp_path / folder, num=3, size=64, seed=4)
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")


def test_people_are_split_not_clips(espeak):
    talking = Talking(4, 64, "lrw")
    splits = [talking._split(index) for index in range(20 * CLIPS_PER_PERSON)]
    for first in range(0, len(splits), CLIPS_PER_PERSON):
        assert len(set(splits[first : first + CLIPS_PER_PERSON])) == 1
        assert len({talking.person(first + number).identity for number in range(CLIPS_PER_PERSON)}) == 1
    assert len(set(splits)) > 1
