"""AVWnet's losses by hand, its phases, and the lip reader inside its loss."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from limner.data.captions import END, Vocabulary
from limner.data.spec import DataSpec
from limner.engine.fabric import make_fabric
from limner.errors import ConfigError, WeightsError
from limner.systems.avwnet.losses import (
    dynamic_pixel_loss,
    landmark_error,
    mouth_change_error,
    mouth_motion_error,
    total_variation,
    wrong_speech,
)
from limner.systems.avwnet.presets import smoke
from limner.systems.avwnet.system import COARSE, FINE, SEQUENCE, AVWnet
from limner.systems.wordnet.networks import WordNetwork
from limner.systems.wordnet.pipeline import WordNetPipeline
from limner.talking_faces.training import mouth_mask
from tests.sine_speech import write_sine_words

pytest.importorskip("av")


@pytest.fixture(scope="module")
def words(tmp_path_factory) -> Path:
    return write_sine_words(tmp_path_factory.mktemp("words"), num=(2, 1, 1))


@pytest.fixture(scope="module")
def reader(tmp_path_factory) -> Path:
    spec = DataSpec(vocabulary=Vocabulary((END, "about", "because")))
    torch.manual_seed(0)
    network = WordNetwork(num_words=2, width=4, mouth_size=16)
    folder: Path = tmp_path_factory.mktemp("reader") / "weights"
    return WordNetPipeline(spec=spec, size=32, reader=network).save_pretrained(folder)


def changed(config, **sections):
    return dataclasses.replace(
        config, **{name: dataclasses.replace(getattr(config, name), **values) for name, values in sections.items()}
    )


def test_pixels_count_as_their_mask_is_open():
    true, found = torch.zeros(1, 1, 3, 8, 8), torch.ones(1, 1, 3, 8, 8)
    mask = torch.zeros(1, 1, 1, 8, 8)
    mask[..., :4, :] = 1
    mask.requires_grad_()
    found.requires_grad_()
    loss = dynamic_pixel_loss(found, true, mask, offset=0.5)
    assert float(loss.detach()) == 1.0  # half of the pixels count 1.5, half 0.5
    loss.backward()
    assert mask.grad is None and float(found.grad[0, 0, 0, 0, 0]) == pytest.approx(1.5 / 192)
    area = float(mouth_mask(8, true).mean())
    twice = dynamic_pixel_loss(found, true, torch.ones_like(mask), offset=0.0, weight_mouth=2.0)
    assert float(twice) == pytest.approx(1 + 2 * area)


def test_variation_counts_edges():
    mask = torch.zeros(2, 1, 1, 4, 4)
    mask[0, ..., :, 2:] = 1
    assert float(total_variation(mask)) == 2.0  # four steps in one mask of two


def test_wrong_speech_is_of_another_clip_or_another_time():
    speech = torch.arange(2 * 6, dtype=torch.float32).view(2, 6, 1)
    wrong = wrong_speech(speech, torch.tensor([True, False]))
    assert wrong[0, :, 0].tolist() == [3, 4, 5, 0, 1, 2] and torch.equal(wrong[1], speech[0])
    assert wrong_speech(speech[:1], torch.tensor([False]))[0, 0, 0] == 3


def test_unknown_landmarks_count_nothing():
    true = torch.full((1, 2, 68, 2), float("nan"))
    true[0, 0] = 31.5  # the middle of 64 pixels
    found = torch.zeros(1, 2, 136)
    assert float(landmark_error(found, true, 64)) == 0.0
    assert float(landmark_error(found + 1, true, 64)) == pytest.approx((48 + 20 * 10) / 68)
    assert float(landmark_error(found, torch.full_like(true, float("nan")), 64)) == 0.0


def step(config, words: Path):
    """One step; which networks it changed, and the engine."""
    data = AVWnet.open_data(config, words)
    system = AVWnet(config, data.spec)
    engine = system.engine(make_fabric(config.train))
    system.prepare(torch.device("cpu"))
    before = {name: [p.clone() for p in net.parameters()] for name, net in system.networks.items()}
    batch = data.collate([data.train_set[index] for index in range(config.train.batch_size)])
    engine.run_step(batch)
    moved = {
        name
        for name, net in system.networks.items()
        if any(not torch.equal(a, b) for a, b in zip(before[name], net.parameters(), strict=True))
    }
    return moved, engine, system


def test_phases(words):
    moved, _, _ = step(changed(smoke(), loss={"pixel_images": 8}), words)
    assert moved == {"generator"}
    moved, engine, _ = step(smoke(), words)
    assert moved == {"generator", COARSE, FINE, SEQUENCE}
    assert {"loss/pixel", "loss/fidelity", "loss/consistency", "loss/sequence", "mask/fine"} <= engine.averages().keys()


def test_the_reader_teaches_and_stays_as_it_is(words, reader):
    config = changed(smoke(), loss={"weight_word": 1.0, "reader": str(reader), "pixel_images": 8})
    _, engine, system = step(config, words)
    assert engine.averages()["loss/word"] > 0
    frozen = list(system.reader.parameters())
    assert frozen and all(not one.requires_grad and one.grad is None for one in frozen)
    late = changed(config, loss={"word_images": 100})
    assert "loss/word" not in step(late, words)[1].averages()


def test_without_a_reader_it_says_what_to_name(words, tmp_path):
    with pytest.raises(ConfigError, match=r"--loss.reader has no effect with --loss.weight_word 0; give that"):
        changed(smoke(), loss={"reader": "wordnet-people-64"})  # as `cpu`, it has no words
    with pytest.raises(ConfigError, match=r"--loss.reader is missing: name weights of wordnet"):
        step(changed(smoke(), loss={"weight_word": 1.0}), words)
    spec = DataSpec(vocabulary=Vocabulary((END, "about", "before")))
    network = WordNetwork(num_words=2, width=4, mouth_size=16)
    other = WordNetPipeline(spec=spec, size=32, reader=network).save_pretrained(tmp_path / "other")
    with pytest.raises(WeightsError, match=r"other words than these clips are of \(it lacks BECAUSE"):
        step(changed(smoke(), loss={"weight_word": 1.0, "reader": str(other)}), words)


def test_colours_can_be_taught_before_masks_open(words):
    moved, engine, _ = step(changed(smoke(), loss={"pixel_images": 8, "weight_color": 5.0}), words)
    assert moved == {"generator"} and engine.averages()["loss/color"] > 0


def test_motion_of_the_mouth_knows_no_place_no_size_and_no_speaker():
    """Points that lie elsewhere, in a larger face, of a wider mouth, but move the same, are no error."""
    random = torch.Generator().manual_seed(0)
    true = torch.rand(1, 5, 68, 2, generator=random) * 10
    true[:, :, 36:42], true[:, :, 42:48] = torch.tensor([0.0, 0.0]), torch.tensor([10.0, 0.0])
    motion = true[:, :, 48:] - true[:, :, 48:].mean(dim=2, keepdim=True)
    motion = (motion - motion.mean(dim=1, keepdim=True)) / 10 / 0.02
    other = torch.rand(1, 1, 20, 2, generator=random)
    assert float(mouth_motion_error(motion + other, true)) == pytest.approx(0, abs=1e-6)
    moved = 3 * true + 7
    assert float(mouth_motion_error(motion + other, moved)) == pytest.approx(0, abs=1e-6)
    assert float(mouth_motion_error(0 * motion, true)) == pytest.approx(float(motion.square().mean()), rel=1e-5)
    true[0] = float("nan")
    assert float(mouth_motion_error(motion, true)) == 0.0


def test_speech_learns_from_landmarks_without_the_pixels(words):
    """The motion alone moves speech and LSTM; without the head that tells it, it is refused."""
    silent = {
        "weight_pixel": 0.0,
        "weight_attention": 0.0,
        "weight_smooth": 0.0,
        "weight_motion": 1.0,
        "pixel_images": 8,
    }
    config = changed(smoke(), loss=silent, model={"tells_mouth": True})
    data = AVWnet.open_data(config, words)
    system = AVWnet(config, data.spec)
    engine = system.engine(make_fabric(config.train))
    before = {name: one.clone() for name, one in system.networks["generator"].named_parameters()}
    engine.run_step(data.collate([data.train_set[index] for index in range(2)]))
    assert engine.averages()["loss/motion"] > 0
    moved = {
        name.split(".")[0]
        for name, one in system.networks["generator"].named_parameters()
        if not torch.equal(before[name], one)
    }
    assert {"speech", "memory", "tell"} <= moved and "coarse" not in moved
    with pytest.raises(ConfigError, match=r"--model.tells_mouth true"):
        changed(smoke(), loss={"weight_motion": 1.0})


def test_some_frames_are_painted_while_pixels_are_learned(words):
    config = changed(smoke(), loss={"painted_frames": 2, "pixel_images": 8})
    moved, _, system = step(config, words)
    assert moved == {"generator"}
    generator = system.networks["generator"].eval()
    batch = AVWnet.open_data(config, words).train_set
    clips = AVWnet.open_data(config, words).collate([batch[0], batch[1]])
    draws = system.draws(clips, torch.zeros(2, dtype=torch.bool))
    with torch.no_grad():
        whole = generator(draws.photo, draws.maps, draws.windows)
        painted = torch.tensor([[0, 2], [1, 3]])
        part = generator(draws.photo, draws.maps, draws.windows, painted=painted)
    assert part.speech.shape[1] == 4 and part.fine.frame.shape[1] == 2, "all are heard"
    torch.testing.assert_close(part.fine.frame[1], whole.fine.frame[1, [1, 3]])


def test_changes_of_the_mouth_are_squared_about_their_mean():
    """A mouth painted too bright all the time changes rightly; outside of its box nothing counts."""
    true = torch.rand(1, 4, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    box = mouth_mask(16, true)
    assert float(mouth_change_error(true + 0.3, true)) == pytest.approx(0, abs=1e-9)
    wrong = true + (1 - box) * torch.rand(true.shape, generator=torch.Generator().manual_seed(1))
    assert float(mouth_change_error(wrong, true)) == pytest.approx(0, abs=1e-9)
    moved = true.clone()
    moved[:, :2] += 0.2  # half of the frames: 0.1 above their mean, the others 0.1 below it
    assert float(mouth_change_error(moved, true)) == pytest.approx(0.01, rel=1e-4)


def test_colours_begin_as_the_photo_and_every_new_term_reaches_them(words):
    config = changed(
        smoke(), loss={"pixel_images": 8, "weight_change": 10.0, "weight_color": 1.0}, model={"paints_change": True}
    )
    data = AVWnet.open_data(config, words)
    system = AVWnet(config, data.spec)
    clips = data.collate([data.train_set[0], data.train_set[1]])
    draws = system.draws(clips, torch.zeros(2, dtype=torch.bool))
    with torch.no_grad():
        made = system.networks["generator"](draws.photo, draws.maps, draws.windows)
    torch.testing.assert_close(made.fine.frame, draws.photo[:, None].expand_as(made.fine.frame), atol=0.011, rtol=0)
    assert float(made.fine.color.abs().max()) < 1
    moved, engine, system = step(config, words)
    assert moved == {"generator"} and engine.averages()["loss/change"] > 0
    assert float(system.networks["generator"].fine.color.weight.detach().abs().max()) > 0
