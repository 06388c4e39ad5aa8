"""Complete configurations of CAAE."""

from __future__ import annotations

from limner.data.config import AugmentConfig, DataConfig
from limner.engine.config import TrainConfig
from limner.systems.caae.config import CAAEConfig, LossConfig, ModelConfig, OptimizerConfig, ValidationConfig

_AUGMENT = AugmentConfig(flip=True)


def paper() -> CAAEConfig:
    """The authors' released settings at 128 pixels: 50 epochs of UTKFace's 23,400 faces, but from random weights."""
    return CAAEConfig(
        model=ModelConfig(),
        loss=LossConfig(),
        optimizer=OptimizerConfig(),
        validation=ValidationConfig(),
        dataset=DataConfig(),
        augment=AugmentConfig(),
        train=TrainConfig(
            images=1_170_000,
            batch_size=100,
            precision="32-true",
            num_workers=8,
            log_every=10_000,
            sample_every=50_000,
            checkpoint_every=50_000,
        ),
    )


def gpu() -> CAAEConfig:
    """128 pixels on one GPU."""
    return CAAEConfig(
        model=ModelConfig(),
        loss=LossConfig(),
        optimizer=OptimizerConfig(),
        validation=ValidationConfig(),
        dataset=DataConfig(),
        augment=_AUGMENT,
        train=TrainConfig(images=1_000_000, batch_size=32, ema_half_life=10_000, num_workers=8),
    )


def cpu() -> CAAEConfig:
    """64 pixels on a CPU, beside lgcgan's preset of that name: as many pictures, generators of a like size."""
    return CAAEConfig(
        model=ModelConfig(image_size=64, width=16),
        loss=LossConfig(),
        optimizer=OptimizerConfig(lr=6e-4),
        validation=ValidationConfig(),
        dataset=DataConfig(),
        augment=_AUGMENT,
        train=TrainConfig(
            images=60_000,
            batch_size=16,
            ema_half_life=1_500,
            log_every=1_000,
            sample_every=10_000,
            checkpoint_every=10_000,
        ),
    )


def smoke() -> CAAEConfig:
    """Seconds; proves that the code runs."""
    return CAAEConfig(
        model=ModelConfig(image_size=32, width=8),
        loss=LossConfig(),
        optimizer=OptimizerConfig(),
        validation=ValidationConfig(),
        dataset=DataConfig(),
        augment=_AUGMENT,
        train=TrainConfig(
            images=64, batch_size=8, precision="32-true", log_every=16, sample_every=32, checkpoint_every=32
        ),
    )


PRESETS = {"paper": paper, "gpu": gpu, "cpu": cpu, "smoke": smoke}
