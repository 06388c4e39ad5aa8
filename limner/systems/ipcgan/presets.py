"""Complete configurations of IPCGAN."""

from __future__ import annotations

from limner.data.config import AugmentConfig, DataConfig
from limner.engine.config import TrainConfig
from limner.systems.ipcgan.config import IPCGANConfig, LossConfig, ModelConfig, OptimizerConfig, ValidationConfig

_AUGMENT = AugmentConfig(flip=True)


def paper() -> IPCGANConfig:
    """The authors' settings at 128 pixels: 200,000 steps of 32 pictures, after the face network has learned."""
    return IPCGANConfig(
        model=ModelConfig(),
        loss=LossConfig(),
        optimizer=OptimizerConfig(),
        validation=ValidationConfig(),
        dataset=DataConfig(),
        augment=AugmentConfig(),
        train=TrainConfig(
            images=6_600_000,
            batch_size=32,
            precision="32-true",
            num_workers=8,
            log_every=10_000,
            sample_every=50_000,
            checkpoint_every=50_000,
        ),
    )


def gpu() -> IPCGANConfig:
    """128 pixels on one GPU."""
    return IPCGANConfig(
        model=ModelConfig(),
        loss=LossConfig(),
        optimizer=OptimizerConfig(face_images=200_000),
        validation=ValidationConfig(),
        dataset=DataConfig(),
        augment=_AUGMENT,
        train=TrainConfig(images=1_000_000, batch_size=32, ema_half_life=10_000, num_workers=8),
    )


def cpu() -> IPCGANConfig:
    """64 pixels on a CPU, beside lgcgan's preset of that name: as many pictures, generators of a like size."""
    return IPCGANConfig(
        model=ModelConfig(
            image_size=64, width=16, num_blocks=3, discriminator_width=24, face_width=24, face_size=99, num_people=2_000
        ),
        loss=LossConfig(),
        optimizer=OptimizerConfig(lr_face=5e-4, face_images=20_000),
        validation=ValidationConfig(),
        dataset=DataConfig(),
        augment=_AUGMENT,
        train=TrainConfig(
            images=60_000,
            batch_size=16,
            ema_half_life=1_500,
            log_every=1_000,
            sample_every=10_000,
            checkpoint_every=10_000,
        ),
    )


def smoke() -> IPCGANConfig:
    """Seconds; proves that the code runs."""
    return IPCGANConfig(
        model=ModelConfig(
            image_size=32, width=4, num_blocks=1, discriminator_width=4, face_width=8, face_size=67, num_people=50
        ),
        loss=LossConfig(),
        optimizer=OptimizerConfig(face_images=16),
        validation=ValidationConfig(),
        dataset=DataConfig(),
        augment=_AUGMENT,
        train=TrainConfig(
            images=64, batch_size=8, precision="32-true", log_every=16, sample_every=32, checkpoint_every=32
        ),
    )


PRESETS = {"paper": paper, "gpu": gpu, "cpu": cpu, "smoke": smoke}
