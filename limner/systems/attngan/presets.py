"""Complete configurations of AttnGAN."""

from __future__ import annotations

from limner.systems.attngan.config import AttnGANConfig, ModelConfig
from limner.text_to_image.config import LossConfig, OptimizerConfig
from limner.text_to_image.presets import CPU, GPU, cub, drawn, people

_SMALL = 0.2
"""lambda for DAMSM's small image encoder, whose gradient at the picture was 30 times the discriminator's with 5."""
_CONSTANT = OptimizerConfig(lr_generator=2e-4, lr_discriminator=2e-4, step_shares=(), step_factors=())


def paper() -> AttnGANConfig:
    """The paper on CUB: 256 pixels, 600 epochs; needs `--text.encoders`."""
    return AttnGANConfig(
        model=ModelConfig(),
        loss=LossConfig(),
        optimizer=_CONSTANT,
        **cub(epochs=600, batch_size=20, ema_half_life=14_000),
    )


def gpu() -> AttnGANConfig:
    """Captioned people at 128 pixels on one GPU; needs `--text.encoders`."""
    return AttnGANConfig(
        model=ModelConfig(image_size=128),
        loss=LossConfig(weight_damsm=_SMALL, discriminator_augment=("translation", "cutout")),
        optimizer=_CONSTANT,
        **people(GPU),
    )


def cpu() -> AttnGANConfig:
    """Captioned people at 64 pixels on a CPU, with hfgan's sizes and rates; needs `--text.encoders`."""
    return AttnGANConfig(
        model=ModelConfig(image_size=64, width=16, num_blocks=1, discriminator_width=32),
        loss=LossConfig(weight_damsm=_SMALL, discriminator_augment=("translation", "cutout")),
        optimizer=OptimizerConfig(step_shares=(0.5, 0.75)),
        **people(CPU),
    )


def smoke() -> AttnGANConfig:
    """Seconds; proves that the code runs. Without a DAMSM."""
    return AttnGANConfig(
        model=ModelConfig(image_size=64, width=4, num_blocks=1, condition_size=8, latent_size=8, discriminator_width=4),
        loss=LossConfig(weight_damsm=0.0),
        optimizer=OptimizerConfig(),
        **drawn(),
    )


PRESETS = {"paper": paper, "gpu": gpu, "cpu": cpu, "smoke": smoke}
