"""The small parts of the engine: averages, health, seeds, settings, the log."""

import json
import math

import numpy as np
import pytest
import torch
from torch import nn

from limner.engine.config import TrainConfig
from limner.engine.ema import ExponentialAverage
from limner.engine.health import PATIENCE, HealthMonitor
from limner.engine.logging import RunLog, tile_grid
from limner.engine.seed import derive_seed, generator
from limner.errors import ConfigError


def test_average_reaches_half_way_after_one_half_life():
    source = nn.Linear(1, 1)
    average = ExponentialAverage(source, half_life=100)
    start = average.module.weight.clone()
    with torch.no_grad():
        source.weight += 1
    for _ in range(10):
        average.update(source, num_images=10)
    torch.testing.assert_close(average.module.weight, start + 0.5)


def test_average_does_not_depend_on_the_batch_size():
    source = nn.Linear(2, 2)
    fine, coarse = ExponentialAverage(source, half_life=50), ExponentialAverage(source, half_life=50)
    with torch.no_grad():
        source.weight += 1
    for _ in range(8):
        fine.update(source, num_images=4)
    coarse.update(source, num_images=32)
    torch.testing.assert_close(fine.module.weight, coarse.module.weight)


def test_average_copies_buffers_and_needs_no_gradient():
    source = nn.BatchNorm1d(3)
    average = ExponentialAverage(source, half_life=10)
    source.running_mean += 5
    average.update(source, num_images=1)
    assert torch.equal(average.module.running_mean, source.running_mean)
    assert not any(p.requires_grad for p in average.module.parameters())


@pytest.mark.parametrize(
    ("series", "words"),
    [
        ({"critic_accuracy": 1.0}, "every fake"),
        ({"critic_accuracy": 0.0}, "do not work"),
        ({"critic_accuracy": 0.5}, "at chance"),
        ({"gradient_norm/generator": 1e-9}, "generator have vanished"),
        ({"diversity": 0.001}, "mode collapse"),
    ],
)
def test_health_warns_after_patience(series, words):
    monitor = HealthMonitor()
    for _ in range(PATIENCE - 1):
        assert monitor.check(series) == []
    restored = HealthMonitor()
    restored.load_state_dict(json.loads(json.dumps(monitor.state_dict())))
    for each in (monitor, restored):
        (warning,) = each.check(series)
        assert words in warning


def test_health_knows_chance_by_the_mean():
    """The first series is of a run that painted blurs; the second one's pictures had edges after as many images."""
    for series, silent in (((0.54, 0.58, 0.5, 0.51, 0.57, 0.54), False), ((0.58, 0.63, 0.65, 0.64, 0.67, 0.64), True)):
        monitor = HealthMonitor()
        found = [warning for value in series for warning in monitor.check({"critic_accuracy": value})]
        assert (not found) is silent


def test_health_is_silent_on_a_sound_run():
    monitor = HealthMonitor()
    random = np.random.default_rng(0)
    for _ in range(30):
        values = {"critic_accuracy": random.uniform(0.6, 0.95), "gradient_norm/generator": 1.0, "diversity": 0.1}
        assert monitor.check(values) == []


def test_seeds_differ_by_purpose_and_count_and_fit_a_generator():
    seeds = {derive_seed(seed, key, n) for seed in (0, 1) for key in ("latent", "mix") for n in range(50)}
    assert len(seeds) == 200 and all(0 <= seed < 2**63 for seed in seeds)
    same = [torch.randn(3, generator=generator(1, "latent", 5)) for _ in range(2)]
    assert torch.equal(*same)


@pytest.mark.parametrize(
    "option", [{"images": 0}, {"batch_size": -4}, {"clip_norm": math.nan}, {"ema_half_life": -1}, {"devices": 0}]
)
def test_train_settings_out_of_range_are_refused(option):
    with pytest.raises(ConfigError, match=f"--train.{next(iter(option))} is"):
        TrainConfig(**{"images": 8, "batch_size": 2, **option})


def test_log_drops_lines_after_the_restart_point(tmp_path):
    lines = [{"images_seen": n, "loss": 1.0} for n in (10, 20, 30)]
    text = "".join(json.dumps(line) + "\n" for line in lines) + '{"images_seen": 3'
    (tmp_path / "metrics.jsonl").write_text(text)
    log = RunLog(tmp_path, images_seen=20, total=100)
    log.write(40, {"loss": 2.0}, warnings=["careful"])
    log.close()
    kept = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert kept == [*lines[:2], {"images_seen": 40, "loss": 2.0, "warnings": ["careful"]}]


def test_grid_tiles_rows_and_columns():
    grid = torch.full((2, 3, 3, 4, 5), -1.0)
    grid[1, 2] = 1.0
    pixels = np.asarray(tile_grid(grid))
    assert pixels.shape == (8, 15, 3)
    assert (pixels[4:, 10:] == 255).all() and pixels.sum() == 255 * 3 * 20
