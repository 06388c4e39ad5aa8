"""Complete configurations of HfGAN."""

from __future__ import annotations

from limner.data.config import AugmentConfig, DataConfig
from limner.engine.config import TrainConfig
from limner.systems.hfgan.config import HfGANConfig, ModelConfig
from limner.text_to_image.config import LossConfig, OptimizerConfig, TextConfig
from limner.text_to_image.presets import CPU, CUB, GPU

_SMALL = 0.2
"""lambda for DAMSM's small image encoder, whose gradient at the picture was 30 times the discriminator's with 5."""


def paper() -> HfGANConfig:
    """The paper on CUB: 256 pixels, 600 epochs; needs `--text.encoders`."""
    return HfGANConfig(
        model=ModelConfig(),
        text=TextConfig(),
        loss=LossConfig(),
        optimizer=OptimizerConfig(),
        dataset=DataConfig(),
        augment=AugmentConfig(flip=True, crop=1.0),
        train=TrainConfig(
            images=600 * CUB,
            batch_size=20,
            precision="32-true",
            ema_half_life=14_000,
            num_workers=8,
            log_every=10_000,
            sample_every=100_000,
            checkpoint_every=100_000,
        ),
    )


def attndcgan() -> HfGANConfig:
    """The variant that AttnGAN's authors published: no fusion, no residual blocks, one judgement, 400 epochs."""
    return HfGANConfig(
        model=ModelConfig(num_blocks=0, fusion="none", unconditional=False),
        text=TextConfig(),
        loss=LossConfig(weight_damsm=1.0),
        optimizer=OptimizerConfig(lr_generator=2e-4, lr_discriminator=2e-4, step_shares=(), step_factors=()),
        dataset=DataConfig(),
        augment=AugmentConfig(flip=True, crop=1.0),
        train=TrainConfig(
            images=400 * CUB,
            batch_size=30,
            precision="32-true",
            ema_half_life=21_000,
            num_workers=8,
            log_every=10_000,
            sample_every=100_000,
            checkpoint_every=100_000,
        ),
    )


def gpu() -> HfGANConfig:
    """Captioned people at 128 pixels on one GPU; needs `--text.encoders`."""
    return HfGANConfig(
        model=ModelConfig(image_size=128),
        text=TextConfig(length=22, drawn="by_fact"),
        loss=LossConfig(weight_damsm=_SMALL, discriminator_augment=("translation", "cutout")),
        optimizer=OptimizerConfig(step_shares=(0.5, 0.75)),
        dataset=DataConfig(),
        augment=AugmentConfig(flip=True),
        train=GPU,
    )


def cpu() -> HfGANConfig:
    """Captioned people at 64 pixels on a CPU; needs `--text.encoders`, such as a run of damsm's preset of this name.

    What is enlarged is smoothed, against a grid; the discriminator has R1 and sees no moved pictures, behind which it
    learns late (decision 24). About 45 images/s on one core with bfloat16 in hardware.
    """
    return HfGANConfig(
        model=ModelConfig(image_size=64, width=16, num_blocks=1, smooth_enlargement=True, discriminator_width=32),
        text=TextConfig(length=22, drawn="by_fact"),
        loss=LossConfig(weight_damsm=_SMALL, weight_r1=0.1, r1_every=4, discriminator_augment=("cutout",)),
        optimizer=OptimizerConfig(lr_generator=5e-4, lr_discriminator=5e-4, step_shares=(0.5, 0.8)),
        dataset=DataConfig(),
        augment=AugmentConfig(flip=True),
        train=CPU,
    )


def smoke() -> HfGANConfig:
    """Seconds; proves that the code runs. Without a DAMSM."""
    return HfGANConfig(
        model=ModelConfig(image_size=32, width=4, num_blocks=1, condition_size=8, latent_size=8, discriminator_width=8),
        text=TextConfig(length=8, code_size=16, embedding_size=16),
        loss=LossConfig(weight_damsm=0.0),
        optimizer=OptimizerConfig(),
        dataset=DataConfig(),
        augment=AugmentConfig(flip=True),
        train=TrainConfig(
            images=64, batch_size=8, precision="32-true", log_every=16, sample_every=32, checkpoint_every=32
        ),
    )


PRESETS = {"paper": paper, "attndcgan": attndcgan, "gpu": gpu, "cpu": cpu, "smoke": smoke}
