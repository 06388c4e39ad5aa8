"""Complete configurations of the judge of facts."""

from __future__ import annotations

from limner.data.config import AugmentConfig, DataConfig
from limner.engine.config import TrainConfig
from limner.systems.factjudge.config import FactJudgeConfig, LossConfig, ModelConfig, OptimizerConfig


def paper() -> FactJudgeConfig:
    """The largest, at 128 pixels. There is no paper; the name is that of every system's largest preset."""
    return FactJudgeConfig(
        model=ModelConfig(width=64),
        loss=LossConfig(),
        optimizer=OptimizerConfig(lr=1e-3),
        dataset=DataConfig(),
        augment=AugmentConfig(flip=True),
        train=TrainConfig(
            images=1_000_000,
            batch_size=64,
            precision="32-true",
            ema_half_life=10_000,
            num_workers=8,
            checkpoint_every=100_000,
        ),
    )


def gpu() -> FactJudgeConfig:
    """128 pixels on one GPU."""
    return FactJudgeConfig(
        model=ModelConfig(),
        loss=LossConfig(),
        optimizer=OptimizerConfig(),
        dataset=DataConfig(),
        augment=AugmentConfig(flip=True),
        train=TrainConfig(images=300_000, batch_size=64, ema_half_life=4_000, channels_last=True, num_workers=8),
    )


def cpu() -> FactJudgeConfig:
    """64 pixels on a CPU, for some 8,000 people with facts."""
    return FactJudgeConfig(
        model=ModelConfig(image_size=64, width=16),
        loss=LossConfig(),
        optimizer=OptimizerConfig(),
        dataset=DataConfig(),
        augment=AugmentConfig(flip=True),
        train=TrainConfig(
            images=60_000,
            batch_size=32,
            ema_half_life=1_500,
            log_every=2_000,
            sample_every=30_000,
            checkpoint_every=10_000,
        ),
    )


def smoke() -> FactJudgeConfig:
    """Seconds; proves that the code runs."""
    return FactJudgeConfig(
        model=ModelConfig(image_size=32, width=4, num_halvings=3),
        loss=LossConfig(),
        optimizer=OptimizerConfig(),
        dataset=DataConfig(),
        augment=AugmentConfig(flip=True),
        train=TrainConfig(
            images=64, batch_size=8, precision="32-true", log_every=16, sample_every=32, checkpoint_every=32
        ),
    )


PRESETS = {"paper": paper, "gpu": gpu, "cpu": cpu, "smoke": smoke}
