"""Complete configurations of AVWnet."""

from __future__ import annotations

import dataclasses

from limner.engine.config import TrainConfig
from limner.systems.avwnet.config import AVWnetConfig, LossConfig, ModelConfig, OptimizerConfig
from limner.talking_faces.config import ClipConfig
from limner.talking_faces.presets import GPU, PAPER, SMOKE


def paper() -> AVWnetConfig:
    """The sizes of the specification at 128 pixels for LRW: 57.4 M parameters, five epochs as ATVGnet.

    Name a run of wordnet with --loss.reader; other weights cannot be opened.
    """
    return AVWnetConfig(
        model=ModelConfig(),
        loss=LossConfig(word_images=5_000 * 10, mean_landmarks=0.0),
        optimizer=OptimizerConfig(),
        dataset=ClipConfig(),
        train=dataclasses.replace(PAPER, clip_norm=10.0),
    )


def gpu() -> AVWnetConfig:
    """128 pixels on one GPU, half the widths, averaged weights. Name a run of wordnet with --loss.reader."""
    return AVWnetConfig(
        model=ModelConfig(width=32, is_normalized=True, discriminator_width=32, sequence_width=16),
        loss=LossConfig(weight_mouth=2.0, weight_color=2.0, pixel_images=30_000, word_images=60_000),
        optimizer=OptimizerConfig(decay_images=100_000),
        dataset=ClipConfig(),
        train=dataclasses.replace(GPU, clip_norm=10.0),
    )


def cpu() -> AVWnetConfig:
    """64 pixels on two cores for people-talking: a quarter of the widths, no words, pixels alone.

    What is ours, each named at its option: twelve frames are heard and four of them painted; the colours are the
    photo's, changed; speech learns the mouth's motion without the pixels; the mouth's box counts five times, and its
    changes once more, squared. Discriminators come in where `loss.pixel_images` is made smaller than the run.
    """
    return AVWnetConfig(
        model=ModelConfig(
            image_size=64,
            width=16,
            num_blocks=2,
            num_fine_blocks=1,
            is_normalized=True,
            tells_mouth=True,
            paints_change=True,
            discriminator_width=16,
            sequence_width=8,
        ),
        loss=LossConfig(
            weight_word=0.0,
            weight_mouth=4.0,
            weight_color=5.0,
            weight_motion=1.0,
            weight_change=100.0,
            painted_frames=4,
            pixel_images=20_000,
        ),
        optimizer=OptimizerConfig(lr_generator=1e-3, decay_images=5_000),
        dataset=ClipConfig(num_frames=12),
        train=TrainConfig(
            images=20_000,
            batch_size=8,
            clip_norm=10.0,
            ema_half_life=400,
            channels_last=True,
            log_every=400,
            sample_every=2_000,
            checkpoint_every=2_000,
        ),
    )


def smoke() -> AVWnetConfig:
    """Seconds; proves that the code runs."""
    return AVWnetConfig(
        model=ModelConfig(
            image_size=64,
            width=4,
            num_blocks=1,
            num_fine_blocks=1,
            num_layers=1,
            discriminator_width=4,
            sequence_width=4,
        ),
        loss=LossConfig(weight_word=0.0),
        optimizer=OptimizerConfig(),
        dataset=ClipConfig(num_frames=4),
        train=SMOKE,
    )


PRESETS = {"paper": paper, "gpu": gpu, "cpu": cpu, "smoke": smoke}
