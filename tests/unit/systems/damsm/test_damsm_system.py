"""DAMSM learns shapes and colours, refuses what cannot be, and says how well captions fit."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch

from limner import registry
from limner.cli.main import main
from limner.data.captions import Vocabulary
from limner.errors import ConfigError, WeightsError
from limner.systems.damsm.pipeline import DAMSMPipeline
from limner.systems.damsm.system import DAMSM
from tests.captioned_shapes import draw, write_captioned_shapes
from tests.engines import engine_of


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A system after 150 small steps on shapes."""
    folder = write_captioned_shapes(tmp_path_factory.mktemp("damsm") / "shapes", num=96)
    config = registry.preset("damsm", "smoke")
    config = dataclasses.replace(
        config,
        model=dataclasses.replace(config.model, code_size=32, widths=(8, 16, 32), dropout=0.0),
        optimizer=dataclasses.replace(config.optimizer, lr=5e-3, epoch_images=500),
        train=dataclasses.replace(config.train, batch_size=24),
    )
    data = DAMSM.open_data(config, folder)
    torch.manual_seed(0)
    system = DAMSM(config, data.spec)
    engine = engine_of(system)
    for step in range(150):
        rows = [(24 * step + k) % len(data.train_set) for k in range(24)]
        engine.run_step(data.collate([data.train_set[row] for row in rows]))
    return system, engine, data


def test_it_tells_true_captions_from_false_ones(trained) -> None:
    system, engine, data = trained
    batch = data.collate([data.validation_set[row] for row in range(64)])
    with torch.no_grad():
        scores = system.validate([batch], {name: one.eval() for name, one in engine.inference_networks().items()})
    assert scores["r_precision"] > 0.4  # about 1 / 29 by chance


def test_the_rate_falls_to_a_tenth(trained) -> None:
    system, _, _ = trained
    epoch = system.config.optimizer.epoch_images
    scales = [system.lr_scale(images) for images in (0, epoch - 1, epoch, 5 * epoch, 10_000 * epoch)]
    assert scales == pytest.approx([1.0, 1.0, 0.98, 0.98**5, 0.1])


def test_scores_of_a_picture(trained, tmp_path) -> None:
    system, engine, _ = trained
    pipeline = system.pipeline(engine.inference_networks())
    image = draw("circle", "red", "black", size=32, random=np.random.default_rng(3))
    (found,) = pipeline(image, ["a red circle on black", "a blue square on white"])
    assert found["scores"][0]["sentence"] > found["scores"][1]["sentence"]
    with pytest.raises(ConfigError, match="No word of the caption"):
        pipeline(image, "un cercle rouge")


def test_vocabulary_and_encoder_must_agree(trained, tmp_path) -> None:
    system, engine, _ = trained
    spec = dataclasses.replace(system.spec, vocabulary=Vocabulary.of(["red blue"]))
    with pytest.raises(WeightsError, match="of two trainings"):
        DAMSMPipeline(spec=spec, size=32, **engine.inference_networks())


def test_inception_needs_its_file(trained) -> None:
    _, _, data = trained
    config = registry.preset("damsm", "paper")
    with torch.device("meta"):
        system = DAMSM(config, data.spec)
    with pytest.raises(ConfigError, match=r"--model\.inception is missing"):
        system.prepare(torch.device("cpu"))


def test_a_file_of_scores_of_other_captions_is_not_replaced(trained, tmp_path, capsys) -> None:
    system, engine, _ = trained
    weights = system.pipeline(engine.inference_networks()).save_pretrained(tmp_path / "weights")
    from PIL import Image

    image = draw("circle", "red", "black", size=32, random=np.random.default_rng(3))
    Image.fromarray(image).save(tmp_path / "photo.png")
    command = ["generate", "damsm", "--weights", str(weights), "--photo", str(tmp_path / "photo.png")]
    command += ["--out", str(tmp_path / "out")]
    assert main([*command, "--caption", "a red circle"]) == 0
    assert json.loads((tmp_path / "out/photo.json").read_text())["scores"][0]["caption"] == "a red circle"
    assert main([*command, "--caption", "a blue circle"]) == 1
    assert "not as the verdict on" in capsys.readouterr().err
    assert main([*command, "--caption", "a red circle"]) == 0, "of the same captions it is there already"
    Image.fromarray(image[::-1]).save(tmp_path / "photo.png")
    assert main([*command, "--caption", "a red circle"]) == 1, "another photo"
