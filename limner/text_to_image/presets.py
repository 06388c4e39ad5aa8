"""What presets of compared systems share, so that they see the same captions and pictures. No torch import."""

from __future__ import annotations

from typing import Any

from limner.data.config import AugmentConfig, DataConfig
from limner.engine.config import TrainConfig
from limner.text_to_image.config import OptimizerConfig, TextConfig

CUB = 8_855
"""Training pictures of CUB: an epoch."""
HALVED = OptimizerConfig(
    lr_generator=2e-4,
    lr_discriminator=2e-4,
    step_shares=(1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6),
    step_factors=(1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32),
)
"""Rates that are halved five times, as HDGAN's and StackGAN's authors do."""


def cub(*, epochs: int, batch_size: int, **train: Any) -> dict[str, Any]:
    """The sections `text`, `dataset`, `augment` and `train` of the papers on CUB.

    Args:
        epochs: of CUB's training pictures.
        batch_size: pictures of a step.
        train: further settings of the section.
    """
    return {
        "text": TextConfig(),
        "dataset": DataConfig(),
        "augment": AugmentConfig(flip=True, crop=1.0),
        "train": TrainConfig(
            images=epochs * CUB,
            batch_size=batch_size,
            precision="32-true",
            num_workers=8,
            log_every=10_000,
            sample_every=100_000,
            checkpoint_every=100_000,
            **train,
        ),
    }


def people(train: TrainConfig) -> dict[str, Any]:
    """The same sections for captioned people."""
    text = TextConfig(length=22, drawn="by_fact")
    return {"text": text, "dataset": DataConfig(), "augment": AugmentConfig(flip=True), "train": train}


def drawn() -> dict[str, Any]:
    """The same sections for a few drawn pictures: seconds."""
    train = TrainConfig(
        images=64, batch_size=8, precision="32-true", log_every=16, sample_every=32, checkpoint_every=32
    )
    text = TextConfig(length=8, code_size=16, embedding_size=16)
    return {"text": text, "dataset": DataConfig(), "augment": AugmentConfig(flip=True), "train": train}


GPU = TrainConfig(
    images=2_000_000,
    batch_size=32,
    ema_half_life=14_000,
    channels_last=True,
    num_workers=8,
    checkpoint_every=50_000,
)
CPU = TrainConfig(
    images=120_000,
    batch_size=16,
    ema_half_life=4_000,
    log_every=2_000,
    sample_every=5_000,
    checkpoint_every=10_000,
)
