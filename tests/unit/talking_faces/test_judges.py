"""The lip reader and the judge of synchrony: pairs, changes of clips, verdicts, and that both learn."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from torch.nn import functional

import limner
from limner.cli.main import main
from limner.data.manifest import open_manifest
from limner.data.point_schema import IBUG_68
from limner.data.spoken import ClipDataset, collate_clips
from limner.errors import ConfigError, DataError
from limner.systems.syncnet.presets import smoke as sync_smoke
from limner.systems.syncnet.system import drawn_starts
from limner.systems.wordnet.presets import smoke as word_smoke
from limner.systems.wordnet.system import WordNet, change_clips
from limner.talking_faces.data import MOUTH, open_talking_data
from tests.sine_speech import write_sine_speech, write_sine_words

pytest.importorskip("av")


@pytest.fixture(scope="module")
def words(tmp_path_factory) -> Path:
    return write_sine_words(tmp_path_factory.mktemp("words"), num=(6, 2, 2))


def train(system: str, data: Path, run: Path, images: int, *options: str) -> None:
    command = ["train", system, "--preset", "smoke", "--data", str(data), "--out", str(run)]
    lengths = ["--train.images", str(images), "--train.checkpoint_every", str(images)]
    assert main([*command, *lengths, "--train.sample_every", "1000000", *options]) == 0


def test_a_mirrored_clip_has_its_landmarks_mirrored(words):
    dataset = ClipDataset(open_manifest(words, needs=("video", "audio")), size=32, num_frames=6)
    batch = collate_clips([dataset[0], dataset[1]])
    noise = torch.zeros(2, 6, 3, 32, 32)
    numbers = torch.tensor([[0.9, 0.5, 0.5, 0.0], [0.1, 0.5, 0.5, 0.0]])
    changed = change_clips(batch, numbers, noise, jitter=0.2, noise_deviation=0.05)
    assert torch.equal(changed.frames[0], batch.frames[0]) and torch.equal(changed.landmarks[0], batch.landmarks[0])
    assert torch.equal(changed.frames[1], batch.frames[1].flip(-1))
    left, right = (IBUG_68.index(name) for name in IBUG_68.flip_pairs[0])
    before, after = batch.landmarks[1, 0, right], changed.landmarks[1, 0, left]
    torch.testing.assert_close(after, torch.stack([31 - before[0], before[1]]))


def test_half_of_the_pairs_are_far_enough_apart():
    numbers = torch.rand(200, 4, 3, generator=torch.Generator().manual_seed(0))
    face, speech = drawn_starts(numbers, num_frames=14, min_shift=3)
    apart = (face - speech).abs()
    assert ((apart == 0) | (apart >= 3)).all() and 0.4 < (apart == 0).float().mean() < 0.6
    for starts in (face, speech):
        assert starts.min() == 0 and starts.max() == 9  # five frames fit


def test_pairs_need_room():
    config = sync_smoke()
    with pytest.raises(ConfigError, match=r"num_frames is 6; .* at least 7"):
        dataclasses.replace(config, dataset=dataclasses.replace(config.dataset, num_frames=6))


def test_sentences_are_no_words(tmp_path, words):
    grid = write_sine_speech(tmp_path, speakers=1)
    with pytest.raises(DataError, match="has 0 words; wordnet tells two or more apart"):
        open_talking_data(word_smoke(), grid, asked_by="wordnet", needs=("video", "audio", "captions"))


class SeesAndReads(nn.Module):
    """Finds the mouth's points as far away as it is told, and reads the right word or a wrong one."""

    def __init__(self, batch, *, away, reads):
        super().__init__()
        true = (batch.landmarks[:, 1:, MOUTH] + 0.5) / batch.frames.shape[-1]
        wanted = batch.category if reads else 1 - batch.category
        self.points, self.logits = true + away, functional.one_hot(wanted, 2)[:, None].float()

    def forward(self, frames, with_points):
        return self.logits.expand(-1, frames.shape[1], -1), self.points


@pytest.mark.parametrize("has_points", [True, False])
def test_the_best_reader_sees_the_mouth(words, has_points):
    """One that reads words by chance and sees nothing was kept in place of one that sees."""
    config = word_smoke()
    config = dataclasses.replace(config, model=dataclasses.replace(config.model, has_points=has_points))
    data = WordNet.open_data(config, words)
    batch = collate_clips([data.validation_set[0], data.validation_set[1]])
    system = WordNet(config, data.spec)
    metric, direction = WordNet.best_metric
    scores = {
        (away, reads): system.validate([batch], {"reader": SeesAndReads(batch, away=away, reads=reads)})
        for away in (0.01, 0.2)
        for reads in (True, False)
    }
    best = min(scores, key=lambda one: scores[one][metric])
    assert direction == "min" and scores[best]["accuracy"] == 1
    if has_points:
        assert scores[0.01, False][metric] < scores[0.2, True][metric], "who sees is better than who reads"
        assert scores[best]["point_error"] == pytest.approx(0.01 * 2**0.5, rel=1e-3)
    else:
        assert scores[0.01, False][metric] > scores[0.2, True][metric] and "point_error" not in scores[best]


def test_the_reader_learns_two_words(words, tmp_path, capsys):
    """Two rates of syllables: chance is a half."""
    run = tmp_path / "run"
    train(
        "wordnet", words, run, 720, "--optimizer.lr", "0.003", "--train.batch_size", "8", "--dataset.num_frames", "24"
    )
    scores = tmp_path / "scores.json"
    command = ["evaluate", "wordnet", "--weights", str(run), "--data", str(words), "--split", "train"]
    assert main([*command, "--json", str(scores)]) == 0
    found = json.loads(scores.read_text())["measurements"]
    assert found["accuracy"]["value"] >= 0.9 and found["opening_correlation"]["value"] > 0.8
    clip = next(words.rglob("train/ABOUT_00001.mp4"))
    verdict = limner.load(run, system="wordnet")(clip, top=2)
    assert {one["word"] for one in verdict["words"]} == {"ABOUT", "BECAUSE"} and verdict["frames"] == 29
    with pytest.raises(ConfigError, match="top is 3"):
        limner.load(run, system="wordnet")(clip, top=3)
    out = tmp_path / "out"
    generate = ["generate", "wordnet", "--weights", str(run), "--clip", str(clip), "--out", str(out)]
    assert main(generate) == 0 and json.loads((out / "ABOUT_00001.json").read_text())["frames"] == 29
    (out / "ABOUT_00001.json").write_text("{}")
    assert main(generate) == 1, "another file is not taken for the verdict"
    capsys.readouterr()


def test_the_demo_shows_what_the_reader_reads(words, tmp_path, monkeypatch, capsys):
    train("wordnet", words, tmp_path / "run", 8)
    limner.load(tmp_path / "run").save_pretrained(tmp_path / "weights/wordnet", default=True)
    monkeypatch.setenv("LIMNER_WEIGHTS", str(tmp_path / "weights"))
    capsys.readouterr()
    assert main(["demo", "wordnet", "--out", str(tmp_path / "demo"), "--json"]) == 0
    (sheet,) = json.loads(capsys.readouterr().out)["systems"]["wordnet"]["pictures"]
    assert Image.open(sheet["path"]).width > 300
    monkeypatch.chdir(tmp_path / "demo/wordnet")
    assert main(["generate", "wordnet", "--clip", "clips", "--out", "words"]) == 0
    assert sorted(one.stem for one in Path("words").glob("*.json")) == sorted(
        one.stem for one in Path("clips").iterdir()
    )
    capsys.readouterr()


def test_the_judge_of_synchrony_learns(words, tmp_path):
    """The loudness of a tone opens the mouth: speech half a period away does not fit."""
    run = tmp_path / "run"
    options = (
        "--optimizer.lr",
        "0.002",
        "--loss.windows",
        "4",
        "--dataset.num_frames",
        "24",
        "--train.batch_size",
        "8",
    )
    train("syncnet", words, run, 480, *options)
    judge = limner.load(run, system="syncnet")
    manifest = open_manifest(words, needs=("video", "audio"))
    dataset = ClipDataset(manifest.split("train"), size=32, num_frames=None, has_mel=True)
    near, far = [], []
    for index in range(6):
        clip = dataset[index]
        frames = torch.from_numpy(clip.frames[1:].copy()).permute(0, 3, 1, 2).float() / 127.5 - 1
        face, speech = judge.codes(frames, torch.from_numpy(clip.mel))
        near.append(float((face * speech).sum(dim=1).mean()))
        far.append(float((face * speech.roll(6, dims=0)).sum(dim=1).mean()))  # half of ABOUT's period of 12.5 frames
    assert np.mean(near) > np.mean(far) + 0.1
