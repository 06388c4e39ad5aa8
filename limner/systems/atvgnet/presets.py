"""Complete configurations of ATVGnet, beside those of AVWnet."""

from __future__ import annotations

from limner.engine.config import TrainConfig
from limner.systems.atvgnet.config import ATVGnetConfig, LossConfig, ModelConfig, OptimizerConfig
from limner.talking_faces.config import ClipConfig


def paper() -> ATVGnetConfig:
    """The authors' sizes at 128 pixels and five epochs of LRW."""
    return ATVGnetConfig(
        model=ModelConfig(),
        loss=LossConfig(basis_images=20_000),
        optimizer=OptimizerConfig(),
        dataset=ClipConfig(),
        train=TrainConfig(
            images=5 * 488_766,
            batch_size=10,
            num_workers=8,
            log_every=1_000,
            sample_every=20_000,
            checkpoint_every=50_000,
        ),
    )


def gpu() -> ATVGnetConfig:
    """128 pixels on one GPU, half the widths, averaged weights."""
    return ATVGnetConfig(
        model=ModelConfig(width=32, discriminator_width=32),
        loss=LossConfig(weight_mouth=2.0),
        optimizer=OptimizerConfig(),
        dataset=ClipConfig(),
        train=TrainConfig(
            images=300_000,
            batch_size=16,
            ema_half_life=4_000,
            channels_last=True,
            num_workers=8,
            log_every=1_600,
            sample_every=16_000,
            checkpoint_every=16_000,
        ),
    )


def cpu() -> ATVGnetConfig:
    """64 pixels on two cores for people-talking: a quarter of the widths, two blocks."""
    return ATVGnetConfig(
        model=ModelConfig(image_size=64, width=16, num_blocks=2, discriminator_width=16),
        loss=LossConfig(weight_mouth=4.0, basis_images=400),
        optimizer=OptimizerConfig(lr=5e-4),
        dataset=ClipConfig(num_frames=8),
        train=TrainConfig(
            images=12_500,
            batch_size=4,
            ema_half_life=400,
            log_every=200,
            sample_every=1_000,
            checkpoint_every=1_000,
        ),
    )


def smoke() -> ATVGnetConfig:
    """Seconds; proves that the code runs."""
    return ATVGnetConfig(
        model=ModelConfig(image_size=64, width=4, num_blocks=1, discriminator_width=4),
        loss=LossConfig(basis_images=2),
        optimizer=OptimizerConfig(),
        dataset=ClipConfig(num_frames=4),
        train=TrainConfig(
            images=16, batch_size=2, precision="32-true", log_every=4, sample_every=8, checkpoint_every=8
        ),
    )


PRESETS = {"paper": paper, "gpu": gpu, "cpu": cpu, "smoke": smoke}
