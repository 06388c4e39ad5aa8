"""Complete configurations of the judge of synchrony."""

from __future__ import annotations

from limner.engine.config import TrainConfig
from limner.systems.syncnet.config import LossConfig, ModelConfig, OptimizerConfig, SyncNetConfig
from limner.talking_faces.config import ClipConfig


def paper() -> SyncNetConfig:
    """Wav2Lip's expert: 96 pixels, 16.4 M parameters, batches of 64. Its length is not published."""
    return SyncNetConfig(
        model=ModelConfig(),
        loss=LossConfig(),
        optimizer=OptimizerConfig(),
        dataset=ClipConfig(num_frames=25),
        train=TrainConfig(
            images=5_000_000,
            batch_size=64,
            precision="32-true",
            num_workers=8,
            log_every=6_400,
            sample_every=640_000,
            checkpoint_every=640_000,
        ),
    )


def gpu() -> SyncNetConfig:
    """Half the widths on one GPU."""
    return SyncNetConfig(
        model=ModelConfig(width=16),
        loss=LossConfig(windows=4),
        optimizer=OptimizerConfig(lr=3e-4, decay_images=100_000),
        dataset=ClipConfig(num_frames=26),
        train=TrainConfig(
            images=400_000,
            batch_size=32,
            ema_half_life=4_000,
            num_workers=8,
            log_every=3_200,
            sample_every=32_000,
            checkpoint_every=32_000,
        ),
    )


def cpu() -> SyncNetConfig:
    """64 pixels and a quarter of the width, for people-talking on a CPU."""
    return SyncNetConfig(
        model=ModelConfig(image_size=64, width=8),
        loss=LossConfig(windows=4, min_shift=2),
        optimizer=OptimizerConfig(lr=5e-4, decay_images=6_000),
        dataset=ClipConfig(num_frames=26),
        train=TrainConfig(
            images=24_000,
            batch_size=16,
            ema_half_life=800,
            log_every=400,
            sample_every=8_000,
            checkpoint_every=2_000,
        ),
    )


def smoke() -> SyncNetConfig:
    """Seconds; proves that the code runs."""
    return SyncNetConfig(
        model=ModelConfig(image_size=32, width=4),
        loss=LossConfig(),
        optimizer=OptimizerConfig(),
        dataset=ClipConfig(num_frames=12),
        train=TrainConfig(
            images=32, batch_size=4, precision="32-true", log_every=8, sample_every=16, checkpoint_every=16
        ),
    )


PRESETS = {"paper": paper, "gpu": gpu, "cpu": cpu, "smoke": smoke}
