"""Complete configurations of ATVGnet, beside those of AVWnet."""

from __future__ import annotations

from limner.systems.atvgnet.config import ATVGnetConfig, LossConfig, ModelConfig, OptimizerConfig
from limner.talking_faces.config import ClipConfig
from limner.talking_faces.presets import CPU, GPU, PAPER, SMOKE


def paper() -> ATVGnetConfig:
    """The authors' sizes at 128 pixels and five epochs of LRW."""
    return ATVGnetConfig(
        model=ModelConfig(),
        loss=LossConfig(basis_images=20_000),
        optimizer=OptimizerConfig(),
        dataset=ClipConfig(),
        train=PAPER,
    )


def gpu() -> ATVGnetConfig:
    """128 pixels on one GPU, half the widths, averaged weights."""
    return ATVGnetConfig(
        model=ModelConfig(width=32, discriminator_width=32),
        loss=LossConfig(weight_mouth=2.0),
        optimizer=OptimizerConfig(),
        dataset=ClipConfig(),
        train=GPU,
    )


def cpu() -> ATVGnetConfig:
    """64 pixels on two cores for people-talking: a quarter of the widths, two blocks."""
    return ATVGnetConfig(
        model=ModelConfig(image_size=64, width=16, num_blocks=2, discriminator_width=16),
        loss=LossConfig(weight_mouth=4.0, basis_images=400),
        optimizer=OptimizerConfig(lr=5e-4),
        dataset=ClipConfig(num_frames=8),
        train=CPU,
    )


def smoke() -> ATVGnetConfig:
    """Seconds; proves that the code runs."""
    return ATVGnetConfig(
        model=ModelConfig(image_size=64, width=4, num_blocks=1, discriminator_width=4),
        loss=LossConfig(basis_images=2),
        optimizer=OptimizerConfig(),
        dataset=ClipConfig(num_frames=4),
        train=SMOKE,
    )


PRESETS = {"paper": paper, "gpu": gpu, "cpu": cpu, "smoke": smoke}
