"""Complete configurations of Speech2Vid, beside those of AVWnet."""

from __future__ import annotations

from limner.systems.speech2vid.config import LossConfig, ModelConfig, OptimizerConfig, Speech2VidConfig
from limner.talking_faces.config import ClipConfig
from limner.talking_faces.presets import CPU, GPU, PAPER, SMOKE


def paper() -> Speech2VidConfig:
    """128 pixels and the widths that were inferred from the paper; its schedule is not stated."""
    return Speech2VidConfig(
        model=ModelConfig(),
        loss=LossConfig(),
        optimizer=OptimizerConfig(),
        dataset=ClipConfig(),
        train=PAPER,
    )


def gpu() -> Speech2VidConfig:
    """128 pixels on one GPU, half the widths, averaged weights."""
    return Speech2VidConfig(
        model=ModelConfig(width=32, sharpener_width=32),
        loss=LossConfig(weight_mouth=2.0),
        optimizer=OptimizerConfig(),
        dataset=ClipConfig(),
        train=GPU,
    )


def cpu() -> Speech2VidConfig:
    """64 pixels on two cores for people-talking: a quarter of the widths."""
    return Speech2VidConfig(
        model=ModelConfig(image_size=64, width=16, sharpener_width=16, sharpener_layers=6),
        loss=LossConfig(weight_mouth=4.0),
        optimizer=OptimizerConfig(lr=5e-4),
        dataset=ClipConfig(num_frames=8),
        train=CPU,
    )


def smoke() -> Speech2VidConfig:
    """Seconds; proves that the code runs."""
    return Speech2VidConfig(
        model=ModelConfig(image_size=64, width=4, sharpener_width=4, sharpener_layers=2),
        loss=LossConfig(sharpen_share=0.75),
        optimizer=OptimizerConfig(),
        dataset=ClipConfig(num_frames=4),
        train=SMOKE,
    )


PRESETS = {"paper": paper, "gpu": gpu, "cpu": cpu, "smoke": smoke}
