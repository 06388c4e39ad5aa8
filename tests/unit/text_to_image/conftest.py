"""Tiny weights of DAMSM and of the systems that paint captions, with random networks, on drawn shapes."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from limner import registry
from tests.captioned_shapes import write_captioned_shapes


@pytest.fixture(scope="session")
def shapes(tmp_path_factory) -> Path:
    return write_captioned_shapes(tmp_path_factory.mktemp("captioned") / "shapes")


@pytest.fixture(scope="session")
def damsm_weights(tmp_path_factory, shapes: Path) -> Path:
    """A DAMSM that has learned nothing."""
    config = registry.preset("damsm", "smoke")
    data = registry.system_class("damsm").open_data(config, shapes)
    torch.manual_seed(0)
    system = registry.system_class("damsm")(config, data.spec)
    return system.pipeline(system.networks).save_pretrained(tmp_path_factory.mktemp("damsm") / "weights")


def smoke_system(name: str, shapes: Path, encoders: Path | None, **model: object):
    """A system of the smoke preset, with encoders or without, and its data."""
    config = registry.preset(name, "smoke")
    if encoders is not None:
        config = dataclasses.replace(
            config,
            text=dataclasses.replace(config.text, encoders=str(encoders)),
            loss=dataclasses.replace(config.loss, weight_damsm=5.0),
        )
    config = dataclasses.replace(config, model=dataclasses.replace(config.model, **model))
    data = registry.system_class(name).open_data(config, shapes)
    torch.manual_seed(1)
    return registry.system_class(name)(config, data.spec), data


@pytest.fixture(scope="session")
def hfgan(shapes: Path, damsm_weights: Path):
    """A pipeline with random networks and DAMSM's encoders."""
    system, _ = smoke_system("hfgan", shapes, damsm_weights, image_size=64)
    return system.pipeline(system.networks)
