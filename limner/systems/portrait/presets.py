"""Complete configurations of portrait. Measured figures stand beside each; README.md has the commands."""

from __future__ import annotations

import dataclasses

from limner.data.config import AugmentConfig, DataConfig
from limner.engine.config import TrainConfig
from limner.systems.portrait.config import LossConfig, ModelConfig, OptimizerConfig, PortraitConfig

CELEBAMASK_IMAGES = 24_183  # images of one epoch: the training split of CelebAMask-HQ
CODE_CLASS_WEIGHTS = (0.2, 1.0, 5.0, 5.0, 5.0, 5.0, 3.0, 8.0, 8.0, 8.0, 1.0)  # in the parsing loss of authors' code
RECIPE = LossConfig(  # of the shipped weights: decision 16
    weight_adversarial=0.5,
    weight_global=4.0,
    weight_parser_features=10.0,
    parsing_class_weights=CODE_CLASS_WEIGHTS,
)
_DATA = DataConfig(schema="portrait-11", attributes=())


def paper() -> PortraitConfig:
    """256 px, 55 epochs of CelebAMask-HQ of which the learning rates fall over 45, after 5 of the parser alone."""
    parser_images = 5 * CELEBAMASK_IMAGES
    return PortraitConfig(
        model=ModelConfig(),
        loss=LossConfig(),
        optimizer=OptimizerConfig(decay_images=45 * CELEBAMASK_IMAGES, parser_images=parser_images),
        dataset=_DATA,
        augment=AugmentConfig(),
        train=TrainConfig(
            images=parser_images + 55 * CELEBAMASK_IMAGES,
            batch_size=4,
            precision="32-true",
            num_workers=4,
            log_every=1_600,
            sample_every=16_000,
            checkpoint_every=48_000,
        ),
    )


def code() -> PortraitConfig:
    """The weights and the schedule of the authors' program, without its faults and without two of its terms.

    Left out are the perceptual loss in VGG-19, which needs a file (`--loss.weight_perceptual 30 --loss.vgg_weights
    FILE` adds it), and the noise on the codes (`--model.latent vae`); README.md has the rest.
    """
    loss = LossConfig(
        scale_squares=1_000.0,  # 1/2 x 10 x 1000 = 5000 for each part
        weight_global=0.04,  # 1/2 x 0.04 x 1000 = 20
        global_by_parts=True,
        feature_distance="absolute",
        weight_parsing=100.0,
        parsing_of="unpaired",
        parsing_class_weights=CODE_CLASS_WEIGHTS,
        schedule="both",
    )
    return dataclasses.replace(paper(), loss=loss)


def gpu() -> PortraitConfig:
    """128 px on one GPU in hours: half the width, larger batches, bfloat16, mirrored samples, the recipe of `cpu`."""
    parser_images = 100_000
    return PortraitConfig(
        model=ModelConfig(
            image_size=128,
            width=48,
            appearance_width=24,
            local_channels=16,
            local_alignment="similarity",
            smooth_enlargement=True,
            parser_width=32,
        ),
        loss=RECIPE,
        optimizer=OptimizerConfig(decay_images=500_000, parser_images=parser_images),
        dataset=_DATA,
        augment=AugmentConfig(flip=True),
        train=TrainConfig(
            images=parser_images + 700_000,
            batch_size=16,
            channels_last=True,
            num_workers=8,
            log_every=3_200,
            sample_every=50_000,
            checkpoint_every=50_000,
        ),
    )


def cpu() -> PortraitConfig:
    """64 px on a CPU: narrow networks, four residual blocks, mirrored samples, averaged weights.

    For so few images the generator learns five times as fast as in the paper, the paired error weighs four times as
    much, and small classes weigh more in the parsing loss, as in the authors' program. The codes of skin and hair have
    places, which are aligned with the face that they are given to, what is enlarged is smoothed, and paired results are
    compared in the parser too (decision 16). About 13 images/s on one core with bfloat16 in hardware. The shipped
    weights are of this preset.
    """
    parser_images = 10_000
    return PortraitConfig(
        model=ModelConfig(
            image_size=64,
            width=20,
            appearance_width=12,
            feature_stride=2,
            local_channels=16,
            local_stride=4,
            local_alignment="similarity",
            smooth_enlargement=True,
            num_blocks=4,
            discriminator_width=24,
            parser_width=16,
        ),
        loss=RECIPE,
        optimizer=OptimizerConfig(lr=1e-3, decay_images=30_000, parser_images=parser_images),
        dataset=_DATA,
        augment=AugmentConfig(flip=True),
        train=TrainConfig(
            images=parser_images + 64_000,
            batch_size=16,
            ema_half_life=1_500,
            channels_last=True,
            sample_every=5_000,
            checkpoint_every=5_000,
        ),
    )


def smoke() -> PortraitConfig:
    """Seconds; proves that the code runs. Never look at its pictures."""
    return PortraitConfig(
        model=ModelConfig(
            image_size=64,
            width=4,
            appearance_width=4,
            feature_stride=2,
            num_blocks=1,
            discriminator_width=4,
            parser_width=8,
        ),
        loss=LossConfig(),
        optimizer=OptimizerConfig(lr=1e-3, parser_images=16),
        dataset=_DATA,
        augment=AugmentConfig(),
        train=TrainConfig(
            images=96, batch_size=8, precision="32-true", log_every=16, sample_every=48, checkpoint_every=48
        ),
    )


PRESETS = {"paper": paper, "code": code, "gpu": gpu, "cpu": cpu, "smoke": smoke}
