"""Complete configurations of HDGAN."""

from __future__ import annotations

from limner.systems.hdgan.config import HDGANConfig, ModelConfig
from limner.text_to_image.config import LossConfig, OptimizerConfig
from limner.text_to_image.presets import CPU, GPU, HALVED, cub, drawn, people


def paper() -> HDGANConfig:
    """The paper on CUB: 256 pixels, 600 epochs, rates halved every 100; needs `--text.encoders`."""
    return HDGANConfig(
        model=ModelConfig(),
        loss=LossConfig(weight_damsm=0.0, weight_kl=4.0),
        optimizer=HALVED,
        **cub(epochs=600, batch_size=10),
    )


def gpu() -> HDGANConfig:
    """Captioned people at 128 pixels on one GPU; needs `--text.encoders`."""
    return HDGANConfig(
        model=ModelConfig(image_size=128),
        loss=LossConfig(weight_damsm=0.0, weight_kl=4.0, discriminator_augment=("translation", "cutout")),
        optimizer=HALVED,
        **people(GPU),
    )


def cpu() -> HDGANConfig:
    """Captioned people at 64 pixels on a CPU; needs `--text.encoders`."""
    return HDGANConfig(
        model=ModelConfig(image_size=64, width=16, discriminator_width=16, most_channels=128),
        loss=LossConfig(weight_damsm=0.0, weight_kl=4.0, discriminator_augment=("translation", "cutout")),
        optimizer=OptimizerConfig(lr_generator=5e-4, lr_discriminator=5e-4, step_shares=(0.75,), step_factors=(0.2,)),
        **people(CPU),
    )


def smoke() -> HDGANConfig:
    """Seconds; proves that the code runs."""
    return HDGANConfig(
        model=ModelConfig(
            image_size=64, width=4, condition_size=8, latent_size=8, discriminator_width=4, most_channels=16
        ),
        loss=LossConfig(weight_damsm=0.0, weight_kl=4.0),
        optimizer=OptimizerConfig(),
        **drawn(),
    )


PRESETS = {"paper": paper, "gpu": gpu, "cpu": cpu, "smoke": smoke}
