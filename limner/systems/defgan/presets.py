"""Complete configurations of Def-GAN."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from limner.engine.config import TrainConfig
from limner.pose_transfer.config import PairConfig
from limner.pose_transfer.presets import CPU, GPU, SMOKE
from limner.systems.defgan.config import DefGANConfig, LossConfig, ModelConfig, OptimizerConfig


def paper() -> DefGANConfig:
    """The paper's sizes on DeepFashion: 90 epochs.

    How many pairs an epoch has is not in the specification that was read; it is 4,000 here, as PATN's. Name a file of
    VGG-19's weights with --loss.vgg_weights.
    """
    return DefGANConfig(
        model=ModelConfig(),
        loss=LossConfig(),
        optimizer=OptimizerConfig(),
        dataset=PairConfig(),
        train=TrainConfig(
            images=90 * 4_000,
            batch_size=2,
            precision="32-true",
            num_workers=4,
            log_every=1_000,
            sample_every=40_000,
            checkpoint_every=40_000,
        ),
    )


def gpu() -> DefGANConfig:
    """128 x 88 on one GPU in hours: half of the width, larger batches, averaged weights."""
    return replace(
        paper(),
        model=ModelConfig(image_size=(128, 88), width=32, discriminator_width=32),
        loss=LossConfig(reach=1),
        optimizer=OptimizerConfig(lr=4e-4, decay_images=400_000),
        dataset=PairConfig(flip=True),
        train=GPU,
    )


def cpu() -> DefGANConfig:
    """64 x 44 on two cores: a quarter of the width, averaged weights; as many pairs as SCA-GAN's."""
    return replace(
        paper(),
        model=ModelConfig(image_size=(64, 44), width=16, discriminator_width=12),
        loss=LossConfig(reach=1),
        optimizer=OptimizerConfig(lr=4e-4, decay_images=20_000),
        dataset=PairConfig(flip=True),
        train=CPU,
    )


def smoke() -> DefGANConfig:
    """Seconds; proves that the code runs. Never look at its pictures."""
    return replace(
        paper(),
        model=ModelConfig(image_size=(64, 44), width=4, discriminator_width=4),
        loss=LossConfig(reach=1),
        train=SMOKE,
    )


PRESETS: dict[str, Callable[[], DefGANConfig]] = {"paper": paper, "gpu": gpu, "cpu": cpu, "smoke": smoke}
