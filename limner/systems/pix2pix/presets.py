"""Complete configurations of pix2pix."""

from __future__ import annotations

from limner.data.config import AugmentConfig, DataConfig
from limner.engine.config import TrainConfig
from limner.systems.pix2pix.config import LossConfig, ModelConfig, OptimizerConfig, Pix2PixConfig

EPOCH = 24_183  # training images of CelebAMask-HQ


def paper() -> Pix2PixConfig:
    """The paper's sizes and schedule at 256 px, for CelebAMask-HQ: batches of one, 100 epochs and 100 of decay.

    The paper cuts 256 px at random out of 286; here samples are magnified or shrunk, and shifted, by as much.
    """
    return Pix2PixConfig(
        model=ModelConfig(),
        loss=LossConfig(),
        optimizer=OptimizerConfig(decay_images=100 * EPOCH),
        dataset=DataConfig(),
        augment=AugmentConfig(flip=True, scale=0.117, translate=0.058),
        train=TrainConfig(
            images=200 * EPOCH,
            channels_last=True,
            batch_size=1,
            precision="32-true",
            num_workers=4,
            log_every=1_000,
            sample_every=EPOCH,
            checkpoint_every=EPOCH,
        ),
    )


def gpu() -> Pix2PixConfig:
    """The paper's networks at 128 px on one GPU in hours: batches of 32, one-hot maps, averaged weights."""
    return Pix2PixConfig(
        model=ModelConfig(image_size=128, condition="one_hot", test_statistics="running"),
        loss=LossConfig(discriminator_augment=("translation", "cutout")),
        optimizer=OptimizerConfig(decay_images=500_000),
        dataset=DataConfig(),
        augment=AugmentConfig(flip=True),
        train=TrainConfig(
            images=2_000_000,
            batch_size=32,
            ema_half_life=10_000,
            channels_last=True,
            num_workers=8,
            log_every=3_200,
            sample_every=50_000,
            checkpoint_every=50_000,
        ),
    )


def cpu() -> Pix2PixConfig:
    """64 px on two cores: three quarters of the width, one-hot maps; samples and augmentation as for SCGAN."""
    return Pix2PixConfig(
        model=ModelConfig(
            image_size=64,
            condition="one_hot",
            generator_width=48,
            discriminator_width=48,
            test_statistics="running",
        ),
        loss=LossConfig(discriminator_augment=("translation", "cutout")),
        optimizer=OptimizerConfig(decay_images=40_000),
        dataset=DataConfig(),
        augment=AugmentConfig(flip=True, rotate_degrees=5.0, scale=0.08, translate=0.03),
        train=TrainConfig(images=120_000, batch_size=16, ema_half_life=4_000),
    )


def smoke() -> Pix2PixConfig:
    """Seconds; proves that the code runs. Never look at its pictures."""
    return Pix2PixConfig(
        model=ModelConfig(
            image_size=32,
            condition="one_hot",
            generator_width=8,
            discriminator_width=8,
            test_statistics="running",
        ),
        loss=LossConfig(),
        optimizer=OptimizerConfig(decay_images=64),
        dataset=DataConfig(),
        augment=AugmentConfig(flip=True),
        train=TrainConfig(
            images=256,
            batch_size=8,
            precision="32-true",
            ema_half_life=100,
            log_every=32,
            sample_every=128,
            checkpoint_every=64,
        ),
    )


PRESETS = {"paper": paper, "gpu": gpu, "cpu": cpu, "smoke": smoke}
