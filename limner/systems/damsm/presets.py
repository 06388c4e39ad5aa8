"""Complete configurations of DAMSM."""

from __future__ import annotations

from limner.data.config import AugmentConfig, DataConfig
from limner.engine.config import TrainConfig
from limner.systems.damsm.config import CaptionConfig, DAMSMConfig, LossConfig, ModelConfig, OptimizerConfig


def paper() -> DAMSMConfig:
    """AttnGAN's encoders for CUB: Inception-v3 on 299 px, 200 epochs; needs `--model.inception`."""
    return DAMSMConfig(
        model=ModelConfig(),
        loss=LossConfig(),
        optimizer=OptimizerConfig(),
        captions=CaptionConfig(),
        dataset=DataConfig(),
        augment=AugmentConfig(flip=True, crop=1.0),
        train=TrainConfig(
            images=1_771_000,
            batch_size=48,
            precision="32-true",
            clip_norm=0.25,
            num_workers=8,
            log_every=5_000,
            sample_every=100_000,
            checkpoint_every=100_000,
        ),
    )


def gpu() -> DAMSMConfig:
    """The small image encoder at 128 px on one GPU, for captions of People: up to 22 words."""
    return DAMSMConfig(
        model=ModelConfig(image_size=128, length=22, backbone="small", widths=(32, 64, 128, 256), region_layer=2),
        loss=LossConfig(),
        optimizer=OptimizerConfig(epoch_images=50_000),
        captions=CaptionConfig(drawn="by_fact"),
        dataset=DataConfig(),
        augment=AugmentConfig(flip=True),
        train=TrainConfig(
            images=1_500_000,
            batch_size=96,
            clip_norm=0.25,
            ema_half_life=10_000,
            channels_last=True,
            num_workers=8,
            checkpoint_every=50_000,
        ),
    )


def cpu() -> DAMSMConfig:
    """64 pixels on a CPU, for some 8,000 captioned people."""
    return DAMSMConfig(
        model=ModelConfig(
            image_size=64,
            code_size=128,
            embedding_size=128,
            dropout=0.3,
            length=22,
            backbone="small",
            widths=(16, 32, 64, 96),
            region_layer=2,
        ),
        loss=LossConfig(),
        optimizer=OptimizerConfig(epoch_images=10_000),
        captions=CaptionConfig(drawn="by_fact"),
        dataset=DataConfig(),
        augment=AugmentConfig(flip=True),
        train=TrainConfig(
            images=250_000,
            batch_size=48,
            clip_norm=0.25,
            ema_half_life=4_000,
            log_every=5_000,
            sample_every=100_000,
            checkpoint_every=25_000,
        ),
    )


def smoke() -> DAMSMConfig:
    """Seconds; proves that the code runs."""
    return DAMSMConfig(
        model=ModelConfig(
            image_size=32,
            code_size=16,
            embedding_size=16,
            length=8,
            backbone="small",
            widths=(4, 8, 8),
            region_layer=1,
        ),
        loss=LossConfig(),
        optimizer=OptimizerConfig(epoch_images=32),
        captions=CaptionConfig(),
        dataset=DataConfig(),
        augment=AugmentConfig(flip=True),
        train=TrainConfig(
            images=64, batch_size=8, precision="32-true", log_every=16, sample_every=32, checkpoint_every=32
        ),
    )


PRESETS = {"paper": paper, "gpu": gpu, "cpu": cpu, "smoke": smoke}
