"""Complete configurations of AttnGAN."""

from __future__ import annotations

from limner.data.config import AugmentConfig, DataConfig
from limner.engine.config import TrainConfig
from limner.systems.attngan.config import AttnGANConfig, ModelConfig
from limner.text_to_image.config import LossConfig, OptimizerConfig, TextConfig

_CUB = 8_855  # training pictures, of an epoch
_SMALL = 0.2
"""lambda for DAMSM's small image encoder, whose gradient at the picture was 30 times the discriminator's with 5."""
_CONSTANT = OptimizerConfig(lr_generator=2e-4, lr_discriminator=2e-4, step_shares=(), step_factors=())


def paper() -> AttnGANConfig:
    """The paper on CUB: 256 pixels, 600 epochs; needs `--text.encoders`."""
    return AttnGANConfig(
        model=ModelConfig(),
        text=TextConfig(),
        loss=LossConfig(),
        optimizer=_CONSTANT,
        dataset=DataConfig(),
        augment=AugmentConfig(flip=True, crop=1.0),
        train=TrainConfig(
            images=600 * _CUB,
            batch_size=20,
            ema_half_life=14_000,
            num_workers=8,
            log_every=10_000,
            sample_every=100_000,
            checkpoint_every=100_000,
        ),
    )


def gpu() -> AttnGANConfig:
    """Captioned people at 128 pixels on one GPU; needs `--text.encoders`."""
    return AttnGANConfig(
        model=ModelConfig(image_size=128),
        text=TextConfig(length=22, drawn="by_fact"),
        loss=LossConfig(weight_damsm=_SMALL, discriminator_augment=("translation", "cutout")),
        optimizer=_CONSTANT,
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


def cpu() -> AttnGANConfig:
    """Captioned people at 64 pixels on a CPU, with hfgan's sizes and rates; needs `--text.encoders`."""
    return AttnGANConfig(
        model=ModelConfig(image_size=64, width=16, num_blocks=1, discriminator_width=32),
        text=TextConfig(length=22, drawn="by_fact"),
        loss=LossConfig(weight_damsm=_SMALL, discriminator_augment=("translation", "cutout")),
        optimizer=OptimizerConfig(step_shares=(0.5, 0.75)),
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


def smoke() -> AttnGANConfig:
    """Seconds; proves that the code runs. Without a DAMSM."""
    return AttnGANConfig(
        model=ModelConfig(image_size=64, width=4, num_blocks=1, condition_size=8, latent_size=8, discriminator_width=4),
        text=TextConfig(length=8, code_size=16, embedding_size=16),
        loss=LossConfig(weight_damsm=0.0),
        optimizer=OptimizerConfig(),
        dataset=DataConfig(),
        augment=AugmentConfig(flip=True),
        train=TrainConfig(
            images=64, batch_size=8, precision="32-true", log_every=16, sample_every=32, checkpoint_every=32
        ),
    )


PRESETS = {"paper": paper, "gpu": gpu, "cpu": cpu, "smoke": smoke}
