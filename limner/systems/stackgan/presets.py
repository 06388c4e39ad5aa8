"""Complete configurations of StackGAN."""

from __future__ import annotations

from limner.systems.stackgan.config import ModelConfig, StackGANConfig
from limner.text_to_image.config import LossConfig, OptimizerConfig
from limner.text_to_image.presets import CPU, GPU, HALVED, cub, drawn, people


def paper() -> StackGANConfig:
    """The sizes of COCO at 256 pixels, 240 epochs of CUB: half for each stage; needs `--text.encoders`."""
    return StackGANConfig(
        model=ModelConfig(),
        loss=LossConfig(weight_damsm=0.0, weight_kl=2.0),
        optimizer=HALVED,
        **cub(epochs=240, batch_size=40),
    )


def gpu() -> StackGANConfig:
    """Captioned people at 128 pixels on one GPU; needs `--text.encoders`."""
    return StackGANConfig(
        model=ModelConfig(image_size=128),
        loss=LossConfig(weight_damsm=0.0, weight_kl=2.0, discriminator_augment=("translation", "cutout")),
        optimizer=HALVED,
        **people(GPU),
    )


def cpu() -> StackGANConfig:
    """Captioned people at 64 pixels on a CPU; needs `--text.encoders`."""
    return StackGANConfig(
        model=ModelConfig(image_size=64, width=32, num_blocks=1, discriminator_width=24),
        loss=LossConfig(weight_damsm=0.0, weight_kl=2.0, discriminator_augment=("translation", "cutout")),
        optimizer=OptimizerConfig(lr_generator=5e-4, lr_discriminator=5e-4, step_shares=(0.75,), step_factors=(0.2,)),
        **people(CPU),
    )


def smoke() -> StackGANConfig:
    """Seconds; proves that the code runs."""
    return StackGANConfig(
        model=ModelConfig(
            image_size=64,
            width=4,
            num_blocks=1,
            condition_size=8,
            latent_size=8,
            discriminator_width=4,
            first_share=0.25,
        ),
        loss=LossConfig(weight_damsm=0.0, weight_kl=2.0),
        optimizer=OptimizerConfig(),
        **drawn(),
    )


PRESETS = {"paper": paper, "gpu": gpu, "cpu": cpu, "smoke": smoke}
