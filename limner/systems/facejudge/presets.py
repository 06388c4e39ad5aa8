"""Complete configurations of the judge of faces."""

from __future__ import annotations

from limner.data.config import AugmentConfig, DataConfig
from limner.engine.config import TrainConfig
from limner.systems.facejudge.config import FaceJudgeConfig, LossConfig, ModelConfig, OptimizerConfig


def paper() -> FaceJudgeConfig:
    """ResNet-18's widths at 128 pixels, for full data sets. There is no paper; the name is that of the largest."""
    return FaceJudgeConfig(
        model=ModelConfig(image_size=128, width=64),
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
            log_every=10_000,
            sample_every=100_000,
            checkpoint_every=100_000,
        ),
    )


def gpu() -> FaceJudgeConfig:
    """128 pixels on one GPU."""
    return FaceJudgeConfig(
        model=ModelConfig(image_size=128, width=32),
        loss=LossConfig(),
        optimizer=OptimizerConfig(),
        dataset=DataConfig(),
        augment=AugmentConfig(flip=True),
        train=TrainConfig(
            images=200_000,
            batch_size=64,
            ema_half_life=4_000,
            channels_last=True,
            num_workers=8,
        ),
    )


def cpu() -> FaceJudgeConfig:
    """64 pixels on a CPU, for people-ages of some 800 people."""
    return FaceJudgeConfig(
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
            sample_every=20_000,
            checkpoint_every=10_000,
        ),
    )


def smoke() -> FaceJudgeConfig:
    """Seconds; proves that the code runs."""
    return FaceJudgeConfig(
        model=ModelConfig(image_size=32, width=8, embedding_size=16),
        loss=LossConfig(),
        optimizer=OptimizerConfig(),
        dataset=DataConfig(),
        augment=AugmentConfig(flip=True),
        train=TrainConfig(
            images=64, batch_size=8, precision="32-true", log_every=16, sample_every=32, checkpoint_every=32
        ),
    )


PRESETS = {"paper": paper, "gpu": gpu, "cpu": cpu, "smoke": smoke}
