"""Training of Def-GAN on stick people."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from limner.backbones.vgg import VGG
from limner.errors import ConfigError
from limner.systems.defgan.config import ModelConfig
from limner.systems.defgan.presets import PRESETS
from limner.systems.defgan.system import DefGAN
from tests.engines import engine_of
from tests.pose_steps import check_steps
from tests.stick_people import write_stick_people


def test_a_step_changes_both_networks_and_repeats_to_the_bit(tmp_path):
    check_steps(DefGAN, PRESETS["smoke"](), tmp_path, logged={"loss/adversarial", "loss/nearest", "critic_accuracy"})


def test_it_learns_one_batch(tmp_path):
    config = PRESETS["smoke"]()
    data = DefGAN.open_data(config, write_stick_people(tmp_path))
    torch.manual_seed(0)
    system = DefGAN(config, data.spec)
    batch = data.collate([data.train_set[index] for index in range(4)])
    engine = engine_of(system)
    engine.run_step(batch)
    first = engine.averages()["loss/nearest"]
    for _ in range(30):
        engine.run_step(batch)
    engine.averages()
    engine.run_step(batch)
    assert engine.averages()["loss/nearest"] < 0.8 * first


def test_features_of_vgg_are_compared_where_its_file_is_named(tmp_path):
    torch.manual_seed(0)
    torch.save(VGG(19).state_dict(), tmp_path / "vgg.pth")
    config = PRESETS["smoke"]()
    config = dataclasses.replace(config, loss=dataclasses.replace(config.loss, vgg_weights=str(tmp_path / "vgg.pth")))
    data = DefGAN.open_data(config, write_stick_people(tmp_path / "data"))
    system = DefGAN(config, data.spec)
    assert system.features.name == "colours"
    system.prepare(torch.device("cpu"))
    assert "relu1_2" in system.features.name and system.features.channels == (64,)
    engine = engine_of(system)
    engine.run_step(data.collate([data.train_set[index] for index in range(4)]))
    assert engine.averages()["loss/nearest"] > 0


@pytest.mark.parametrize("size", [(100, 64), (64, 16), (32, 32), (128, 600)])
def test_sizes_that_do_not_fit(size):
    with pytest.raises(ConfigError, match=r"--model\.image_size is"):
        ModelConfig(image_size=size)
