"""Scores of painted captions: places that a swapped word changes, and options of the command."""

from __future__ import annotations

import dataclasses
import json
from types import SimpleNamespace
from typing import Any

import pytest
import torch

import limner
from limner import registry
from limner.cli.main import main
from limner.data.manifest import Row
from limner.metrics.judges import OpenJudge, open_judge
from limner.metrics.protocol import Protocol
from limner.text_to_image.data import open_captions
from limner.text_to_image.evaluation import evaluate_captions, swap_measurements
from tests.captioned_shapes import write_captioned_shapes

from .conftest import smoke_system


@pytest.fixture(scope="module")
def people_like(tmp_path_factory, drawn_faces):
    """Shapes whose captions speak of hair, weights that paint them, a DAMSM, and a parser of faces."""
    root = tmp_path_factory.mktemp("hair")
    shapes = write_captioned_shapes(root / "shapes")
    for number, file in enumerate(sorted((shapes / "text").iterdir())):
        color = ("black", "blond", "red")[number % 3]
        file.write_text(f"a circle with {color} hair\na circle with {color} hair on white\n")
    for name in ("hfgan", "damsm"):
        system, _ = smoke_system(name, shapes, None)
        system.pipeline(system.networks).save_pretrained(root / name)
    config = registry.preset("parser", "smoke")
    cls = registry.system_class("parser")
    torch.manual_seed(0)
    parser = cls(config, cls.open_data(config, drawn_faces).spec)
    parser.pipeline(parser.networks).save_pretrained(root / "parser")
    return root


def evaluate(root, *options: str) -> int:
    command = ["evaluate", "hfgan", "--weights", str(root / "hfgan"), "--judge", str(root / "damsm")]
    return main([*command, "--data", str(root / "shapes"), "--num-images", "4", *options])


def test_where_a_swapped_word_acts(people_like, tmp_path) -> None:
    file = tmp_path / "scores.json"
    options = ["--parser", str(people_like / "parser"), "--captions-drawn", "evenly", "--json", str(file)]
    assert evaluate(people_like, *options, "--out", str(tmp_path / "report")) == 0
    found = json.loads(file.read_text())["measurements"]
    assert found["judge_cosine"]["protocol"]["settings"] == "captions drawn evenly"
    if "swap_leak" in found:  # a parser that has learned nothing may see hair nowhere, or everywhere
        values = [found[f"swap_change_{where}"]["value"] for where in ("outside", "inside")]
        assert found["swap_leak"]["value"] == pytest.approx(values[0] / values[1], rel=1e-6)
    assert (tmp_path / "report/sheet.png").is_file() or list((tmp_path / "report").glob("*.png"))


class SeesBlond:
    """A judge of facts."""

    device, questions = torch.device("cpu"), ("hair color",)

    def facts(self, images):
        return [{"hair color": "blond"}] * len(images)


def test_changes_inside_and_outside_the_hair_are_told_apart(people_like, monkeypatch) -> None:
    asked = []

    def paint_swap(self, caption, old, new, *, seed, everywhere):
        asked.append((caption, old, new, everywhere))
        change = torch.full((1, 3, 64, 64), 0.4 if everywhere else 0.1)
        change[..., :32] = 0.4
        return torch.cat([torch.zeros_like(change), change])

    pipeline = limner.load(people_like / "hfgan", system="hfgan")
    monkeypatch.setattr(type(pipeline), "paint_swap", paint_swap)
    captions = [(0, "a circle with black hair"), (1, "a circle on white"), (2, "a circle with blond hair")]
    run = SimpleNamespace(pipeline=pipeline, seed=0, captions=captions)
    parser = limner.load(people_like / "parser", system="parser")
    logits = torch.zeros(1, len(parser.spec.schema.classes), 64, 64)
    logits[:, parser.spec.schema.classes.index("hair"), :, :32] = 1
    monkeypatch.setattr(type(parser), "logits", lambda self, image: logits.expand(len(image), -1, -1, -1))
    protocol = Protocol(metric="", split="test", count=3, resolution=64)
    found = swap_measurements(run, parser, protocol, OpenJudge("blond", "facts", SeesBlond(), "1" * 64))
    values = {key: pytest.approx(one.value) for key, one in found.items()}
    assert {key: values[key] for key in ("swap_leak", "swap_leak_everywhere", "swap_seen")} == {
        "swap_leak": 0.25,
        "swap_leak_everywhere": 1,
        "swap_seen": 0.5,  # black becomes blond, blond becomes red
    }
    assert found["swap_leak"].protocol.count == 2 and found["swap_seen"].protocol.network == "blond"
    assert asked[:2] == [
        ("a circle with black hair", "black hair", "blond hair", False),
        ("a circle with blond hair", "blond hair", "red hair", False),
    ]


@dataclasses.dataclass
class Counted:
    """A reader that notes which pictures it is asked for."""

    reader: Any
    asked: list[str] = dataclasses.field(default_factory=list)

    def read_image(self, row: Row) -> Any:
        self.asked.append(row.name)
        return self.reader.read_image(row)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.reader, name)


def test_every_picture_is_decoded_once(people_like) -> None:
    """Facts, swaps and the sheet look at captions again, and not at the files of pictures."""
    pipeline = limner.load(people_like / "hfgan", system="hfgan")
    manifest = open_captions(people_like / "shapes", asked_by="hfgan")
    reader = Counted(manifest.reader)
    judges = [open_judge(str(people_like / name)) for name in ("damsm", "parser")]
    found = evaluate_captions(
        pipeline,
        dataclasses.replace(manifest, reader=reader),
        judges=judges[:1],
        parser=judges[1].network,
        split="all",
        num_images=30,  # more than rows
        batch_size=5,
    )
    assert found.measurements["judge_r_precision"].protocol.count == 30
    assert found.sheet is not None and found.sheet.height == 12 * pipeline.image_size, "of more rows than a batch has"
    assert sorted(reader.asked) == sorted(row.name for row in manifest.rows)


def test_a_parser_must_be_one(people_like, capsys) -> None:
    assert evaluate(people_like, "--parser", str(people_like / "damsm")) == 2
    assert "name weights of a parser" in capsys.readouterr().err


def test_more_pictures_than_rows(people_like, tmp_path) -> None:
    """A split of four pictures gives ten, with other captions and latents."""
    file = tmp_path / "scores.json"
    command = ["evaluate", "hfgan", "--weights", str(people_like / "hfgan"), "--judge", str(people_like / "damsm")]
    command += ["--data", str(people_like / "shapes"), "--num-images", "10", "--json", str(file)]
    assert main(command) == 0
    found = json.loads(file.read_text())["measurements"]
    assert found["judge_r_precision"]["protocol"]["count"] == 10
    assert main([*command[:-4], "--num-images", "1"]) == 2
