"""The losses do their work: on toy faces of four classes, drawn by ellipses, with hair of three colours."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torch.nn import functional

from limner.data.batch import MaskToImageBatch
from limner.data.schema import LabelSchema
from limner.data.spec import DataSpec
from limner.engine.engine import Engine
from limner.metrics.attributes import attributes_correct
from limner.metrics.segmentation import SegmentationMetric
from limner.nn.label_maps import one_hot
from limner.systems.scgan.networks import Segmentor
from limner.systems.scgan.presets import smoke
from limner.systems.scgan.system import SCGAN
from tests.engines import engine_of

HAIR = {"Black": (20, 20, 20), "Blond": (230, 200, 90), "Red": (180, 40, 20)}
SPEC = DataSpec(
    LabelSchema(
        name="toy-4",
        classes=("background", "hair", "skin", "mouth"),
        palette=((0, 0, 0), (90, 60, 20), (230, 180, 150), (200, 0, 0)),
    ),
    tuple(HAIR),
    "exclusive",
)


def toy_faces(num: int, size: int, seed: int) -> MaskToImageBatch:
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size] / size
    images, maps, attributes = [], [], []

    def ellipse(cx: float, cy: float, rx: float, ry: float) -> np.ndarray:
        return ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 < 1

    for _ in range(num):
        cx, cy = random.uniform(0.42, 0.58, 2)
        rx, ry = random.uniform(0.18, 0.28), random.uniform(0.24, 0.34)
        label_map = np.zeros((size, size), dtype=np.int64)
        label_map[ellipse(cx, cy - 0.06, rx + 0.08, ry + 0.06)] = 1
        label_map[ellipse(cx, cy + 0.04, rx, ry)] = 2
        label_map[ellipse(cx, cy + 0.2, rx * 0.5, 0.05)] = 3
        hair = int(random.integers(3))
        colors = np.array([random.integers(0, 256, 3), list(HAIR.values())[hair], (225, 175, 145), (190, 40, 60)])
        image = colors[label_map] + random.normal(0, 8, (size, size, 3))
        images.append(image.clip(0, 255) / 127.5 - 1)
        maps.append(label_map)
        attributes.append(np.eye(3)[hair])
    return MaskToImageBatch(
        torch.tensor(np.array(images), dtype=torch.float32).permute(0, 3, 1, 2).contiguous(),
        torch.tensor(np.array(maps)),
        torch.tensor(np.array(attributes), dtype=torch.float32),
        torch.arange(num),
    )


def rows(batch: MaskToImageBatch, chosen: torch.Tensor) -> MaskToImageBatch:
    return MaskToImageBatch(*(getattr(batch, field.name)[chosen] for field in dataclasses.fields(batch)))


def toy_system(images: int = 16_000) -> tuple[SCGAN, Engine]:
    config = smoke()
    widths = dict(generator_width=16, discriminator_width=16, segmentor_width=16, latent_size=16)
    config = dataclasses.replace(
        config,
        model=dataclasses.replace(config.model, **widths),
        optimizer=dataclasses.replace(config.optimizer, num_repeat=5),
        train=dataclasses.replace(config.train, images=images, batch_size=16, ema_half_life=0),
    )
    torch.manual_seed(0)
    system = SCGAN(config, SPEC)
    return system, engine_of(system)


def test_segmentor_learns_within_two_hundred_steps():
    torch.manual_seed(0)
    data = toy_faces(64, 64, seed=0)
    segmentor = Segmentor(num_classes=4, width=16)
    optimizer = torch.optim.Adam(segmentor.parameters(), lr=6e-4, betas=(0.5, 0.999))
    losses = []
    for step in range(200):
        batch = rows(data, torch.arange(step * 8, step * 8 + 8) % 64)
        loss = functional.cross_entropy(segmentor(batch.image), batch.label_map)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[0] > 1 and max(losses[-10:]) < 0.3


def test_eight_samples_are_overfitted():
    """The quickest sign of a broken step: on eight pictures S must know every map and D every attribute."""
    system, engine = toy_system()
    data = toy_faces(8, 32, seed=1)
    for _ in range(150):
        engine.run_step(data)
    segmentor, discriminator = system.networks["segmentor"], system.networks["discriminator"]
    with torch.no_grad():
        accuracy = (segmentor(data.image).argmax(1) == data.label_map).float().mean()
        hits = attributes_correct(discriminator(data.image)[1], data.attributes, "exclusive")
    assert accuracy > 0.95 and hits.all()


@pytest.mark.slow
def test_generator_learns_maps_and_attributes_and_keeps_its_latent():
    """Section 9.8 of our specification; an independent segmentor judges, trained on real pictures only."""
    train, test = toy_faces(768, 32, seed=2), toy_faces(128, 32, seed=3)
    torch.manual_seed(1)
    judge = Segmentor(num_classes=4, width=16)
    optimizer = torch.optim.Adam(judge.parameters(), lr=2e-3)
    random = torch.Generator().manual_seed(0)
    for _ in range(300):
        batch = rows(train, torch.randint(768, (16,), generator=random))
        loss = functional.cross_entropy(judge(batch.image), batch.label_map)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    system, engine = toy_system()

    def scores() -> tuple[float, float, float]:
        metric = SegmentationMetric(num_classes=4)
        wanted = test.attributes.roll(1, 0)
        segmentation = one_hot(test.label_map, 4)
        with torch.no_grad():
            first, second = (
                system.networks["generator"](torch.randn(128, 16, generator=random), wanted, segmentation)
                for _ in range(2)
            )
            metric.update(judge(first).argmax(1), test.label_map)
            # Hair colour as anyone would see it: the nearest of the three colours to the hair's mean.
            hair = segmentation[:, 1:2]
            mean = (first * hair).sum((2, 3)) / hair.sum((2, 3))
            colors = torch.tensor(list(HAIR.values())) / 127.5 - 1
            seen = torch.cdist(mean, colors).argmin(1)
        accuracy = (seen == wanted.argmax(1)).float().mean()
        return float(metric.compute().mean_iou), float(accuracy), float((first - second).abs().mean())

    before = scores()
    for _ in range(2_000):  # 400 updates of G; attributes lock in late and abruptly
        engine.run_step(rows(train, torch.randint(768, (16,), generator=random)))
    after = scores()
    assert after[0] > before[0] + 0.2, (before, after)
    assert after[1] > 0.8, (before, after)
    assert after[2] > 0.01, (before, after)
