"""Complete configurations of the lip reader."""

from __future__ import annotations

from limner.engine.config import TrainConfig
from limner.systems.wordnet.config import LossConfig, ModelConfig, OptimizerConfig, WordNetConfig
from limner.talking_faces.config import ClipConfig


def paper() -> WordNetConfig:
    """Published widths on LRW, 80 epochs (Feng et al. 2020): the word network of AVWnet, 19.6 M parameters."""
    return WordNetConfig(
        model=ModelConfig(has_points=False),
        loss=LossConfig(weight_points=0.0),
        optimizer=OptimizerConfig(),
        dataset=ClipConfig(num_frames=28),
        train=TrainConfig(
            images=80 * 488_766,
            batch_size=32,
            precision="32-true",
            num_workers=8,
            log_every=10_000,
            sample_every=400_000,
            checkpoint_every=400_000,
        ),
    )


def gpu() -> WordNetConfig:
    """Half the widths at 128 pixels on one GPU."""
    return WordNetConfig(
        model=ModelConfig(width=32),
        loss=LossConfig(),
        optimizer=OptimizerConfig(lr=1e-3),
        dataset=ClipConfig(num_frames=26),
        train=TrainConfig(
            images=600_000,
            batch_size=64,
            ema_half_life=4_000,
            num_workers=8,
            log_every=6_400,
            sample_every=64_000,
            checkpoint_every=32_000,
        ),
    )


def cpu() -> WordNetConfig:
    """64 pixels on a CPU, for the 20 words of people-talking: an eighth of the width, mouths of 32 pixels."""
    return WordNetConfig(
        model=ModelConfig(image_size=64, width=8, mouth_size=32),
        loss=LossConfig(),
        optimizer=OptimizerConfig(lr=3e-3),
        dataset=ClipConfig(num_frames=25),
        train=TrainConfig(
            images=60_000,
            batch_size=16,
            ema_half_life=500,
            log_every=400,
            sample_every=4_000,
            checkpoint_every=2_000,
        ),
    )


def smoke() -> WordNetConfig:
    """Seconds; proves that the code runs."""
    return WordNetConfig(
        model=ModelConfig(image_size=32, width=8, mouth_size=16),
        loss=LossConfig(),
        optimizer=OptimizerConfig(),
        dataset=ClipConfig(num_frames=8),
        train=TrainConfig(
            images=32, batch_size=4, precision="32-true", log_every=8, sample_every=16, checkpoint_every=16
        ),
    )


PRESETS = {"paper": paper, "gpu": gpu, "cpu": cpu, "smoke": smoke}
