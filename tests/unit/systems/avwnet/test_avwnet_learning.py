"""A mouth learns to follow speech: small networks on drawn clips whose sound gets brighter as the mouth opens."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from limner.data.sampler import SampleKey
from limner.engine.fabric import make_fabric
from limner.metrics.talking import correlation, mouth_opening
from limner.systems.avwnet.presets import smoke
from limner.systems.avwnet.system import AVWnet
from limner.talking_faces.data import MOUTH, open_talking_data
from limner.talking_faces.evaluation import mouth_slices
from tests.sine_speech import write_sine_words

pytest.importorskip("av")
pytestmark = pytest.mark.slow
STEPS, BATCH = 220, 4


def config():
    """Small networks by the recipe of the preset `cpu`, pixels alone."""
    base = smoke()
    return dataclasses.replace(
        base,
        model=dataclasses.replace(base.model, width=8, is_normalized=True, tells_mouth=True),
        loss=dataclasses.replace(
            base.loss, weight_mouth=4.0, weight_color=5.0, weight_motion=1.0, painted_frames=3, pixel_images=10**6
        ),
        optimizer=dataclasses.replace(base.optimizer, lr_generator=2e-3, decay_images=300),
        dataset=dataclasses.replace(base.dataset, num_frames=12),
        train=dataclasses.replace(base.train, images=STEPS * BATCH, batch_size=BATCH, clip_norm=10.0),
    )


def darkness(frames: torch.Tensor) -> np.ndarray:
    """(f, 3, h, w) -> (f,): how much dark there is in the mouth's box, which grows as the drawn mouth opens."""
    rows, columns = mouth_slices(frames.shape[-1])
    return -frames[..., rows, columns].mean(dim=(1, 2, 3)).numpy()


def test_the_mouth_follows_the_speech(tmp_path: Path) -> None:
    """Held-out clips: the mouth's error falls well below the still photo's, and other speech moves it otherwise."""
    words = write_sine_words(tmp_path, num=(12, 4, 1), size=64, has_timbre=True)
    data = AVWnet.open_data(config(), words)
    system = AVWnet(config(), data.spec)
    torch.manual_seed(0)
    engine = system.engine(make_fabric(config().train))
    system.prepare(torch.device("cpu"))
    random = np.random.default_rng(0)
    for step in range(STEPS):
        rows = random.integers(len(data.train_set), size=BATCH)
        engine.run_step(
            data.collate([data.train_set[SampleKey(int(row), BATCH * step + k)] for k, row in enumerate(rows)])
        )
    for network in system.networks.values():
        network.eval()
    whole = open_talking_data(
        dataclasses.replace(config(), dataset=dataclasses.replace(config().dataset, num_frames=28)), words,
        asked_by="avwnet",
    ).validation_set  # fmt: skip
    clips = data.collate([whole[index] for index in range(len(whole))])
    with torch.no_grad():
        scores = system.validate([clips], system.networks)
    assert scores["mouth_error"] < 0.6, "the still photo has 1"
    draws = system.draws(clips, torch.zeros(len(clips), dtype=torch.bool))
    opening = mouth_opening(clips.landmarks[:, 1:, MOUTH]).numpy()
    with torch.no_grad():
        made = system.networks["generator"](draws.photo, draws.maps, draws.windows).fine.frame
        swapped = system.networks["generator"](draws.photo, draws.maps, draws.windows.flip(0)).fine.frame
    followed = [correlation(darkness(clip), true) for clip, true in zip(made, opening, strict=True)]
    other = [correlation(darkness(clip), true) for clip, true in zip(swapped, opening[::-1], strict=True)]
    assert np.mean(followed) > 0.8 and np.mean(other) > 0.8, (followed, other)
