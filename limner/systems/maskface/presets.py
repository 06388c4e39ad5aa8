"""Complete configurations of maskface. Measured figures stand beside each; README.md has the commands."""

from __future__ import annotations

import math

from limner.data.config import AugmentConfig, DataConfig
from limner.engine.config import TrainConfig
from limner.systems.maskface.config import LossConfig, MaskFaceConfig, ModelConfig, OptimizerConfig

_NO_ATTRIBUTES = DataConfig(attributes=())
_AUGMENT = AugmentConfig(flip=True, crop=0.5)


def half_life(decay: float, batch_size: int) -> float:
    """Images after which an average that keeps `decay` of itself at every step has halved."""
    return batch_size * math.log(0.5) / math.log(decay)


def paper() -> MaskFaceConfig:
    """256 px, 100,000 steps of 8 images: sizes and schedule of StarGAN v2, which the paper's references point to."""
    return MaskFaceConfig(
        model=ModelConfig(),
        loss=LossConfig(),
        optimizer=OptimizerConfig(),
        dataset=_NO_ATTRIBUTES,
        augment=_AUGMENT,
        train=TrainConfig(
            images=800_000,
            batch_size=8,
            precision="32-true",
            ema_half_life=half_life(0.999, 8),
            num_workers=4,
            log_every=1_600,
            sample_every=16_000,
            checkpoint_every=40_000,
        ),
    )


def gpu() -> MaskFaceConfig:
    """The same networks at 128 px on one GPU in hours: larger batch, bfloat16, augmentation of what D sees."""
    return MaskFaceConfig(
        model=ModelConfig(image_size=128, width=128),
        loss=LossConfig(discriminator_augment=("translation", "cutout")),
        optimizer=OptimizerConfig(lr=2e-4, lr_style_encoder=2e-6),
        dataset=_NO_ATTRIBUTES,
        augment=_AUGMENT,
        train=TrainConfig(
            images=800_000,
            batch_size=32,
            ema_half_life=10_000,
            channels_last=True,
            num_workers=8,
            log_every=3_200,
            sample_every=40_000,
            checkpoint_every=40_000,
        ),
    )


def cpu() -> MaskFaceConfig:
    """64 px on one core in an hour: a quarter of the width, noise mode alone, learning rates falling at the end.

    The map reaches the decoder by skips, shortcuts are smooth, what is painted again meets D, and the generator has no
    norms: decision 16 has what each brought. Measured: 19 images a second on a core without bf16 in hardware.
    """
    return MaskFaceConfig(
        # Multiples of 16 channels suit a CPU's bfloat16: with 24 in the place of 16 a step takes 1.8 times as long.
        model=ModelConfig(
            image_size=64,
            width=16,
            max_width=192,
            mapping_width=128,
            mask_injection="skips",
            shortcut_enlargement="bilinear",
            style_injection="demodulation",
        ),
        loss=LossConfig(
            weight_r1=0.1,
            r1_every=4,
            diversity_decay="none",
            reconstruction_share=0.5,
            reference_training=False,
            judge_reconstruction=True,
            discriminator_augment=("translation", "cutout"),
        ),
        # At 6e-4 the discriminator judges at random: right in 0.54 of the cases after 26,000 images.
        optimizer=OptimizerConfig(lr=2e-4, lr_style_encoder=2e-6, decay_images=40_000),
        dataset=_NO_ATTRIBUTES,
        augment=_AUGMENT,
        train=TrainConfig(images=120_000, batch_size=16, ema_half_life=3_000),
    )


def smoke() -> MaskFaceConfig:
    """Seconds; proves that the code runs. Never look at its pictures."""
    return MaskFaceConfig(
        model=ModelConfig(image_size=32, width=8, max_width=16, latent_size=4, style_size=8, mapping_width=16),
        loss=LossConfig(),
        optimizer=OptimizerConfig(lr=1e-3, lr_style_encoder=1e-5),
        dataset=_NO_ATTRIBUTES,
        augment=_AUGMENT,
        train=TrainConfig(
            images=128,
            batch_size=8,
            precision="32-true",
            ema_half_life=half_life(0.999, 8),
            log_every=32,
            sample_every=64,
            checkpoint_every=64,
        ),
    )


PRESETS = {"paper": paper, "gpu": gpu, "cpu": cpu, "smoke": smoke}
