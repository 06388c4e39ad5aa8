"""Complete configurations of LGcGAN."""

from __future__ import annotations

from limner.data.config import AugmentConfig, DataConfig
from limner.engine.config import TrainConfig
from limner.systems.lgcgan.config import LGcGANConfig, LossConfig, ModelConfig, OptimizerConfig, ValidationConfig

_AUGMENT = AugmentConfig(flip=True)


def paper() -> LGcGANConfig:
    """The specification: 128 pixels, 100 epochs of UTKFace's 23,400 faces, transposed convolutions, no noise."""
    return LGcGANConfig(
        model=ModelConfig(upsampling="transposed"),
        loss=LossConfig(cycle_noise=0.0),
        optimizer=OptimizerConfig(),
        validation=ValidationConfig(),
        dataset=DataConfig(),
        augment=_AUGMENT,
        train=TrainConfig(
            images=2_100_000,
            batch_size=32,
            precision="32-true",
            num_workers=8,
            log_every=10_000,
            sample_every=50_000,
            checkpoint_every=50_000,
        ),
    )


def gpu() -> LGcGANConfig:
    """128 pixels on one GPU, with what keeps the networks from writing to each other."""
    return LGcGANConfig(
        model=ModelConfig(),
        loss=LossConfig(
            discriminator_augment=("translation", "cutout"),
            discriminator_noise=0.05,
            discriminator_blur=0.5,
            label_smoothing=0.1,
        ),
        optimizer=OptimizerConfig(),
        validation=ValidationConfig(),
        dataset=DataConfig(),
        augment=_AUGMENT,
        train=TrainConfig(
            images=1_000_000,
            batch_size=32,
            ema_half_life=10_000,
            channels_last=True,
            num_workers=8,
        ),
    )


def cpu() -> LGcGANConfig:
    """64 pixels on a CPU, for people-ages of some 800 people."""
    return LGcGANConfig(
        model=ModelConfig(image_size=64, width=24, num_blocks=2, kernel=5, discriminator_width=24),
        loss=LossConfig(
            cycle_noise=0.05,
            discriminator_augment=("translation", "cutout"),
            discriminator_noise=0.05,
            discriminator_blur=0.5,
            label_smoothing=0.1,
        ),
        optimizer=OptimizerConfig(lr_generator=6e-4, lr_discriminator=4e-4),
        validation=ValidationConfig(),
        dataset=DataConfig(),
        augment=_AUGMENT,
        train=TrainConfig(
            images=45_000,
            batch_size=16,
            ema_half_life=1_500,
            log_every=1_000,
            sample_every=5_000,
            checkpoint_every=5_000,
        ),
    )


def paired() -> LGcGANConfig:
    """Not the paper's method: 64 pixels on a CPU, from true pictures of the same people at other ages.

    For `limner data make people-ages --same-scene`, and with `--validation.judge`. There are neither discriminators nor
    an inverse task.
    """
    return LGcGANConfig(
        model=ModelConfig(image_size=64, width=32, num_blocks=3, kernel=5),
        loss=LossConfig(
            weight_adversarial=0.0,
            weight_age=0.0,
            weight_paired=4.0,
            weight_paired_features=1.0,
            inverse_task=False,
            cycle_noise=0.0,
        ),
        optimizer=OptimizerConfig(lr_generator=1e-3, decay_images=30_000),
        validation=ValidationConfig(),
        dataset=DataConfig(),
        augment=_AUGMENT,
        train=TrainConfig(
            images=100_000,
            batch_size=16,
            ema_half_life=1_000,
            log_every=2_000,
            sample_every=10_000,
            checkpoint_every=10_000,
        ),
    )


def smoke() -> LGcGANConfig:
    """Seconds; proves that the code runs."""
    return LGcGANConfig(
        model=ModelConfig(image_size=32, width=8, num_blocks=1, kernel=3, discriminator_width=8),
        loss=LossConfig(),
        optimizer=OptimizerConfig(),
        validation=ValidationConfig(),
        dataset=DataConfig(),
        augment=_AUGMENT,
        train=TrainConfig(
            images=64, batch_size=8, precision="32-true", log_every=16, sample_every=32, checkpoint_every=32
        ),
    )


PRESETS = {"paper": paper, "gpu": gpu, "cpu": cpu, "paired": paired, "smoke": smoke}
