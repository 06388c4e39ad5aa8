"""Captions to pictures: every mode, plans that are refused, and captions that cannot be used."""

from __future__ import annotations

import copy
import dataclasses
import json
import logging
from itertools import pairwise

import numpy as np
import pytest
import torch
from PIL import Image

import limner
from limner.cli.main import main
from limner.data.captions import Vocabulary
from limner.errors import ConfigError, ShapeError, WeightsError
from limner.plan import GenerationPlan
from limner.systems.hfgan.pipeline import HfGANPipeline
from limner.text_to_image.pipeline import ONNX_WORDS, highlighted

from .conftest import smoke_system

RED, BLUE = "a red circle on black", "a blue square on white"


def pixels(image: Image.Image) -> np.ndarray:
    return np.asarray(image).astype(int)


def test_a_picture_depends_on_its_caption_and_seed_alone(hfgan) -> None:
    alone = hfgan(RED, seed=7).images[0]
    sheet = hfgan([BLUE, "this circle is red and lies on a black ground", RED], seed=6, num_images=3, batch_size=4)
    assert len(sheet.images) == 9 and sheet.settings["columns"] == 3
    assert abs(pixels(sheet.images[7]) - pixels(alone)).max() <= 1  # padded, in a batch with others
    assert (pixels(hfgan(RED, seed=8).images[0]) != pixels(alone)).any()
    assert (pixels(hfgan(BLUE, seed=7).images[0]) != pixels(alone)).any()


def test_a_sequence_shares_its_latent(hfgan) -> None:
    result = hfgan.sequence([RED, RED, BLUE], seed=3, frames_between=2, everywhere=True)
    assert len(result.images) == 7
    for number in range(4):
        assert abs(pixels(result.images[number]) - pixels(result.images[0])).max() <= 1
    assert abs(pixels(result.images[6]) - pixels(hfgan(BLUE, seed=3).images[0])).max() <= 1
    steps = [abs(pixels(result.images[k]) - pixels(result.images[3])).mean() for k in range(3, 7)]
    assert steps == sorted(steps) and steps[-1] > 0
    with pytest.raises(ConfigError, match="at least two"):
        hfgan.sequence([RED])
    with pytest.raises(ConfigError, match="frames_between"):
        hfgan.sequence([RED, BLUE], frames_between=-1)


def test_a_word_is_swapped_everywhere(hfgan) -> None:
    result = hfgan.swap(RED, "red", "blue", seed=2, everywhere=True)
    before, after, difference = (pixels(image) for image in result.images)
    assert abs(before - pixels(hfgan(RED, seed=2).images[0])).max() <= 1
    assert abs(after - pixels(hfgan("a blue circle on black", seed=2).images[0])).max() <= 1
    assert abs(difference - np.minimum(2 * abs(after - before), 255)).max() <= 4
    with pytest.raises(ConfigError, match='has no "green"'):
        hfgan.swap(RED, "green", "blue")


def test_a_word_is_swapped_where_it_counts() -> None:
    """By the shipped weights: those that learned nothing find words everywhere alike."""
    pipeline, caption = limner.load("hfgan-people-64"), "a young woman with long blond hair"
    result = pipeline.swap(caption, "blond", "black", seed=2)
    before, after, difference = (pixels(image) for image in result.images)
    assert (before == pixels(pipeline(caption, seed=2).images[0])).all()
    assert abs(difference - np.minimum(2 * abs(after - before), 255)).max() <= 4
    whole = pixels(pipeline.swap(caption, "blond", "black", seed=2, everywhere=True).images[1])
    face = (slice(28, 44), slice(26, 38))
    assert abs(after - before)[face].mean() < 0.5 * abs(whole - before)[face].mean()
    assert abs(after - before)[:, :12].mean() > 0.5 * abs(whole - before)[:, :12].mean(), "the hair beside it"
    made = pipeline.paint_swap(caption, "blond", "black", seed=2)
    assert (((made + 1) * 127.5).round().numpy() == np.stack([before, after]).transpose(0, 3, 1, 2)).all()
    several = pipeline.swap(caption, "blond", "black", seed=1, num_images=2, batch_size=6)
    assert abs(pixels(several.images[4]) - after).max() <= 1, "a batch does not change a picture"
    assert (pixels(pipeline.swap(caption, "blond", "blond").images[2]) == 0).all()
    with pytest.raises(ConfigError, match="one of the two"):
        pipeline.swap(caption, "blond", "black", where="hair", everywhere=True)


def test_a_sequence_changes_where_words_count() -> None:
    """By the shipped weights, as above: the picture of a swap, and pictures on the way from one caption to the next."""
    pipeline, seed = limner.load("hfgan-people-64"), 2
    blond, black, grey = (f"a young woman with long {color} hair" for color in ("blond", "black", "grey"))
    story = [blond, black, grey, blond]
    frames = [pixels(image) for image in pipeline.sequence(story, seed=seed, frames_between=3).images]
    assert len(frames) == 13
    assert (frames[0] == pixels(pipeline(blond, seed=seed).images[0])).all() and (frames[12] == frames[0]).all()
    for place, color in ((4, "black"), (8, "grey")):
        swap = pipeline.swap(blond, "blond", color, seed=seed).images
        assert abs(frames[place] - pixels(swap[1])).max() <= 1, color
        assert abs(frames[place] - frames[0]).mean() > 2
    steps = [abs(one - other).mean() for one, other in pairwise(frames)]
    whole = [abs(frames[place] - frames[place + 4]).mean() for place in (0, 4, 8)]
    assert max(steps) < 0.7 * max(whole), "no picture jumps"
    batched = pipeline.sequence(story, seed=seed, frames_between=3, batch_size=13).images
    assert max(abs(pixels(one) - frame).max() for one, frame in zip(batched, frames, strict=True)) <= 1
    alike = pipeline.sequence([blond, blond], seed=seed, frames_between=1).images
    assert all((pixels(one) == frames[0]).all() for one in alike)


def test_plans_that_keep_a_picture_are_checked(hfgan) -> None:
    swap, sequence = hfgan.swap.plan(RED, "red", "blue"), hfgan.sequence.plan([RED, BLUE])
    for plan, change, match in (
        (swap, {"kept_words": None, "view": None}, "goes with"),
        (swap, {"kept_words": None, "named": None}, "to say from what"),
        (swap, {"named": swap.conditions["named"][:, :, 1:]}, "of one length"),
        (swap, {"words": swap.conditions["words"][:, :4]}, "of one length"),
        (swap, {"other_named": swap.conditions["named"]}, "goes with"),
        (sequence, {"other_named": None}, "goes with"),
        (sequence, {"named": None}, "goes with"),
        (sequence, {"other_words": sequence.conditions["words"][:, :4]}, "of one length"),
    ):
        conditions = {key: value for key, value in {**plan.conditions, **change}.items() if value is not None}
        with pytest.raises(ConfigError, match=match):
            hfgan.render(dataclasses.replace(plan, conditions=conditions))


def test_attention_has_a_row_a_level(hfgan) -> None:
    result = hfgan.attention(RED, seed=1)
    assert result.settings["columns"] == 6 and len(result.images) == 12
    assert result.items[1].name == "coarse-00-a" and result.items[8].name == "fine-01-red"
    words, maps = hfgan.attention_maps(RED, seed=1)
    assert words == RED.split() and [one.shape for one in maps] == [(5, 16, 16), (5, 32, 32)]
    torch.testing.assert_close(maps[0].sum(0), torch.ones(16, 16))


def test_a_word_shines_where_it_counts() -> None:
    share = torch.zeros(2, 2)
    share[0, 0] = 0.9
    shown = highlighted(torch.ones(3, 8, 8), share, num_words=4)
    assert shown[0, 0, 0] == 1 and shown[0, 7, 7] == pytest.approx(-0.4)
    assert (highlighted(torch.ones(3, 8, 8), torch.full((2, 2), 0.25), 4) == shown[0, 7, 7]).all()


def test_fusion_without_each_source(hfgan, shapes) -> None:
    result = hfgan.fusion(RED)
    assert len(result.images) == 12 and result.settings["columns"] == 4
    whole = pixels(hfgan(RED).images[0])
    for item, image in zip(result.items, result.images, strict=True):
        is_same = abs(pixels(image) - whole).max() <= 1
        assert is_same == ("without" not in item.name), item.name
    for weights in hfgan.fusion_weights().values():
        assert weights == pytest.approx([1.0] * len(weights))
    plain, _ = smoke_system("hfgan", shapes, None, fusion="none")
    with pytest.raises(WeightsError, match="without fusion"):
        plain.pipeline(plain.networks).fusion(RED)


def test_ranking_puts_the_best_first(hfgan, shapes) -> None:
    result = hfgan.rank(RED, num_candidates=6, num_images=6)
    plan = hfgan.pictures.plan(RED, num_images=6)
    with hfgan.inference():
        scores = hfgan._fit(plan, range(6)).tolist()
    assert list(result.seeds) == sorted(range(6), key=lambda seed: -scores[seed])
    assert list(hfgan.rank(RED, num_candidates=6, num_images=2).seeds) == list(result.seeds)[:2]
    plain, _ = smoke_system("hfgan", shapes, None)
    with pytest.raises(WeightsError, match="no image encoder"):
        plain.pipeline(plain.networks).rank(RED)


@pytest.mark.parametrize(
    ("conditions", "error"),
    [
        ({"words": np.zeros((1, 3), np.int64)}, ConfigError),
        ({"words": np.array([[1, 0, 2]])}, ConfigError),
        ({"words": np.array([[1, 10**6]])}, ShapeError),
        ({"words": np.array([[1.0, 2.0]])}, ShapeError),
        ({"words": np.ones((1, 500), np.int64)}, ConfigError),
        ({"words": np.ones((1, 2), np.int64), "view": np.array([3])}, ConfigError),
        ({"words": np.ones((1, 2), np.int64), "view": np.array([1]), "place": np.array([5])}, ConfigError),
        ({"words": np.ones((1, 2), np.int64), "amount": np.zeros(1, np.float32)}, ConfigError),
        ({"words": np.ones((1, 2), np.int64), "more": np.zeros(1)}, ConfigError),
        ({}, ShapeError),
    ],
)
def test_plans_that_cannot_be_drawn(hfgan, conditions, error) -> None:
    with pytest.raises(error):
        hfgan.render(GenerationPlan([0], {}, conditions))


def test_vocabulary_that_does_not_fit(hfgan) -> None:
    spec = dataclasses.replace(hfgan.spec, vocabulary=Vocabulary.of(["a red"]))
    with pytest.raises(WeightsError, match="of two trainings"):
        HfGANPipeline(spec=spec, size=64, **hfgan.components)
    with pytest.raises(WeightsError, match="no vocabulary"):
        HfGANPipeline(spec=dataclasses.replace(hfgan.spec, vocabulary=None), size=64, **hfgan.components)


@pytest.fixture(scope="module")
def weights(hfgan, tmp_path_factory):
    return hfgan.save_pretrained(tmp_path_factory.mktemp("hfgan") / "weights")


@pytest.mark.parametrize("caption", ["", "🙂", "ein roter Kreis", "日本語", "   \n "])
def test_the_command_says_one_sentence(weights, caption: str, tmp_path, capsys) -> None:
    code = main(["generate", "hfgan", "--weights", str(weights), "--caption", caption, "--out", str(tmp_path / "out")])
    line = capsys.readouterr().err.strip()
    assert code in (1, 2) and line.startswith("error: ") and "\n" not in line and "fault" not in line
    assert not (tmp_path / "out").exists()


def test_ten_thousand_words(weights, tmp_path, caplog) -> None:
    with caplog.at_level(logging.WARNING):
        code = main(
            ["generate", "hfgan", "--weights", str(weights), "--caption", "red " * 10_000, "--out", str(tmp_path)]
        )
    assert code == 0 and "the first 60 are read" in caplog.text


def test_contradictions_are_named(hfgan, caplog) -> None:
    with caplog.at_level(logging.WARNING):
        hfgan("a red circle")
        assert not caplog.text
        hfgan("a red circle and a blue circle")
    assert "both red and blue circle" in caplog.text


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (["--sequence", "--frames-between", "1", "--motion", "story.gif"], {"story.gif", "frame-0002.png"}),
        (["--sequence", "--change-everywhere"], {"frame-0001.png"}),
        (["--num-images", "2"], {"result-sheet.png"}),
    ],
)
def test_commands_of_several_captions(weights, tmp_path, options, names) -> None:
    command = ["generate", "hfgan", "--weights", str(weights), "--caption", RED, BLUE, "--out", str(tmp_path)]
    assert main([*command, *options]) == 0
    assert names <= {path.name for path in tmp_path.iterdir()}
    if "--motion" in options:
        story = ["--motion", str(tmp_path / "story.gif"), "--force"]  # its own output is no input to be kept
        assert main([*command, *options[:-2], *story]) == 0
        with Image.open(tmp_path / "story.gif") as clip:
            assert clip.n_frames == 3


@pytest.mark.parametrize(
    "options",
    [
        ["--swap", "red=blue"],
        ["--swap", "red=blue", "--change-where", "circle"],
        ["--swap", "red=blue", "--change-everywhere"],
        ["--attention"],
        ["--rank", "--candidates", "3", "--num-images", "2"],
        ["--fusion"],
    ],
)
def test_commands_of_one_caption(weights, tmp_path, options) -> None:
    file = tmp_path / "captions.txt"
    file.write_text(f"{RED}\n\n")
    command = ["generate", "hfgan", "--weights", str(weights), "--captions", str(file), "--out", str(tmp_path / "out")]
    assert main([*command, *options]) == 0
    record = json.loads((tmp_path / "out/result.json").read_text())
    assert len(record["files"]) == len(record["seeds"])
    again = ["generate", "--from", str(tmp_path / "out/result.json"), "--weights", str(weights)]
    assert main([*again, "--out", str(tmp_path / "again")]) == 0
    for name in record["files"]:
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "out" / name).read_bytes()


@pytest.mark.parametrize(
    "options",
    [
        ["--caption", RED, BLUE, "--attention"],
        ["--caption", RED, "--swap", "red"],
        ["--caption", RED, "--swap", "red=blue", "--change-where", "green"],
        ["--caption", RED, "--swap", "red=blue", "--change-where", "red", "--change-everywhere"],
        ["--caption", RED, "--change-where", "red"],
        ["--caption", RED, "--change-everywhere"],
        ["--caption", RED, BLUE, "--sequence", "--change-where", "red"],
        ["--caption", RED, "--sequence"],
        ["--caption", RED, "--sequence", "--motion", "story.avi"],
        ["--caption", RED, "--candidates", "3"],
        ["--caption", RED, "--rank", "--candidates", "0"],
        ["--caption", RED, "--rank", "--fusion"],
        [],
        ["--captions", "nowhere.txt"],
    ],
)
def test_options_that_contradict(weights, tmp_path, capsys, options) -> None:
    code = main(["generate", "hfgan", "--weights", str(weights), *options, "--out", str(tmp_path / "out")])
    line = capsys.readouterr().err.strip()
    assert code in (1, 2) and line.startswith("error: ") and "\n" not in line and "fault" not in line, line


def test_shares_of_words_are_written(weights, tmp_path) -> None:
    command = [
        "generate",
        "hfgan",
        "--weights",
        str(weights),
        "--caption",
        RED,
        "--attention",
        "--arrays",
        "shares.npz",
    ]
    assert main([*command, "--out", str(tmp_path)]) == 0
    with np.load(tmp_path / "shares.npz") as found:
        assert found["words"].tolist() == RED.split()
        assert found["coarse"].shape == (5, 16, 16) and found["fine"].shape == (5, 32, 32)
        np.testing.assert_allclose(found["fine"].sum(axis=0), 1, atol=1e-5)
    assert main([*command[:-1], "shares.txt", "--out", str(tmp_path / "other")]) == 2
    assert main([*command[:-3], "--arrays", "shares.npz", "--out", str(tmp_path / "other")]) == 2


def test_onnx_runtime_paints_captions_of_any_length_by_few_files(hfgan, tmp_path, monkeypatch) -> None:
    """Pictures, words' shares and sequences are PyTorch's to a rounding; what changes is the generator alone."""
    for module in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(module)
    monkeypatch.setenv("LIMNER_CACHE", str(tmp_path))
    pipe = copy.copy(hfgan)
    pipe.runtime, pipe._forwards = "onnx", {}
    plans = [hfgan.plan(text, seed=3) for text in ("a red circle", "a red circle above a blue square")]
    plans.append(hfgan.attention.plan("a red circle", seed=3))
    longer = hfgan.plan("a red circle " * 6, seed=3)
    assert longer.conditions["words"].shape[1] > ONNX_WORDS[0]
    for plan, files in zip([*plans, longer], (1, 1, 1, 2), strict=True):
        found, expected = pipe.render(plan), hfgan.render(plan)
        pixels = [np.stack([np.asarray(image) for image in one.images]).astype(int) for one in (found, expected)]
        assert np.abs(pixels[0] - pixels[1]).max() <= 1 and pixels[1].std() > 1
        assert "onnxruntime" in found.provenance and "onnxruntime" not in expected.provenance
        assert [path.name.split("-")[0] for path in tmp_path.rglob("*.onnx")] == ["paint"] * files
    for everywhere in (True, False):
        plan = hfgan.sequence.plan(["a red circle", "a blue square"], frames_between=1, everywhere=everywhere)
        found, expected = (
            np.stack([np.asarray(image) for image in one.render(plan).images]).astype(int) for one in (pipe, hfgan)
        )
        assert np.abs(found - expected).max() <= 1
