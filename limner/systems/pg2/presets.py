"""Complete configurations of PG2."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from limner.engine.config import TrainConfig
from limner.pose_transfer.config import PairConfig
from limner.pose_transfer.presets import CPU, GPU, SMOKE
from limner.systems.pg2.config import LossConfig, ModelConfig, OptimizerConfig, PG2Config


def paper() -> PG2Config:
    """The authors' sizes on DeepFashion at 256 x 256: 80,000 steps, of which the first network has half alone.

    How long it learns alone on DeepFashion is not in the scripts that were read (22,000 steps on Market-1501).
    """
    return PG2Config(
        model=ModelConfig(),
        loss=LossConfig(),
        optimizer=OptimizerConfig(),
        dataset=PairConfig(),
        train=TrainConfig(
            images=1_280_000,
            batch_size=16,
            precision="32-true",
            num_workers=4,
            log_every=1_600,
            sample_every=64_000,
            checkpoint_every=64_000,
        ),
    )


def gpu() -> PG2Config:
    """128 x 88 on one GPU in hours: half of the width, larger batches and rates, averaged weights."""
    return replace(
        paper(),
        model=ModelConfig(image_size=(128, 88), width=64, discriminator_width=32),
        optimizer=OptimizerConfig(lr=2e-4, decay_images=400_000, coarse_images=400_000),
        dataset=PairConfig(flip=True),
        train=GPU,
    )


def cpu() -> PG2Config:
    """64 x 44 on two cores: an eighth of the width, averaged weights; as many pairs as SCA-GAN's."""
    return replace(
        paper(),
        model=ModelConfig(image_size=(64, 44), width=16, discriminator_width=12),
        optimizer=OptimizerConfig(lr=4e-4, decay_images=20_000, coarse_images=25_000),
        dataset=PairConfig(flip=True),
        train=CPU,
    )


def smoke() -> PG2Config:
    """Seconds; proves that the code runs. Never look at its pictures."""
    return replace(
        paper(),
        model=ModelConfig(image_size=(64, 44), width=4, discriminator_width=4),
        optimizer=OptimizerConfig(coarse_images=4),
        train=SMOKE,
    )


PRESETS: dict[str, Callable[[], PG2Config]] = {"paper": paper, "gpu": gpu, "cpu": cpu, "smoke": smoke}
