"""Complete configurations of HDGAN."""

from __future__ import annotations

from limner.data.config import AugmentConfig, DataConfig
from limner.engine.config import TrainConfig
from limner.systems.hdgan.config import HDGANConfig, ModelConfig
from limner.text_to_image.config import LossConfig, OptimizerConfig, TextConfig

_CUB = 8_855  # training pictures, of an epoch
_HALVED = OptimizerConfig(
    lr_generator=2e-4,
    lr_discriminator=2e-4,
    step_shares=(1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6),
    step_factors=(1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32),
)


def paper() -> HDGANConfig:
    """The paper on CUB: 256 pixels, 600 epochs, rates halved every 100; needs `--text.encoders`."""
    return HDGANConfig(
        model=ModelConfig(),
        text=TextConfig(),
        loss=LossConfig(weight_damsm=0.0, weight_kl=4.0),
        optimizer=_HALVED,
        dataset=DataConfig(),
        augment=AugmentConfig(flip=True, crop=1.0),
        train=TrainConfig(
            images=600 * _CUB,
            batch_size=10,
            num_workers=8,
            log_every=10_000,
            sample_every=100_000,
            checkpoint_every=100_000,
        ),
    )


def gpu() -> HDGANConfig:
    """Captioned people at 128 pixels on one GPU; needs `--text.encoders`."""
    return HDGANConfig(
        model=ModelConfig(image_size=128),
        text=TextConfig(length=22, drawn="by_fact"),
        loss=LossConfig(weight_damsm=0.0, weight_kl=4.0, discriminator_augment=("translation", "cutout")),
        optimizer=_HALVED,
        dataset=DataConfig(),
        augment=AugmentConfig(flip=True),
        train=TrainConfig(
            images=2_000_000,
            batch_size=32,
            ema_half_life=14_000,
            channels_last=True,
            num_workers=8,
            checkpoint_every=50_000,
        ),
    )


def cpu() -> HDGANConfig:
    """Captioned people at 64 pixels on a CPU; needs `--text.encoders`."""
    return HDGANConfig(
        model=ModelConfig(image_size=64, width=16, discriminator_width=16, most_channels=128),
        text=TextConfig(length=22, drawn="by_fact"),
        loss=LossConfig(weight_damsm=0.0, weight_kl=4.0, discriminator_augment=("translation", "cutout")),
        optimizer=OptimizerConfig(lr_generator=5e-4, lr_discriminator=5e-4, step_shares=(0.75,), step_factors=(0.2,)),
        dataset=DataConfig(),
        augment=AugmentConfig(flip=True),
        train=TrainConfig(
            images=120_000,
            batch_size=16,
            ema_half_life=4_000,
            log_every=2_000,
            sample_every=5_000,
            checkpoint_every=10_000,
        ),
    )


def smoke() -> HDGANConfig:
    """Seconds; proves that the code runs."""
    return HDGANConfig(
        model=ModelConfig(
            image_size=64, width=4, condition_size=8, latent_size=8, discriminator_width=4, most_channels=16
        ),
        text=TextConfig(length=8, code_size=16, embedding_size=16),
        loss=LossConfig(weight_damsm=0.0, weight_kl=4.0),
        optimizer=OptimizerConfig(),
        dataset=DataConfig(),
        augment=AugmentConfig(flip=True),
        train=TrainConfig(
            images=64, batch_size=8, precision="32-true", log_every=16, sample_every=32, checkpoint_every=32
        ),
    )


PRESETS = {"paper": paper, "gpu": gpu, "cpu": cpu, "smoke": smoke}
