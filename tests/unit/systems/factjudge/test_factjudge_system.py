"""The judge of facts learns colours of shapes, also rare ones, and judges what is painted from captions."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch

from limner import registry
from limner.cli.main import main
from limner.errors import DataError
from limner.systems.factjudge.networks import by_question
from limner.systems.factjudge.system import FactJudge, balanced_accuracies
from tests.captioned_shapes import draw, write_captioned_shapes
from tests.engines import engine_of


@pytest.fixture(scope="module")
def shapes(tmp_path_factory):
    return write_captioned_shapes(tmp_path_factory.mktemp("facts") / "shapes", num=120)


@pytest.fixture(scope="module")
def trained(shapes):
    """A judge after 80 steps on shapes."""
    config = registry.preset("factjudge", "smoke")
    config = dataclasses.replace(
        config,
        model=dataclasses.replace(config.model, width=8),
        train=dataclasses.replace(config.train, batch_size=20, images=1_600),
        optimizer=dataclasses.replace(config.optimizer, lr=1e-2),
    )
    data = FactJudge.open_data(config, shapes)
    torch.manual_seed(0)
    system = FactJudge(config, data.spec)
    engine = engine_of(system)
    for step in range(80):
        engine.run_step(data.collate([data.train_set[(20 * step + k) % len(data.train_set)] for k in range(20)]))
    return system, system.pipeline(engine.inference_networks())


def test_colours_are_told(trained) -> None:
    _, judge = trained
    assert set(judge.questions) == {"shape", "colour", "ground"}
    random = np.random.default_rng(1)
    for colour in ("red", "blue"):
        assert judge(draw("square", colour, "white", size=32, random=random))["colour"] == colour
    verdicts = judge.facts(torch.zeros(3, 3, 48, 48))
    assert len(verdicts) == 3 and all(verdicts[0][q] in known for q, known in judge.questions.items())


def test_accuracy_is_the_mean_over_answers() -> None:
    questions = by_question(["a: x", "a: y", "b: u", "b: v"])
    seen, truth = torch.tensor([[0, 0], [0, 0], [0, 1], [0, 1]]), torch.tensor([[0, -1], [0, -1], [0, -1], [1, -1]])
    assert balanced_accuracies(seen, truth, questions) == {"a": 0.5}


def test_data_without_facts_are_refused(tmp_path) -> None:
    folder = write_captioned_shapes(tmp_path / "shapes")
    (folder / "facts.jsonl").unlink()
    with pytest.raises(DataError, match="has no facts that could be asked for"):
        FactJudge.open_data(registry.preset("factjudge", "smoke"), folder)


def test_facts_of_painted_pictures_are_reported(trained, shapes, tmp_path) -> None:
    _, judge = trained
    judge.save_pretrained(tmp_path / "judge")
    for name in ("damsm", "hfgan"):
        config = registry.preset(name, "smoke")
        cls = registry.system_class(name)
        system = cls(config, cls.open_data(config, shapes).spec)
        system.pipeline(system.networks).save_pretrained(tmp_path / name)
    command = ["evaluate", "hfgan", "--weights", str(tmp_path / "hfgan"), "--judge", str(tmp_path / "damsm")]
    command += ["--judge", str(tmp_path / "judge"), "--data", str(shapes), "--num-images", "12"]
    assert main([*command, "--out", str(tmp_path / "report"), "--json", str(tmp_path / "scores.json")]) == 0
    found = json.loads((tmp_path / "scores.json").read_text())["measurements"]
    colour = found["judge_fact_colour"]
    assert colour["ceiling"] == found["judge_fact_colour_real"]["value"] > 0.5
    assert set(colour["per_class"]) <= {"red", "green", "blue", "yellow"} and colour["protocol"]["count"] == 12
    assert {"judge_r_precision", "judge_cosine", "judge_vs_damsm"} <= set(found)
