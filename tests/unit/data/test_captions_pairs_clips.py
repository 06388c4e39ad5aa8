"""Batches of captions and clips, and wrong pairs that are never true: on data drawn by code."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from limner.data.captioned import CaptionDataset, collate_captions
from limner.data.captions import Vocabulary
from limner.data.dataset import SampleDataset
from limner.data.manifest import Row, open_manifest
from limner.data.pairs import identity_pairs, listed_pairs, mismatched
from limner.data.sampler import SampleKey
from limner.data.spoken import ClipDataset, collate_clips
from limner.errors import ConfigError, DataError
from tests.captioned_shapes import write_captioned_shapes
from tests.sine_speech import SENTENCES, write_sine_speech, write_sine_words
from tests.stick_people import write_stick_people


@pytest.fixture(scope="module")
def shapes(tmp_path_factory) -> Path:
    return write_captioned_shapes(tmp_path_factory.mktemp("shapes"))


@pytest.fixture(scope="module")
def speech(tmp_path_factory) -> Path:
    pytest.importorskip("av")
    return write_sine_speech(tmp_path_factory.mktemp("speech"))


def captions(root: Path, **options) -> CaptionDataset:
    manifest = open_manifest(root, needs=("captions",)).split("train")
    return CaptionDataset(SampleDataset(manifest, fields=("image", "captions"), size=16, seed=2), **options)


def test_pictures_with_captions(shapes):
    dataset = captions(shapes, length=12)
    batch = collate_captions([dataset[0], dataset[1]])
    assert batch.image.shape == (2, 3, 16, 16) and batch.image.abs().max() <= 1
    assert batch.words.shape == (2, 12) and batch.num_words.tolist() == [5, 5]
    words = dataset.vocabulary.decode(batch.words[0].tolist())
    assert " ".join(words) == dataset[0].caption == open_manifest(shapes).marks("shape0000").captions[0]
    assert (batch.words[0, 5:] == 0).all() and batch.category.tolist() == batch.index.tolist() == [0, 1]
    seen = {dataset[SampleKey(0, position)].caption for position in range(12)}
    assert seen == set(open_manifest(shapes).marks("shape0000").captions)


def test_the_caption_of_a_sample_needs_no_picture(shapes, tmp_path):
    dataset = captions(shapes, length=4)
    keys: list[int | SampleKey] = [0, 3, *(SampleKey(1, position) for position in range(6))]
    expected = [(sample.number, sample.caption) for sample in (dataset[key] for key in keys)]
    assert len(set(expected[2:])) == 2  # both captions are drawn
    without = shutil.copytree(shapes, tmp_path / "without")
    blind = captions(without, length=4)
    shutil.rmtree(without / "images")
    assert [blind.caption(key) for key in keys] == expected
    with pytest.raises(DataError):
        blind[0]


def test_long_captions_keep_random_words_in_order(shapes):
    dataset = captions(shapes, length=4)
    ids = {text: dataset.vocabulary.encode(text).ids for text in open_manifest(shapes).marks("shape0000").captions}
    cuts = set()
    for position in range(12):
        sample = dataset[SampleKey(0, position)]
        places, start = [], 0
        for word in sample.words.tolist():
            start = ids[sample.caption].index(word, start) + 1  # each word after the one before
            places.append(start)
        assert sample.num_words == 4
        cuts.add(tuple(places))
    assert len(cuts) > 4


def test_captions_that_cannot_be_read(shapes):
    manifest = open_manifest(shapes, needs=("captions",))
    with pytest.raises(ConfigError, match='"image" and "captions"'):
        CaptionDataset(SampleDataset(manifest, fields=("image",), size=16), length=5)
    with pytest.raises(ConfigError, match="at least 1"):
        captions(shapes, length=0)
    with pytest.raises(DataError, match="no caption with a word of the vocabulary"):
        captions(shapes, length=5, vocabulary=Vocabulary.of(["bird"]))[0]


def test_wrong_pairs_are_never_true():
    labels = [0, 0, 1, 2, 2, 2]
    for seed in range(30):
        found = mismatched(labels, np.random.default_rng(seed), is_true=lambda a, b: (a, b) == (0, 2))
        assert all(labels[other] != labels[index] for index, other in enumerate(found.tolist()))
        assert found[0] != 2
    chosen = {tuple(mismatched(labels, np.random.default_rng(seed)).tolist()) for seed in range(30)}
    assert len(chosen) > 10
    assert mismatched([7, 7], np.random.default_rng(0)).tolist() == [-1, -1]
    assert mismatched(["a", "b"], np.random.default_rng(0), is_true=lambda a, b: a == 0).tolist() == [-1, 0]


def test_pairs_of_one_person(tmp_path):
    rows = [Row(str(index), identity=person) for index, person in enumerate("abab") if True] + [Row("x"), Row("y")]
    assert identity_pairs(rows) == [(0, 2), (2, 0), (1, 3), (3, 1)]
    root = write_stick_people(tmp_path)
    whole = open_manifest(root, needs=("keypoints", "pairs"))  # one person's pictures make pairs without a list
    assert listed_pairs(whole) == []
    manifest = whole.split("train")
    first, second = identity_pairs(manifest.rows)[0]
    a, b = (Path(manifest.rows[index].image).name for index in (first, second))
    (root / "fashion-resize-pairs-train.csv").write_text(f"from,to\n{b},{a}\n")
    assert listed_pairs(open_manifest(root, needs=("pairs",)).split("train")) == [
        identity_pairs(manifest.rows)[0][::-1]
    ]
    assert listed_pairs(open_manifest(root).split("test")) == []


def test_cuts_of_clips(speech):
    manifest = open_manifest(speech, needs=("video", "audio")).split("train")
    dataset = ClipDataset(manifest, size=24, num_frames=6, seed=1)
    batch = collate_clips([dataset[0], dataset[4]])
    assert batch.photo.shape == (2, 3, 24, 24) and batch.frames.shape == (2, 6, 3, 24, 24)
    assert batch.speech.shape == (2, 6, 28, 12) and batch.frames.abs().max() <= 1
    assert batch.identity.tolist() == [0, 1] and batch.category.tolist() == [-1, -1]
    first, again = dataset[SampleKey(1, 9)], dataset[SampleKey(1, 9)]
    assert np.array_equal(first.frames, again.frames) and np.array_equal(first.speech, again.speech)
    starts = {dataset[SampleKey(1, position)].speech.tobytes() for position in range(12)}
    assert len(starts) > 3
    without = ClipDataset(manifest, size=24, num_frames=6, seed=1, cache_bytes=0)
    assert np.array_equal(without[SampleKey(1, 9)].frames, first.frames)


def test_the_mouth_follows_the_tone(speech):
    """Frames and windows of one cut belong together: the mouth is open where its window is loud."""
    manifest = open_manifest(speech, needs=("video", "audio"))
    clip = manifest.reader.read_clip(manifest.rows[0])
    dark = (clip.frames[:, 18:27, 11:21].astype(float).sum(axis=3) < 330).mean(axis=(1, 2))
    level = [np.abs(part).mean() for part in np.array_split(clip.waveform, len(clip.frames))]
    assert np.corrcoef(dark, level)[0, 1] > 0.8


def test_clips_that_cannot_be_cut(speech, shapes):
    manifest = open_manifest(speech, needs=("video", "audio"))
    with pytest.raises(DataError, match="fewer than 41 frames"):
        ClipDataset(manifest, size=16, num_frames=40)[0]
    with pytest.raises(DataError, match=r"caption-folder.* has no clips"):
        ClipDataset(open_manifest(shapes), size=16, num_frames=2)
    with pytest.raises(ConfigError, match="at least 1"):
        ClipDataset(manifest, size=16, num_frames=0)


def test_batches_can_be_cut_and_moved(shapes):
    dataset = captions(shapes, length=5)
    batch = collate_captions([dataset[index] for index in range(4)])
    parts = batch.chunk(2)
    assert len(batch) == 4 and [len(part) for part in parts] == [2, 2]
    assert torch.equal(torch.cat([part.words for part in parts]), batch.words)


def test_landmarks_of_made_clips_move_with_the_frames(tmp_path):
    pytest.importorskip("av")
    root = write_sine_speech(tmp_path, speakers=1)
    manifest = open_manifest(root, needs=("video", "audio"))
    assert np.isnan(ClipDataset(manifest, size=16, num_frames=4)[0].landmarks).all()
    points = np.arange(136.0)[None] + np.arange(15)[:, None]
    frames = [{"landmarks": row.tolist(), "mouth_opening": 0.5, "phoneme": "a"} for row in points]
    (root / "s1/labels").mkdir()
    path = root / f"s1/labels/{SENTENCES[0]}.json"
    path.write_text(json.dumps({"frames": frames}))
    dataset = ClipDataset(manifest, size=16, num_frames=4)
    sample = dataset[0]
    assert sample.landmarks.shape == (5, 68, 2) == collate_clips([sample]).landmarks.shape[1:]
    start = (15 - 4 - 1) // 2
    assert sample.landmarks[0, 0].tolist() == [(start + 0.5) / 2 - 0.5, (start + 1.5) / 2 - 0.5]  # 32 px to 16 px
    path.write_text(json.dumps({"frames": [{"landmarks": [1, 2]}]}))
    with pytest.raises(DataError, match="68 landmarks, a mouth opening and a phoneme a frame"):
        ClipDataset(manifest, size=16, num_frames=4)[0]


def test_speakers_of_made_clips_are_known(tmp_path):
    for number in (1, 2):
        path = tmp_path / f"lipread_mp4/ABOUT/train/ABOUT_0000{number}.mp4"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
        path.with_suffix(".txt").write_text("Duration: 0.5 seconds\n")
    (tmp_path / "records.jsonl").write_text('{"name": "ABOUT_00001", "identity": "4-0"}\n')
    manifest = open_manifest(tmp_path, needs=("identity",))
    assert [row.identity for row in manifest.rows] == ["4-0", ""]
    (tmp_path / "records.jsonl").write_text("{\n")
    with pytest.raises(DataError, match="damaged in line 1"):
        open_manifest(tmp_path)


def test_drawn_words_have_speakers_and_landmarks_that_open_with_the_mouth(tmp_path):
    """The fixture of the contract tests: what a system of speech learns from is there."""
    pytest.importorskip("av")
    root = write_sine_words(tmp_path / "words", num=(2, 1, 1))
    manifest = open_manifest(root, needs=("video", "audio", "captions", "identity"), asked_by="a system of speech")
    assert manifest.kind == "lrw" and manifest.split_sizes() == {"train": 4, "val": 2, "test": 2}
    dataset = ClipDataset(manifest.split("train"), size=32, num_frames=12)
    batch = collate_clips([dataset[index] for index in range(4)])
    assert sorted(batch.category.tolist()) == [0, 0, 1, 1] and sorted(batch.identity.tolist()) == [0, 0, 1, 1]
    opening = (batch.landmarks[:, :, 66] - batch.landmarks[:, :, 62]).norm(dim=2)
    reader = manifest.reader.frame_labels(manifest.rows[0])
    assert opening.max() > 4 and opening.min() < 3 and len(reader.mouth_opening) == 29
