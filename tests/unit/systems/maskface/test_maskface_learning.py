"""The losses do their work on toy faces (maskface.md 9.11 to 9.13, 9.15)."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from limner.data.batch import MaskToImageBatch
from limner.engine.engine import Engine
from limner.engine.state import load_state, save_state
from limner.metrics.segmentation import SegmentationMetric
from limner.systems.parser.networks import ParsingNetwork

MODEL = {"width": 16, "max_width": 64, "latent_size": 16, "style_size": 64, "mapping_width": 64}
STEPS = 150


def train(engine: Engine, batch: MaskToImageBatch, steps: int) -> tuple[dict[str, float], dict[str, float]]:
    """Averages of the losses over the first three and the last ten steps."""
    for step in range(steps):
        engine.run_step(batch)
        if step == 2:
            first = engine.averages()
        if step == steps - 11:
            engine.averages()
    return first, engine.averages()


def make(make_engine, **loss) -> Engine:
    return make_engine(model=MODEL, loss=loss, train={"images": 4 * STEPS, "batch_size": 4}, optimizer={"lr": 1e-3})


def make_judge(batch: MaskToImageBatch) -> ParsingNetwork:
    """A parser of the four faces, in their colours and in the opposite ones."""
    torch.manual_seed(2)
    judge = ParsingNetwork(num_classes=3, num_attributes=0, width=16)
    optimizer = torch.optim.Adam(judge.parameters(), lr=3e-3)
    for step in range(80):
        loss = functional.cross_entropy(judge(batch.image * (1 if step % 2 else -1)).logits, batch.label_map)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return judge


def faces(engine: Engine, batch: MaskToImageBatch) -> tuple[torch.Tensor, torch.Tensor]:
    """Faces from noise, and their codes."""
    draws = engine.system.draw(batch, engine)
    with torch.no_grad():
        codes = engine.system.noise_codes(draws, engine).first
        return engine.raw["generator"](draws.one_hot, codes), codes


@pytest.mark.slow
def test_four_faces_are_overfitted_and_each_loss_has_its_effect(make_engine, batch):
    judge = make_judge(batch)

    def mean_iou(engine: Engine) -> float:
        metric = SegmentationMetric(num_classes=3)
        with torch.no_grad():
            metric.update(judge(faces(engine, batch)[0].clamp(-1, 1)).logits.argmax(1), batch.label_map)
        return float(metric.compute().mean_iou)

    engine = make(make_engine)
    before = mean_iou(engine)
    first, last = train(engine, batch, STEPS)
    assert last["loss/reconstruction"] < 0.5 * first["loss/reconstruction"], (first, last)
    assert last["loss/style/noise"] < 0.5 * first["loss/style/noise"], (first, last)
    assert mean_iou(engine) > before + 0.03, "the faces follow their maps more than at first"

    engine = make(make_engine, weight_style=0.0, diversity="none")
    train(engine, batch, STEPS)
    fake, codes = faces(engine, batch)
    with torch.no_grad():
        found = engine.raw["style_decoder"](fake)
    assert (found - codes).abs().mean() > 2 * last["loss/style/noise"], "nothing told this decoder what the codes were"


def test_a_restored_run_goes_on_to_the_same_bits(make_engine, batch, tmp_path):
    def states(engine: Engine) -> dict[str, torch.Tensor]:
        networks = [*engine.raw.values(), *(average.module for average in engine.ema.values())]
        return {f"{i}.{k}": v.clone() for i, network in enumerate(networks) for k, v in network.state_dict().items()}

    engine = make_engine()
    for _ in range(2):
        engine.run_step(batch)
    save_state(tmp_path / "state", engine.system.training_state(engine))
    engine.run_step(batch)
    expected, weight = states(engine), engine.system.diversity_weight(engine.images_seen)

    other = make_engine()
    other.system.restore(other, load_state(tmp_path / "state"))
    other.run_step(batch)
    assert other.system.diversity_weight(other.images_seen) == weight < 1
    found = states(other)
    assert all(torch.equal(found[key], value) for key, value in expected.items())
