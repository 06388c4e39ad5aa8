"""Complete configurations of SPADE."""

from __future__ import annotations

from limner.data.config import AugmentConfig, DataConfig
from limner.engine.config import TrainConfig
from limner.systems.spade.config import LossConfig, ModelConfig, OptimizerConfig, SPADEConfig

EPOCH = 24_183  # training images of CelebAMask-HQ


def paper() -> SPADEConfig:
    """The paper's sizes and schedule at 256 px, for CelebAMask-HQ: 50 epochs, batches of 32 over all GPUs, no encoder.

    Name a file of VGG-19's weights with --loss.vgg_weights, or give up its loss with --loss.weight_perceptual 0.
    """
    return SPADEConfig(
        model=ModelConfig(),
        loss=LossConfig(),
        optimizer=OptimizerConfig(),
        dataset=DataConfig(),
        augment=AugmentConfig(flip=True),
        train=TrainConfig(
            images=50 * EPOCH,
            batch_size=32,
            precision="32-true",
            num_workers=4,
            log_every=3_200,
            sample_every=EPOCH,
            checkpoint_every=EPOCH,
        ),
    )


def gpu() -> SPADEConfig:
    """The paper's networks with encoder at 128 px on one GPU in hours; without VGG-19's loss, for work offline."""
    return SPADEConfig(
        model=ModelConfig(image_size=128, use_encoder=True),
        loss=LossConfig(weight_perceptual=0.0, discriminator_augment=("translation", "cutout")),
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


def cpu() -> SPADEConfig:
    """64 px on two cores: narrow, with encoder, without VGG-19's loss; samples and augmentation as for SCGAN."""
    return SPADEConfig(
        model=ModelConfig(
            image_size=64,
            generator_width=16,
            modulation_width=32,
            discriminator_width=32,
            use_encoder=True,
            latent_size=64,
            encoder_width=16,
        ),
        loss=LossConfig(weight_perceptual=0.0, discriminator_augment=("translation", "cutout")),
        optimizer=OptimizerConfig(decay_images=40_000),
        dataset=DataConfig(),
        augment=AugmentConfig(flip=True, rotate_degrees=5.0, scale=0.08, translate=0.03),
        train=TrainConfig(images=120_000, batch_size=16, ema_half_life=4_000),
    )


def smoke() -> SPADEConfig:
    """Seconds; proves that the code runs. Never look at its pictures."""
    return SPADEConfig(
        model=ModelConfig(
            image_size=32,
            generator_width=4,
            modulation_width=8,
            discriminator_width=8,
            use_encoder=True,
            latent_size=8,
            encoder_width=8,
        ),
        loss=LossConfig(weight_perceptual=0.0),
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
