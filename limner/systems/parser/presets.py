"""Complete configurations of the parser."""

from __future__ import annotations

from limner.data.config import AugmentConfig, DataConfig
from limner.engine.config import TrainConfig
from limner.systems.parser.config import LossConfig, ModelConfig, OptimizerConfig, ParserConfig

_AUGMENT = AugmentConfig(flip=True, rotate_degrees=10.0, scale=0.1, translate=0.05)


def paper() -> ParserConfig:
    """The size to judge 128-pixel images of full data sets with. There is no paper; the name is that of the largest."""
    return ParserConfig(
        model=ModelConfig(image_size=128, width=48),
        loss=LossConfig(),
        optimizer=OptimizerConfig(lr=1e-3),
        dataset=DataConfig(),
        augment=_AUGMENT,
        train=TrainConfig(
            images=2_000_000,
            batch_size=64,
            precision="32-true",
            clip_norm=1.0,
            ema_half_life=20_000,
            num_workers=8,
            log_every=10_000,
            sample_every=100_000,
            checkpoint_every=100_000,
        ),
    )


def gpu() -> ParserConfig:
    """128 pixels on one GPU."""
    return ParserConfig(
        model=ModelConfig(image_size=128, width=32),
        loss=LossConfig(),
        optimizer=OptimizerConfig(),
        dataset=DataConfig(),
        augment=_AUGMENT,
        train=TrainConfig(
            images=200_000,
            batch_size=32,
            clip_norm=1.0,
            ema_half_life=5_000,
            channels_last=True,
            num_workers=8,
        ),
    )


def cpu() -> ParserConfig:
    """64 pixels on a CPU, for a few hundred to a few thousand images.

    Measured on 850 photos of CelebAMask-HQ with 19 classes (78 held out): mIoU 0.602, pixel accuracy 0.870
    (docs/results/scgan/celebamask-slice.md); about 60 images/s on one core with bfloat16, nine minutes.
    """
    return ParserConfig(
        model=ModelConfig(image_size=64, width=16),
        loss=LossConfig(),
        optimizer=OptimizerConfig(),
        dataset=DataConfig(),
        augment=_AUGMENT,
        train=TrainConfig(
            images=30_000,
            batch_size=16,
            clip_norm=1.0,
            ema_half_life=800,
            log_every=1_000,
            sample_every=6_000,
            checkpoint_every=6_000,
        ),
    )


def features() -> ParserConfig:
    """The feature network of FID-people: no jitter, but damage that it must see.

    64 pixels; about 90 images/s on one core with bfloat16, eleven minutes.
    """
    return ParserConfig(
        model=ModelConfig(image_size=64, width=16),
        # With the other presets' weight of attributes, features hold damage and little else: twenty faces repeated
        # then weigh less than the slightest blur (docs/decisions/0010-fid-people.md).
        loss=LossConfig(weight_attributes=1.0, weight_damage=10.0, jitter=0.0),
        optimizer=OptimizerConfig(),
        dataset=DataConfig(),
        augment=_AUGMENT,
        train=TrainConfig(
            images=60_000,
            batch_size=16,
            clip_norm=1.0,
            ema_half_life=2_000,
            log_every=1_000,
            sample_every=10_000,
            checkpoint_every=10_000,
        ),
    )


def smoke() -> ParserConfig:
    """Seconds; proves that the code runs."""
    return ParserConfig(
        model=ModelConfig(image_size=32, width=8),
        loss=LossConfig(),
        optimizer=OptimizerConfig(),
        dataset=DataConfig(),
        augment=AugmentConfig(),
        train=TrainConfig(
            images=64, batch_size=8, precision="32-true", log_every=16, sample_every=32, checkpoint_every=32
        ),
    )


PRESETS = {"paper": paper, "gpu": gpu, "cpu": cpu, "features": features, "smoke": smoke}
