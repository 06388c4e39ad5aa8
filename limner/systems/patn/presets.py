"""Complete configurations of PATN."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from limner.engine.config import TrainConfig
from limner.pose_transfer.config import PairConfig
from limner.pose_transfer.presets import CPU, GPU, SMOKE
from limner.systems.patn.config import LossConfig, ModelConfig, OptimizerConfig, PATNConfig

EPOCH = 4_000  # pairs that the authors' code calls an epoch


def paper() -> PATNConfig:
    """The authors' sizes and schedule on DeepFashion: 500 epochs of 4,000 pairs and 200 of falling rates.

    Name a file of VGG-19's weights with --loss.vgg_weights.
    """
    return PATNConfig(
        model=ModelConfig(),
        loss=LossConfig(),
        optimizer=OptimizerConfig(decay_images=200 * EPOCH),
        dataset=PairConfig(),
        train=TrainConfig(
            images=700 * EPOCH,
            batch_size=7,
            precision="32-true",
            num_workers=4,
            log_every=1_400,
            sample_every=56_000,
            checkpoint_every=56_000,
        ),
    )


def gpu() -> PATNConfig:
    """128 x 88 on one GPU in hours: half of the width, larger batches, averaged weights, Gaussian joints."""
    return replace(
        paper(),
        model=ModelConfig(image_size=(128, 88), width=32, discriminator_width=32, heatmap="gaussian"),
        optimizer=OptimizerConfig(lr=4e-4, decay_images=400_000),
        dataset=PairConfig(flip=True),
        train=GPU,
    )


def cpu() -> PATNConfig:
    """64 x 44 on two cores: a quarter of the width, Gaussian joints, averaged weights; as many pairs as SCA-GAN's."""
    return replace(
        paper(),
        model=ModelConfig(
            image_size=(64, 44),
            width=16,
            num_blocks=5,
            discriminator_width=12,
            discriminator_blocks=2,
            heatmap="gaussian",
        ),
        optimizer=OptimizerConfig(lr=4e-4, decay_images=20_000),
        dataset=PairConfig(flip=True),
        train=CPU,
    )


def smoke() -> PATNConfig:
    """Seconds; proves that the code runs. Never look at its pictures."""
    return replace(
        paper(),
        model=ModelConfig(image_size=(64, 44), width=4, num_blocks=2, discriminator_width=4, discriminator_blocks=1),
        train=SMOKE,
    )


PRESETS: dict[str, Callable[[], PATNConfig]] = {"paper": paper, "gpu": gpu, "cpu": cpu, "smoke": smoke}
